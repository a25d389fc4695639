package probe

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"slipway.dev/node/internal/protocol"
	"slipway.dev/node/internal/reaper"
)

func running(t *testing.T) *reaper.Reaper {
	t.Helper()
	r := reaper.New()
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { r.Run(ctx); close(stopped) }()
	t.Cleanup(func() { cancel(); <-stopped })
	return r
}

// shell runs a script with the defaults, changed by change.
func shell(t *testing.T, script string, change func(*RunParams)) RunResult {
	t.Helper()
	params := RunDefaults()
	params.Argv, params.Dir = []string{"/bin/sh", "-c", script}, "/"
	if change != nil {
		change(&params)
	}
	result, err := Run(context.Background(), running(t), params)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestAProgramsOutputAndStatusComeBack(t *testing.T) {
	got := shell(t, `cat; pwd; echo "$COLOUR $HOME" >&2; exit 3`, func(p *RunParams) {
		p.Stdin, p.Env, p.Dir = "from stdin\n", map[string]string{"COLOUR": "blue"}, "/usr"
	})
	if got.ExitCode != 3 || got.Stdout != "from stdin\n/usr\n" || got.Stderr != "blue /root\n" || got.Truncated || got.TimedOut {
		t.Errorf("%+v", got)
	}
}

func TestOutputOverTheMostIsCutAndTheProgramGoesOn(t *testing.T) {
	got := shell(t, `head -c 3000000 /dev/zero; echo done >&2`, func(p *RunParams) { p.MaxOutput = 1000 })
	if len(got.Stdout) != 1000 || got.Stderr != "done\n" || !got.Truncated || got.ExitCode != 0 {
		t.Errorf("%d bytes, %+v", len(got.Stdout), got.Stderr)
	}
}

func TestOutputThatIsNotUTF8IsMended(t *testing.T) {
	if got := shell(t, `printf 'a\377b'`, nil); got.Stdout != "a\uFFFDb" {
		t.Errorf("%q", got.Stdout)
	}
}

func TestTheWholeGroupIsKilledAtTheTimeOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	got := shell(t, `sleep 100 & echo $! > "$FILE"; echo started; wait`, func(p *RunParams) {
		p.TimeoutMS, p.Env = 500, map[string]string{"FILE": file}
	})
	if !got.TimedOut || got.ExitCode != -1 || got.Stdout != "started\n" || got.DurationMS < 500 || got.DurationMS > 3000 {
		t.Errorf("%+v", got)
	}
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gone := func() bool {
		state, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
		return err != nil || strings.Contains(string(state), ") Z ")
	}
	for deadline := time.Now().Add(5 * time.Second); !gone(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what it started in the background lives on")
		}
	}
}

func TestABackgroundProgramThatKeepsTheOutputOpenIsNotWaitedFor(t *testing.T) {
	got := shell(t, `sleep 5 & echo hello`, nil)
	if got.Stdout != "hello\n" || got.ExitCode != 0 || got.DurationMS > 3000 {
		t.Errorf("%+v", got)
	}
}

func TestAProgramThatIsNotThereOrIsNoneSaysSoAsInAShell(t *testing.T) {
	for path, want := range map[string]int{"no-such-program": 127, "/no/such/program": 127, "/etc/passwd": 126} {
		params := RunDefaults()
		params.Argv, params.Dir = []string{path}, "/"
		got, err := Run(context.Background(), running(t), params)
		if err != nil || got.ExitCode != want || got.Stderr == "" {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
}

func TestAProgramKilledByASignalSaysSoAsInAShell(t *testing.T) {
	if got := shell(t, `kill -SEGV $$`, nil); got.ExitCode != 128+int(syscall.SIGSEGV) || got.TimedOut {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsOutOfRangeIsABadRequest(t *testing.T) {
	for name, change := range map[string]func(*RunParams){
		"no argv":            func(p *RunParams) { p.Argv = nil },
		"empty name":         func(p *RunParams) { p.Argv = []string{""} },
		"zero byte":          func(p *RunParams) { p.Argv = []string{"a\x00b"} },
		"no time":            func(p *RunParams) { p.TimeoutMS = 0 },
		"too long a time":    func(p *RunParams) { p.TimeoutMS = 600_001 },
		"negative output":    func(p *RunParams) { p.MaxOutput = -1 },
		"too much output":    func(p *RunParams) { p.MaxOutput = maxOutput + 1 },
		"odd variable":       func(p *RunParams) { p.Env = map[string]string{"A=B": "c"} },
		"zero in a variable": func(p *RunParams) { p.Env = map[string]string{"A": "\x00"} },
	} {
		params := RunDefaults()
		params.Argv = []string{"/bin/true"}
		change(&params)
		_, err := Run(context.Background(), reaper.New(), params)
		isBadRequest(t, name, err)
	}
}

func isBadRequest(t *testing.T, name string, err error) {
	t.Helper()
	var refusal *protocol.Error
	if !errors.As(err, &refusal) || refusal.Code != protocol.CodeBadRequest {
		t.Errorf("%s: %v", name, err)
	}
}
