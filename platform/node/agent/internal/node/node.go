// Package node is PID 1: it puts the parts together, boots the node, answers the platform and powers the node
// off. Nothing that happens inside the node may end it before its time.
package node

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"slipway.dev/node/internal/boot"
	"slipway.dev/node/internal/cgroups"
	"slipway.dev/node/internal/engine"
	"slipway.dev/node/internal/events"
	"slipway.dev/node/internal/kubernetes"
	"slipway.dev/node/internal/lease"
	"slipway.dev/node/internal/links"
	"slipway.dev/node/internal/mesh"
	"slipway.dev/node/internal/names"
	"slipway.dev/node/internal/power"
	"slipway.dev/node/internal/reaper"
	"slipway.dev/node/internal/registry"
	"slipway.dev/node/internal/server"
	"slipway.dev/node/internal/shell"
	"slipway.dev/node/internal/supervise"
	"slipway.dev/node/internal/threads"
)

const (
	// Folder is where the agent keeps what lives as long as the node runs.
	Folder = "/run/slipway"
	// Socket is where the agent listens.
	Socket = Folder + "/agent.sock"

	reservedThreads = 24
	memoryLimit     = 64 << 20
)

// Node is the running PID 1.
type Node struct {
	version  string
	began    time.Time
	hostname string
	world    cgroups.World
	settings boot.Settings

	reaper       *reaper.Reaper
	hub          events.Hub
	lease        *lease.Lease
	engine       *engine.Client
	containerd   *supervise.Service
	dockerd      *supervise.Service
	cluster      *kubernetes.Cluster // nil unless this is a node of a Kubernetes cluster
	registry     *registry.Registry
	registryDone chan struct{}
	names        *names.Server
	namesDone    chan struct{}
	mesh         *mesh.Mesh
	keepAllLines atomic.Bool // of dockerd's log: the learner has chosen its level
	shells       *shell.Manager

	supply   *power.Supply
	machine  machine
	plugging sync.Mutex              // held while the power goes or comes
	powered  []func(context.Context) // what runs as long as there is power
	running  sync.WaitGroup          // of these

	root     context.Context
	stop     context.CancelFunc
	poweroff sync.Once
	ending   atomic.Bool
}

// Run boots the node and returns only if it is not PID 1; otherwise it ends the process when the node's time is over.
func Run(version string) error {
	if os.Getpid() != 1 {
		return errors.New("init is for process 1 of a node; see slipway-node --help")
	}
	began := time.Now()
	debug.SetMemoryLimit(memoryLimit)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	if err := threads.Reserve(reservedThreads); err != nil {
		slog.Warn("threads could not be reserved", "error", err)
	}
	settings, err := boot.ReadSettings(os.Getenv)
	if err != nil {
		slog.Error("settings", "error", err)
	}
	world := cgroups.Detect()
	if err := boot.PrepareMachine(world); err != nil {
		slog.Error("the machine is not as it should be", "error", err)
	}
	n := newNode(version, began, settings, world)
	remembered, err := power.Remember(n.reaper)
	if err != nil {
		slog.Error("the machine as it is at boot", "error", err)
	}
	n.machine = remembered
	n.start()
	reason := (<-signals).String()
	n.PowerOff(reason)
	select {} // PowerOff ends the process
}

func newNode(version string, began time.Time, settings boot.Settings, world cgroups.World) *Node {
	n := &Node{
		version: version, began: began, settings: settings, world: world,
		reaper: reaper.New(), engine: engine.New(dockerSocket), registryDone: make(chan struct{}), namesDone: make(chan struct{}),
	}
	n.mesh = mesh.New(n.engine, n.reaper)
	n.root, n.stop = context.WithCancel(context.Background())
	n.supply = power.NewSupply(n.root)
	n.hostname, _ = os.Hostname()
	n.lease = lease.New(func() { n.PowerOff("the lease is over") })
	launch := func(cmd *exec.Cmd) (supervise.Process, error) { return n.reaper.Start(cmd) }
	changed := func(name string, state supervise.State) {
		slog.Info("service", "name", name, "state", state, "after_ms", time.Since(began).Milliseconds())
		n.hub.Publish(serviceEvent{Kind: "service", Name: name, State: state})
	}
	n.containerd = supervise.New(n.containerdSpec(), began, launch, changed)
	n.dockerd = supervise.New(n.dockerdSpec(), began, launch, changed)
	n.powered = []func(context.Context){n.containerd.Run, n.dockerd.Run, n.mesh.Run}
	if settings.IsKubernetes() {
		n.cluster = n.newCluster(func(spec supervise.Spec) *supervise.Service { return supervise.New(spec, began, launch, changed) }, changed)
	}
	if n.cluster != nil {
		n.powered = []func(context.Context){n.containerd.Run, n.cluster.Run}
	}
	return n
}

// start starts containerd first, since all else waits for it, and what it does not need beside it.
func (n *Node) start() {
	ctx := n.root
	go n.reaper.Run(context.Background())
	if n.settings.Lease > 0 {
		n.lease.Set(n.settings.Lease)
	}
	n.runPowered()
	go n.setUpWays(ctx)
	shells, err := shell.NewManager(Folder, "/root", n.settings.Place(n.hostname), n.reaper, func(name, what string) {
		n.hub.Publish(shellEvent{Kind: "shell", Shell: name, What: what})
	})
	if err != nil {
		slog.Error("the shells' folder", "error", err)
	}
	n.shells = shells
	go links.Watch(ctx, func() { n.hub.Publish(kindOnly{Kind: "links"}) })
	go n.followEngine(ctx)
	s := server.New()
	n.register(s)
	go s.ListenAndServe(ctx, Socket)
}

// setUpWays sets up the ways to registry and name server, once the packet filter is remembered as it was without them.
func (n *Node) setUpWays(ctx context.Context) {
	if err := n.machine.RememberRules(ctx); err != nil {
		slog.Error("the packet filter as it is at boot", "error", err)
	}
	go n.setUpNames(ctx)
	n.setUpRegistry(ctx)
}

func (n *Node) setUpRegistry(ctx context.Context) {
	defer close(n.registryDone)
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := registry.Setup(limited, n.settings.RegistrySocket, n.reaper)
	if err != nil {
		slog.Error("the registry cannot be reached from here", "error", err)
		return
	}
	if found != nil {
		n.registry = found
		go found.Serve(ctx)
	}
}

func (n *Node) setUpNames(ctx context.Context) {
	defer close(n.namesDone)
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	server, err := names.Setup(limited, "/etc/resolv.conf", n.reaper)
	if err != nil {
		slog.Error("containers will have no name server", "error", err)
		return
	}
	n.names = server
	go server.Serve(ctx)
}

// runPowered starts what runs as long as there is power.
func (n *Node) runPowered() {
	period := n.supply.Period()
	for _, run := range n.powered {
		n.running.Go(func() { run(period) })
	}
}

// followEngine passes the engine's events on, from whichever dockerd runs.
func (n *Node) followEngine(ctx context.Context) {
	for ctx.Err() == nil {
		if _, err := n.dockerd.WaitReady(ctx); err != nil {
			return
		}
		err := n.engine.Follow(ctx, n.publishDocker)
		slog.Info("the engine's events ended", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}
