// Package reaper collects every process that ends below PID 1: the ones this program started, whose exit
// status somebody waits for, and the orphans, which nobody does. There must be one wait4 in the program and
// it is here; os/exec's Wait is never called, since the two would steal each other's statuses.
package reaper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper owns the table of the children whose exit status is wanted.
type Reaper struct {
	// mu is held from fork to the entry in the table, and around each wait4 together with its lookup, so a
	// child that ends at once is found there, and a signal can never hit a process number given away anew.
	mu       sync.Mutex
	children map[int]*Child
	orphans  uint64
}

// New makes a Reaper; Run must be running for any child's end to be noticed.
func New() *Reaper { return &Reaper{children: make(map[int]*Child)} }

// Child is a process started by Start.
type Child struct {
	pid    int
	reaper *Reaper
	done   chan struct{}
	status syscall.WaitStatus
}

// Start starts cmd. Its standard streams must be files (or nil): nothing here would copy anything else.
func (r *Reaper) Start(cmd *exec.Cmd) (*Child, error) {
	for _, stream := range []any{cmd.Stdin, cmd.Stdout, cmd.Stderr} {
		if _, isFile := stream.(*os.File); stream != nil && !isFile {
			return nil, errors.New("the reaper's children have files as standard streams")
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	child := &Child{pid: cmd.Process.Pid, reaper: r, done: make(chan struct{})}
	r.children[child.pid] = child
	_ = cmd.Process.Release()
	return child, nil
}

// Run collects until ctx ends.
func (r *Reaper) Run(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		for r.collectOne() {
		}
		select {
		case <-ctx.Done():
			return
		case <-ended:
		}
	}
}

// collectOne tells whether there may be more. The lock is taken anew for each, so that a flood of orphans
// cannot keep Start waiting.
func (r *Reaper) collectOne() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
	if err == syscall.EINTR {
		return true
	}
	if err != nil || pid <= 0 {
		return false
	}
	if child := r.children[pid]; child != nil {
		delete(r.children, pid)
		child.status = status
		close(child.done)
	} else {
		r.orphans++
	}
	return true
}

// Orphans is how many processes were collected that nobody waited for.
func (r *Reaper) Orphans() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.orphans
}

// Pid is the child's process number.
func (c *Child) Pid() int { return c.pid }

// Done is closed when the child has ended and was collected.
func (c *Child) Done() <-chan struct{} { return c.done }

// Status is how the child ended; it may be asked for only after Done.
func (c *Child) Status() syscall.WaitStatus { return c.status }

// Ending is Status in words: "exit status 1", "signal: killed".
func (c *Child) Ending() string {
	if c.status.Signaled() {
		return "signal: " + c.status.Signal().String()
	}
	return fmt.Sprintf("exit status %d", c.status.ExitStatus())
}

// Signal sends a signal to the child, os.ErrProcessDone if it has ended.
func (c *Child) Signal(sig syscall.Signal) error {
	c.reaper.mu.Lock()
	defer c.reaper.mu.Unlock()
	if c.reaper.children[c.pid] != c {
		return os.ErrProcessDone
	}
	return syscall.Kill(c.pid, sig)
}

// SignalGroup sends a signal to the process group that the child leads (it must have been started as a group's
// leader). The group may outlive the child.
func (c *Child) SignalGroup(sig syscall.Signal) error {
	c.reaper.mu.Lock()
	defer c.reaper.mu.Unlock()
	return syscall.Kill(-c.pid, sig)
}
