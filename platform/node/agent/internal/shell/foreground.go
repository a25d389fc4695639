package shell

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	firstLook   = 15 * time.Millisecond
	slowestLook = 500 * time.Millisecond
	// quietLooks is how often the shell is looked at once it is in the foreground: on a busy node a command
	// may not have started at the first look.
	quietLooks = 5
)

// foreground is the process group that has the terminal, 0 when there is none.
func (s *Shell) foreground() int {
	connection, err := s.master.SyscallConn()
	if err != nil {
		return 0
	}
	group := 0
	_ = connection.Control(func(fd uintptr) {
		group, err = unix.IoctlGetInt(int(fd), unix.TIOCGPGRP)
	})
	if err != nil {
		return 0
	}
	return group
}

// poke says that a line was sent, so a command may be about to start.
func (s *Shell) poke() {
	select {
	case s.poked <- struct{}{}:
	default:
	}
}

// watchForeground tells when a command has ended. It looks only after a line was sent, ever more rarely while
// a command runs, and not at all while nothing does.
func (s *Shell) watchForeground() {
	for {
		select {
		case <-s.child.Done():
			return
		case <-s.poked:
			s.followCommand()
		}
	}
}

func (s *Shell) followCommand() {
	delay := firstLook
	for quiet := 0; quiet < quietLooks; {
		select {
		case <-s.child.Done():
			return
		case <-s.poked:
			quiet, delay = 0, min(delay, 4*firstLook)
		case <-time.After(delay):
			delay = min(delay*3/2, slowestLook)
			if s.foreground() != s.child.Pid() {
				quiet = 0
				continue
			}
			if quiet == 0 {
				s.notify("finished")
			}
			quiet++
		}
	}
}

func procPath(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }
