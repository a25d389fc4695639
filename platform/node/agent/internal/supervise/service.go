// Package supervise keeps a node's services running: it starts them in order, learns when each is ready and
// starts anew whatever ends. It must go on when starting fails (no process to be had during a fork bomb, no
// disk, a deleted program), and it never gives a service up.
package supervise

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// State is where a service is in its life.
type State string

// A service is starting until it answers, ready from then on, down between its end and its next start, and
// failed when it has ended several times in a row without having been ready; it is tried again all the same.
const (
	Starting State = "starting"
	Ready    State = "ready"
	Down     State = "down"
	Failed   State = "failed"
)

const (
	longestDelay  = 5 * time.Second
	failedAfter   = 5
	forgivenAfter = 10 * time.Second
)

// Delay is how long to wait before starting a service that ended for the nth time in a row (n counts from 1).
func Delay(n int) time.Duration {
	if n <= 1 {
		return 0
	}
	return min(longestDelay, 500*time.Millisecond<<min(n-2, 10))
}

// Process is a started service; *reaper.Child is one.
type Process interface {
	Pid() int
	Done() <-chan struct{}
	Ending() string
	Signal(syscall.Signal) error
}

// Spec says what a service is.
type Spec struct {
	Name string
	// Prepare waits for what must be there before the start; it is called before each one.
	Prepare func(context.Context) error
	// Command makes the command anew for each start. Its output is set to the service's log.
	Command func() *exec.Cmd
	// Probe returns nil as soon as the service answers; it is given until the service ends.
	Probe func(context.Context) error
	// Cleanup is called after each end that the next start follows.
	Cleanup func(pid int)
	// LogPath is where its output goes.
	LogPath string
	// Line is shown each line of the output and tells whether to log it; nil for all.
	Line func(line []byte) (keep bool)
}

// Status is what is known of a service now. Durations are in milliseconds.
type Status struct {
	Name         string  `json:"name"`
	State        State   `json:"state"`
	Pid          int     `json:"pid"`
	Restarts     int     `json:"restarts"`
	ReadyAfterMS *int64  `json:"ready_after_ms"`
	LastExit     *string `json:"last_exit"`
}

// Service is one supervised program.
type Service struct {
	spec    Spec
	start   func(*exec.Cmd) (Process, error)
	changed func(name string, state State)
	log     *Log
	born    time.Time

	mu      sync.Mutex
	status  Status
	process Process
	waiters chan struct{} // closed and made anew at each change
}

// New describes a service; nothing runs before Run. Readiness after the first start is counted from born.
func New(spec Spec, born time.Time, start func(*exec.Cmd) (Process, error), changed func(string, State)) *Service {
	return &Service{
		spec: spec, start: start, changed: changed, log: NewLog(spec.LogPath, spec.Line), born: born,
		status:  Status{Name: spec.Name, State: Starting},
		waiters: make(chan struct{}),
	}
}

// Run starts the service again and again until ctx ends. It leaves the running process to Stop or Kill and returns
// when that has ended. It may be called again then.
func (s *Service) Run(ctx context.Context) {
	endings := 0
	since := s.born
	if s.Status().Restarts > 0 {
		since = time.Now()
	}
	for ctx.Err() == nil {
		if s.spec.Prepare != nil && s.spec.Prepare(ctx) != nil {
			continue
		}
		readyFor, pid, ending := s.runOnce(ctx, since)
		if ctx.Err() != nil {
			return
		}
		since = time.Now()
		if readyFor >= forgivenAfter {
			endings = 0
		}
		endings++
		s.ended(ending, endings >= failedAfter && readyFor == 0)
		if s.spec.Cleanup != nil && pid != 0 {
			s.spec.Cleanup(pid)
		}
		select {
		case <-ctx.Done():
		case <-time.After(Delay(endings)):
		}
	}
}

// runOnce returns when the process has ended: how long it was ready, its number (0 when it
// could not be started) and its ending in words.
func (s *Service) runOnce(ctx context.Context, since time.Time) (readyFor time.Duration, pid int, ending string) {
	process, err := s.launch()
	if err != nil {
		return 0, 0, err.Error()
	}
	s.update(func(status *Status) { status.State, status.Pid = Starting, process.Pid() }, process)
	probing, stopProbing := context.WithCancel(ctx)
	answered := make(chan error, 1)
	go func() { answered <- s.spec.Probe(probing) }()
	var readyAt time.Time
	select {
	case <-process.Done():
	case err := <-answered:
		if err == nil {
			readyAt = time.Now()
			after := readyAt.Sub(since).Milliseconds()
			s.update(func(status *Status) { status.State, status.ReadyAfterMS = Ready, &after }, process)
		}
		<-process.Done()
	}
	stopProbing()
	if !readyAt.IsZero() {
		readyFor = time.Since(readyAt)
	}
	return readyFor, process.Pid(), process.Ending()
}

func (s *Service) launch() (Process, error) {
	cmd := s.spec.Command()
	output, err := s.log.Pipe()
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return s.start(cmd)
}

func (s *Service) ended(ending string, failed bool) {
	s.update(func(status *Status) {
		status.State = Down
		if failed {
			status.State = Failed
		}
		status.Pid = 0
		status.LastExit = &ending
		status.Restarts++
	}, nil)
}

func (s *Service) update(change func(*Status), process Process) {
	s.mu.Lock()
	before := s.status.State
	change(&s.status)
	after := s.status.State
	s.process = process
	close(s.waiters)
	s.waiters = make(chan struct{})
	s.mu.Unlock()
	if before != after && s.changed != nil {
		s.changed(s.spec.Name, after)
	}
}

// Status is how the service is now.
func (s *Service) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// LastLines is the end of its log.
func (s *Service) LastLines(count int) string { return s.log.LastLines(count) }

// WaitReady returns the moment the service is ready, or with ctx's error.
func (s *Service) WaitReady(ctx context.Context) (Status, error) {
	for {
		s.mu.Lock()
		status, waiters := s.status, s.waiters
		s.mu.Unlock()
		if status.State == Ready {
			return status, nil
		}
		select {
		case <-ctx.Done():
			return status, ctx.Err()
		case <-waiters:
		}
	}
}

// Stop asks the process to end and waits until it has or ctx is over, without killing it. Run must have been
// told to end before.
func (s *Service) Stop(ctx context.Context) {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	if process == nil {
		return
	}
	if err := process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		return
	}
	select {
	case <-ctx.Done():
	case <-process.Done():
	}
}

// Kill kills the process, if there is one, without asking and without waiting.
func (s *Service) Kill() {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	if process != nil {
		_ = process.Signal(syscall.SIGKILL)
	}
}

// Lost says how the service ended for good while Run was told to end; Run must have returned.
func (s *Service) Lost(ending string) { s.ended(ending, false) }
