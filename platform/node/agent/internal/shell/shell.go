// Package shell holds the learner's shells: each a bash on a PTY of its own that lives on when nobody watches,
// with its last megabyte of output for whoever comes back. It must never let a slow or vanished viewer stop
// a program that others watch or nobody watches, and never hold more than its bounds in memory.
package shell

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"slipway.dev/node/internal/frames"
	"slipway.dev/node/internal/reaper"
)

const (
	// oomScore makes the kernel choose what runs in a shell before the node's services.
	oomScore = "500"
	// lastWords is how long what an ended shell printed is waited for; background programs may hold its PTY open.
	lastWords = 300 * time.Millisecond
	// hangUp is how long a shell has to end by itself when it is closed.
	hangUp = 2 * time.Second
	// PowerLost stands in place of a signal's name when the node lost its power.
	PowerLost = "POWER"
)

// Shell is one bash, running or ended.
type Shell struct {
	name    string
	started time.Time
	child   *reaper.Child
	master  *os.File
	output  *Output
	input   *input
	poked   chan struct{}
	notify  func(what string)

	mu     sync.Mutex
	size   frames.Size
	sizeOf *Viewer // whose size the PTY has
}

// start starts command on a new PTY.
func start(name string, command *exec.Cmd, size frames.Size, r *reaper.Reaper, notify func(string)) (*Shell, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer slave.Close()
	_ = pty.Setsize(master, &pty.Winsize{Cols: size.Cols, Rows: size.Rows})
	command.Stdin, command.Stdout, command.Stderr = slave, slave, slave
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	child, err := r.Start(command)
	if err != nil {
		_ = master.Close()
		return nil, err
	}
	_ = os.WriteFile(procPath(child.Pid(), "oom_score_adj"), []byte(oomScore), 0)
	s := &Shell{
		name: name, started: time.Now(), child: child, master: master, size: size,
		output: NewOutput(), input: newInput(), poked: make(chan struct{}, 1), notify: notify,
	}
	s.notify("started")
	read := make(chan struct{})
	go func() { s.read(); close(read) }()
	go s.input.feed(master)
	go s.watchForeground()
	go s.awaitEnd(read)
	return s, nil
}

func (s *Shell) read() {
	buffer := make([]byte, readSize)
	for s.output.WaitForRoom() {
		n, err := s.master.Read(buffer)
		if n > 0 {
			s.output.Write(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

func (s *Shell) awaitEnd(read <-chan struct{}) {
	<-s.child.Done()
	s.input.close()
	s.output.Ending()
	_ = s.master.SetReadDeadline(time.Now().Add(lastWords))
	<-read
	_ = s.master.Close()
	s.output.End(exitOf(s.child.Status()))
	s.notify("exited")
}

func exitOf(status syscall.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{Code: -1, Signal: strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG")}
	}
	return Exit{Code: status.ExitStatus()}
}

// Type gives the shell what the viewer typed; false when the shell has ended. It waits while the shell takes
// no more.
func (s *Shell) Type(v *Viewer, typed []byte) bool {
	s.applySize(v, v.size)
	if !s.input.push(typed, v.Waive) {
		return false
	}
	for _, b := range typed {
		if b == '\r' || b == '\n' {
			s.poke()
			break
		}
	}
	return true
}

// Resize says what the viewer's size is now; the PTY takes it.
func (s *Shell) Resize(v *Viewer, size frames.Size) {
	v.size = size
	s.applySize(v, size)
}

// applySize makes the PTY as large as v's window. A full-screen program is told even where the size is what it
// was, since a new viewer needs it drawn again.
func (s *Shell) applySize(v *Viewer, size frames.Size) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sizeOf == v && s.size == size {
		return
	}
	if s.size != size {
		_ = pty.Setsize(s.master, &pty.Winsize{Cols: size.Cols, Rows: size.Rows})
	} else if group := s.foreground(); group > 1 && group != s.child.Pid() {
		_ = syscall.Kill(-group, syscall.SIGWINCH)
	}
	s.size, s.sizeOf = size, v
}

// attach adds a viewer of that size.
func (s *Shell) attach(size frames.Size, scrollback int) (*Viewer, int) {
	v, count := s.output.Attach(scrollback)
	s.Resize(v, size)
	return v, count
}

// losePower says that the shell has ended before it has, so that viewers see nothing of how its programs die.
func (s *Shell) losePower() {
	s.output.End(Exit{Code: -1, Signal: PowerLost})
	_ = s.child.Signal(syscall.SIGKILL)
}

// close ends the shell and what runs in its foreground.
func (s *Shell) close() {
	if group := s.foreground(); group > 1 {
		_ = syscall.Kill(-group, syscall.SIGHUP)
	}
	_ = s.child.SignalGroup(syscall.SIGHUP)
	select {
	case <-s.child.Done():
	case <-time.After(hangUp):
		// What ignores a hang-up is in the foreground, or is the shell itself.
		if group := s.foreground(); group > 1 {
			_ = syscall.Kill(-group, syscall.SIGKILL)
		}
		_ = s.child.SignalGroup(syscall.SIGKILL)
	}
}
