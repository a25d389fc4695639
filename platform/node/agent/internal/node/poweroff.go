package node

import (
	"context"
	"log/slog"
	"os"
	"syscall"
	"time"
)

const (
	// endAfter is when the process ends, whatever hangs; the kernel then kills all that is left in the node.
	endAfter      = 2800 * time.Millisecond
	dockerdTime   = 1800 * time.Millisecond
	containerTime = 300 * time.Millisecond
	collectTime   = 300 * time.Millisecond
)

// PowerOff ends the node: engines are asked to stop, so that their data is whole if the node starts again, then
// everything is killed and the process exits with status 0. It returns before that only when called twice.
func (n *Node) PowerOff(reason string) {
	n.poweroff.Do(func() {
		time.AfterFunc(endAfter, func() { os.Exit(0) })
		slog.Info("powering off", "reason", reason)
		n.ending.Store(true)
		n.stop()
		if n.shells != nil {
			n.shells.CloseAll()
		}
		stop := func(length time.Duration, service interface{ Stop(context.Context) }) {
			ctx, cancel := context.WithTimeout(context.Background(), length)
			defer cancel()
			service.Stop(ctx)
		}
		if n.cluster != nil {
			stop(dockerdTime, n.cluster)
		} else {
			stop(dockerdTime, n.dockerd)
		}
		stop(containerTime, n.containerd)
		killAll()
		os.Exit(0)
	})
}

// killAll kills every process of the node but this one and waits a little for them to be gone.
func killAll() {
	if os.Getpid() != 1 {
		return // elsewhere, -1 would be the whole machine
	}
	deadline := time.Now().Add(collectTime)
	for time.Now().Before(deadline) {
		if syscall.Kill(-1, syscall.SIGKILL) == syscall.ESRCH {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
