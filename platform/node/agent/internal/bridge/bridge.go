// Package bridge is `slipway-node connect`: it copies bytes between its standard streams and the agent's socket.
// Many of these are idle at once, so it is one thread around poll with two fixed buffers and holds nothing else.
// It honours half-close both ways and must never let one way wait for the other.
package bridge

import (
	"errors"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"slipway.dev/node/internal/threads"
)

const (
	bufferSize      = 32 << 10
	reservedThreads = 5
	bootPatience    = 2 * time.Second
)

// direction is one way of the copy.
type direction struct {
	buffer     [bufferSize]byte
	start, end int
	eof        bool // nothing more comes in
	done       bool // and the other side was told so, or takes no more
}

type bridge struct {
	stdin, stdout, socket int
	in, out               direction // in: stdin to socket, out: socket to stdout
}

// Connect copies until both ways have ended, or one end is gone altogether. Its error is that the agent cannot
// be reached.
func Connect(path string, stdin, stdout int) error {
	debug.SetGCPercent(10)
	debug.SetMemoryLimit(4 << 20)
	runtime.GOMAXPROCS(1)
	// Threads that the runtime asks for later may not be had: the platform must reach a node that a fork bomb fills.
	_ = threads.Reserve(reservedThreads)
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	if err := reach(socket, path, time.Now().Add(bootPatience)); err != nil {
		return err
	}
	for _, fd := range []int{socket, stdout} {
		if err := makeNonBlocking(fd); err != nil {
			return err
		}
	}
	b := &bridge{stdin: stdin, stdout: stdout, socket: socket}
	for !(b.in.done && b.out.done) {
		if gone := b.step(); gone {
			return nil
		}
	}
	return nil
}

// reach waits until the agent listens: a node that has just been started is asked before its agent is up.
func reach(socket int, path string, deadline time.Time) error {
	for {
		err := retry(func() error { return unix.Connect(socket, &unix.SockaddrUnix{Name: path}) })
		booting := errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED)
		if !booting || time.Now().After(deadline) {
			return err
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// makeNonBlocking leaves terminals and files alone: those are shared with whoever started us.
func makeNonBlocking(fd int) error {
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return err
	}
	if kind := info.Mode & unix.S_IFMT; kind != unix.S_IFIFO && kind != unix.S_IFSOCK {
		return nil
	}
	return unix.SetNonblock(fd, true)
}

// step waits for something to do and does it. gone: nobody takes our output, or the agent has closed its end
// and all that it said was passed on.
func (b *bridge) step() (gone bool) {
	set := [3]unix.PollFd{{Fd: -1}, {Fd: -1}, {Fd: int32(b.socket)}}
	readIn := !b.in.done && !b.in.eof && b.in.end == 0
	if readIn {
		set[0] = unix.PollFd{Fd: int32(b.stdin), Events: unix.POLLIN}
	}
	if b.in.end > 0 && !b.in.done {
		set[2].Events |= unix.POLLOUT
	}
	if b.out.end > 0 {
		set[1] = unix.PollFd{Fd: int32(b.stdout), Events: unix.POLLOUT}
	} else if !b.out.eof {
		set[2].Events |= unix.POLLIN
	}
	if b.out.end > 0 && b.in.end == 0 {
		set[2].Fd = -1 // a socket that is closed already would wake us again and again
	}
	if retry(func() error { _, err := unix.Poll(set[:], -1); return err }) != nil {
		return true
	}
	if set[0].Revents != 0 {
		b.in.read(b.stdin)
	}
	if b.out.end == 0 && !b.out.eof && set[2].Revents&(unix.POLLIN|unix.POLLHUP|unix.POLLERR) != 0 {
		b.out.read(b.socket)
	}
	if b.in.end > 0 && !b.in.write(b.socket) {
		b.in.done = true
	}
	if b.out.end > 0 && !b.out.write(b.stdout) {
		return true
	}
	b.passEnds()
	return set[2].Revents&unix.POLLHUP != 0 && b.out.done
}

// passEnds tells each side that the other has no more to say, once all that it said was passed on.
func (b *bridge) passEnds() {
	if b.in.eof && b.in.end == 0 && !b.in.done {
		b.in.done = true
		_ = unix.Shutdown(b.socket, unix.SHUT_WR)
	}
	if b.out.eof && b.out.end == 0 && !b.out.done {
		b.out.done = true
		_ = unix.Close(b.stdout)
	}
}

func (d *direction) read(fd int) {
	n, err := unix.Read(fd, d.buffer[:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
	case err != nil || n <= 0:
		d.eof = true
	default:
		d.start, d.end = 0, n
	}
}

// write is false when the other side takes nothing any more.
func (d *direction) write(fd int) bool {
	n, err := unix.Write(fd, d.buffer[d.start:d.end])
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return true
	}
	if err != nil {
		d.start, d.end = 0, 0
		return false
	}
	if d.start += n; d.start == d.end {
		d.start, d.end = 0, 0
	}
	return true
}

func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
