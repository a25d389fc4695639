// Package probe holds what the platform may ask a node to try: run a program, fetch a page, ping, connect, read
// and write files. What it meets is a learner's work, so every answer is bounded in size and time, whatever the
// other side does.
package probe

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"slipway.dev/node/internal/protocol"
	"slipway.dev/node/internal/reaper"
)

const (
	defaultOutput = 64 << 10
	maxOutput     = 4 << 20
	// afterlife is how long the output of an ended program is waited for; a background program may hold its pipe open.
	afterlife = 250 * time.Millisecond
)

// RunParams says what to run; times in milliseconds, MaxOutput in bytes for each of stdout and stderr.
type RunParams struct {
	Argv      []string          `json:"argv"`
	TimeoutMS int64             `json:"timeout_ms"`
	MaxOutput int64             `json:"max_output"`
	Stdin     string            `json:"stdin"`
	Env       map[string]string `json:"env"`
	Dir       string            `json:"dir"`
}

// RunDefaults are the params that were not given.
func RunDefaults() RunParams {
	return RunParams{TimeoutMS: 10000, MaxOutput: defaultOutput, Dir: "/root"}
}

// RunResult is how it went.
type RunResult struct {
	ExitCode   int    `json:"exit_code"`
	Stdout     string `json:"stdout"`
	Stderr     string `json:"stderr"`
	Truncated  bool   `json:"truncated"`
	TimedOut   bool   `json:"timed_out"`
	DurationMS int64  `json:"duration_ms"`
}

func (p RunParams) check() error {
	if len(p.Argv) == 0 || p.Argv[0] == "" {
		return protocol.Errorf(protocol.CodeBadRequest, "argv must name a program.")
	}
	for _, argument := range p.Argv {
		if strings.ContainsRune(argument, 0) {
			return protocol.Errorf(protocol.CodeBadRequest, "An argument cannot contain a zero byte.")
		}
	}
	for name, value := range p.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			return protocol.Errorf(protocol.CodeBadRequest, "%.40q cannot be set in an environment.", name)
		}
	}
	if err := protocol.Within("timeout_ms", p.TimeoutMS, 1, 600_000); err != nil {
		return err
	}
	return protocol.Within("max_output", p.MaxOutput, 0, maxOutput)
}

// Run runs a program as the leader of a process group of its own and kills the whole group at the time-out.
func Run(ctx context.Context, r *reaper.Reaper, params RunParams) (RunResult, error) {
	if err := params.check(); err != nil {
		return RunResult{}, err
	}
	began := time.Now()
	cmd := exec.Command(params.Argv[0], params.Argv[1:]...)
	cmd.Dir = params.Dir
	cmd.Env = runEnvironment(params.Env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	streams, err := openStreams(cmd, int(params.MaxOutput))
	if err != nil {
		return RunResult{}, err
	}
	defer streams.close()
	child, err := r.Start(cmd)
	streams.closeChildEnds()
	if err != nil {
		return notStarted(err, began)
	}
	go streams.feed(params.Stdin)
	result := RunResult{}
	timer := time.NewTimer(time.Duration(params.TimeoutMS) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-child.Done():
	case <-timer.C:
		result.TimedOut = true
	case <-ctx.Done():
	}
	ended := ended(child)
	if !ended {
		_ = child.SignalGroup(syscall.SIGKILL)
		<-child.Done()
	}
	streams.finish()
	result.Stdout, result.Stderr = streams.stdout.text(), streams.stderr.text()
	result.Truncated = streams.stdout.truncated || streams.stderr.truncated
	result.DurationMS = time.Since(began).Milliseconds()
	result.ExitCode = exitCode(child.Status(), !ended)
	return result, nil
}

func ended(child *reaper.Child) bool {
	select {
	case <-child.Done():
		return true
	default:
		return false
	}
}

func exitCode(status syscall.WaitStatus, killedByUs bool) int {
	switch {
	case killedByUs:
		return -1
	case status.Signaled():
		return 128 + int(status.Signal())
	default:
		return status.ExitStatus()
	}
}

// notStarted answers as a shell would when there is no such program; anything else is an error.
func notStarted(err error, began time.Time) (RunResult, error) {
	result := RunResult{Stderr: err.Error(), DurationMS: time.Since(began).Milliseconds()}
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		result.ExitCode = 127
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOEXEC):
		result.ExitCode = 126
	default:
		return RunResult{}, err
	}
	return result, nil
}

func runEnvironment(extra map[string]string) []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "SLIPWAY_") {
			env = append(env, entry)
		}
	}
	env = append(env, "HOME=/root", "USER=root", "LANG=C.UTF-8", "PATH="+searchPath)
	for name, value := range extra {
		env = append(env, name+"="+value)
	}
	return env
}

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// streams are a program's three pipes.
type streams struct {
	stdout, stderr capture
	stdin          *os.File
	childEnds      []*os.File
	reading        sync.WaitGroup
}

func openStreams(cmd *exec.Cmd, limit int) (*streams, error) {
	s := &streams{}
	inReader, inWriter, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.stdin, s.childEnds = inWriter, []*os.File{inReader}
	cmd.Stdin = inReader
	for _, out := range []struct {
		capture *capture
		give    func(*os.File)
	}{
		{&s.stdout, func(f *os.File) { cmd.Stdout = f }},
		{&s.stderr, func(f *os.File) { cmd.Stderr = f }},
	} {
		reader, writer, err := os.Pipe()
		if err != nil {
			s.closeChildEnds()
			s.close()
			return nil, err
		}
		out.give(writer)
		s.childEnds = append(s.childEnds, writer)
		out.capture.file, out.capture.limit = reader, limit
		s.reading.Go(out.capture.read)
	}
	return s, nil
}

func (s *streams) feed(text string) {
	_, _ = s.stdin.WriteString(text)
	_ = s.stdin.Close()
}

func (s *streams) closeChildEnds() {
	for _, file := range s.childEnds {
		_ = file.Close()
	}
}

// finish takes what is still to be read, for a little while.
func (s *streams) finish() {
	deadline := time.Now().Add(afterlife)
	_ = s.stdout.file.SetReadDeadline(deadline)
	_ = s.stderr.file.SetReadDeadline(deadline)
	s.reading.Wait()
}

func (s *streams) close() {
	for _, file := range []*os.File{s.stdin, s.stdout.file, s.stderr.file} {
		if file != nil {
			_ = file.Close()
		}
	}
}

// capture keeps the beginning of what comes out of a pipe and reads the rest away, so that the program goes on.
type capture struct {
	file      *os.File
	limit     int
	kept      []byte
	truncated bool
}

func (c *capture) read() {
	buffer := make([]byte, 16<<10)
	for {
		n, err := c.file.Read(buffer)
		room := min(n, c.limit-len(c.kept))
		c.kept = append(c.kept, buffer[:room]...)
		c.truncated = c.truncated || room < n
		if err != nil {
			return
		}
	}
}

func (c *capture) text() string { return validText(c.kept) }

// validText makes bytes into a string that JSON can carry.
func validText(content []byte) string { return strings.ToValidUTF8(string(content), "\uFFFD") }
