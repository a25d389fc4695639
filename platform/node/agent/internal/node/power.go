package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"slipway.dev/node/internal/power"
	"slipway.dev/node/internal/protocol"
	"slipway.dev/node/internal/server"
)

// bootTime is how long the ways to registry and name server may take to be set up before the power goes all the same.
const bootTime = 6 * time.Second

// machine is what has a plug; *power.Machine is the one that the node runs on.
type machine interface {
	RememberRules(context.Context) error
	CutLinks() error
	Kill(settled func() bool)
	Forget(context.Context) error
	Restore() error
}

type powerParams struct {
	Plugged *bool `json:"plugged"`
}

type powerResult struct {
	Plugged bool `json:"plugged"`
}

type powerEvent struct {
	Kind    string `json:"kind"`
	Plugged bool   `json:"plugged"`
}

func (n *Node) noPower() error {
	return protocol.Errorf(protocol.CodeUnavailable, "%s has no power.", n.hostname)
}

// powered is operation for what a node does only as long as it has power.
func powered[P any](n *Node, defaults func() P, do func(context.Context, P) (any, error)) server.Operation {
	return operation(defaults, func(ctx context.Context, params P) (any, error) {
		using, done, err := n.supply.Use(ctx)
		if err != nil {
			return nil, n.noPower()
		}
		result, err := do(using, params)
		if lasted := done(); !lasted {
			return nil, n.noPower()
		}
		return result, err
	})
}

// setPower pulls the node's plug or puts it in again; where that is so already, nothing happens.
func (n *Node) setPower(_ context.Context, params powerParams) (any, error) {
	if params.Plugged == nil {
		return nil, protocol.Errorf(protocol.CodeBadRequest, "power needs to be told: plugged true or false.")
	}
	n.plugging.Lock()
	defer n.plugging.Unlock()
	switch {
	case n.ending.Load():
		return nil, protocol.Errorf(protocol.CodeUnavailable, "%s is powering off.", n.hostname)
	case *params.Plugged == n.supply.Plugged():
	case *params.Plugged:
		n.plugIn()
	default:
		n.unplug()
	}
	return powerResult{n.supply.Plugged()}, nil
}

// unplug goes in the order in which a machine dies: the network is gone before anything could say goodbye, then all
// that runs, then what was in memory.
func (n *Node) unplug() {
	began := time.Now()
	problem := n.machine.CutLinks()
	n.supply.Cut()
	n.hub.Publish(powerEvent{Kind: "power", Plugged: false})
	n.awaitBoot()
	// The engine first, so that it does not see its containers die and write that down.
	n.dockerd.Kill()
	n.containerd.Kill()
	n.shells.LosePower()
	stopped := make(chan struct{})
	go func() { n.running.Wait(); close(stopped) }()
	n.machine.Kill(func() bool {
		select {
		case <-stopped:
			return n.supply.InUse() == 0
		default:
			return false
		}
	})
	<-stopped
	if n.cluster != nil {
		n.cluster.Lost("no power")
	} else {
		n.dockerd.Lost("no power")
	}
	n.containerd.Lost("no power")
	n.shells.LosePower() // one that was being started
	problem = errors.Join(problem, n.machine.Forget(n.root))
	slog.Info("unplugged", "took_ms", time.Since(began).Milliseconds(), "problem", problem)
}

// awaitBoot waits for what is set up once, at boot, and must not be killed while it is.
func (n *Node) awaitBoot() {
	late := time.After(bootTime)
	for _, done := range []chan struct{}{n.registryDone, n.namesDone} {
		select {
		case <-done:
		case <-late:
			return
		}
	}
}

// plugIn boots the node as PID 1 does.
func (n *Node) plugIn() {
	problem := n.machine.Restore()
	n.supply.Restore(n.root)
	n.hub.Publish(powerEvent{Kind: "power", Plugged: true})
	n.runPowered()
	slog.Info("plugged in", "problem", problem)
}

var _ machine = (*power.Machine)(nil)
