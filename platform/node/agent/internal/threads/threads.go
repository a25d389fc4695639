// Package threads makes the Go runtime start its threads before a learner can use up the node's processes.
// The runtime ends the whole program when it needs a thread and the kernel has none to give, and PID 1 must not
// end because of a fork bomb. Threads once started are kept for ever, so having them early is enough.
package threads

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Reserve returns when at least count threads exist: it blocks that many goroutines in system calls that the
// runtime knows nothing about, each of which then needs a thread of its own.
func Reserve(count int) error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	defer writer.Close()
	fd := int(reader.Fd()) // puts the pipe into blocking mode
	var blocked sync.WaitGroup
	for range count {
		blocked.Go(func() { readByte(fd) })
	}
	waitForThreads(count)
	_, err = writer.Write(make([]byte, count))
	blocked.Wait()
	return err
}

func readByte(fd int) {
	var one [1]byte
	for {
		if _, err := unix.Read(fd, one[:]); err != unix.EINTR {
			return
		}
	}
}

// waitForThreads gives up after a while: fewer threads are better than a node that does not boot.
func waitForThreads(count int) {
	for range 200 {
		if entries, err := os.ReadDir("/proc/self/task"); err != nil || len(entries) >= count {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
