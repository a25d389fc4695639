// Package mesh does what IPVS would do for Swarm, in nodes whose kernel has none for them: it balances published ports and
// services' VIPs over the running tasks. It must stand aside where IPVS works, must never leave half a set of rules,
// and touches no rule that it did not write.
package mesh

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"slipway.dev/node/internal/reaper"
)

const (
	// burst is how long news are collected before they are acted on, pause how long nothing is done after that.
	burst = 20 * time.Millisecond
	pause = 60 * time.Millisecond
	// echo is when to look again after news: dockerd says some things just before they are so.
	echo = 250 * time.Millisecond
	// tick is how often rules are checked that somebody else may have flushed, and how often the engine is asked when
	// its log is silent; quietTicks how many such checks pass between two questions otherwise.
	tick       = time.Second
	quietTicks = 5
	// patience is the longest that one question or one change may take.
	patience = 5 * time.Second
)

// State is who balances.
type State string

// Off: no swarm here. IPVS: the kernel does. Repaired: we do.
const (
	Off      State = "off"
	IPVS     State = "ipvs"
	Repaired State = "repaired"
)

// Kernel is where rules go: the node's, or a test's.
type Kernel interface {
	Sandboxes() []Sandbox
	BalancesItself(Sandbox) bool
	Generation(Sandbox) (uint32, error)
	Install(context.Context, Sandbox, Rules) error
	InstallHost(context.Context, HostRules) error
	Refuse(in Sandbox, gone []netip.Addr) error
}

// Mesh keeps one node's rules. Its methods may be called by anyone; the work is done by Run.
type Mesh struct {
	engine Engine
	kernel Kernel
	hints  Hints
	news   chan struct{}
	told   atomic.Bool // dockerd's log says what happens
	state  atomic.Value

	cluster   Cluster
	plan      Plan
	sandboxes []Sandbox
	failing   bool
	done      map[Sandbox]installed
}

// installed is what a namespace has from us; generation is what its packet filter counted then.
type installed struct {
	script     string
	generation uint32
	listed     []netip.Addr
}

// New makes the mesh of the node whose engine is given.
func New(engine Engine, r *reaper.Reaper) *Mesh { return newMesh(engine, kernel{reaper: r}) }

func newMesh(engine Engine, kernel Kernel) *Mesh {
	m := &Mesh{engine: engine, kernel: kernel, news: make(chan struct{}, 1), done: make(map[Sandbox]installed)}
	m.state.Store(Off)
	return m
}

// State is who balances now.
func (m *Mesh) State() State { return m.state.Load().(State) }

// DockerdSaid takes one line of dockerd's log.
func (m *Mesh) DockerdSaid(line []byte) {
	if m.hints.Heard(line, time.Now()) {
		m.wake()
	}
}

// DockerdStarts forgets what the last dockerd said. talks tells whether the next one says enough, at log level debug.
func (m *Mesh) DockerdStarts(talks bool) {
	m.told.Store(talks)
	m.hints.Forget()
	m.wake()
}

// DockerEvent takes one event of the engine.
func (m *Mesh) DockerEvent(event json.RawMessage) {
	var said struct{ Type string }
	if json.Unmarshal(event, &said) == nil && slices.Contains([]string{"network", "service", "node", "daemon"}, said.Type) {
		m.wake()
	}
}

func (m *Mesh) wake() {
	select {
	case m.news <- struct{}{}:
	default:
	}
}

// Run follows until ctx ends, and may be called again then. The rules stay: the node ends or has no power.
func (m *Mesh) Run(ctx context.Context) {
	defer m.state.Store(Off)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	again := time.NewTimer(tick)
	for ticks := 1; ; {
		ask := true
		select {
		case <-ctx.Done():
			return
		case <-m.news:
			again.Reset(echo)
			sleep(ctx, burst)
		case <-again.C:
		case <-ticker.C:
			ticks++
			ask = !m.told.Load() || m.failing || ticks%quietTicks == 0
		}
		m.round(ctx, ask)
		sleep(ctx, pause)
	}
}

func sleep(ctx context.Context, length time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(length):
	}
}

// round makes the rules what they should be, asking the engine first if told so or if a namespace came or went.
func (m *Mesh) round(ctx context.Context, ask bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	sandboxes := m.kernel.Sandboxes()
	changed := !slices.Equal(sandboxes, m.sandboxes)
	m.sandboxes = sandboxes
	maps.DeleteFunc(m.done, func(sandbox Sandbox, _ installed) bool {
		return sandbox.Name != "" && !slices.Contains(sandboxes, sandbox)
	})
	switch {
	case len(sandboxes) == 0:
		m.state.Store(Off)
		m.plan = Plan{}
	case m.kernel.BalancesItself(sandboxes[0]):
		m.state.Store(IPVS)
		m.plan = Plan{}
	default:
		m.state.Store(Repaired)
		if ask || changed {
			m.look(ctx, sandboxes)
		}
	}
	m.apply(ctx)
}

// look makes the plan anew. When the engine does not answer, the last one stays.
func (m *Mesh) look(ctx context.Context, sandboxes []Sandbox) {
	var names []string
	for _, sandbox := range sandboxes {
		names = append(names, sandbox.Name)
	}
	cluster, err := askEngine(ctx, m.engine, names)
	if err != nil {
		if !m.failing {
			slog.Info("the engine does not say which tasks there are", "error", err)
		}
		m.failing = true
		return
	}
	m.failing = false
	m.cluster = cluster
	m.plan = decide(cluster, m.hints.about(cluster, time.Now()))
}

// apply writes what differs from what was written last, and what somebody else may have touched since. The sandboxes come
// first, so that the node leads nobody to a sandbox that does not know what to do.
func (m *Mesh) apply(ctx context.Context) {
	for _, sandbox := range m.sandboxes {
		rules := m.plan.Sandboxes[sandbox.Name]
		before := m.done[sandbox]
		m.bring(sandbox, rules.script(), func() error { return m.kernel.Install(ctx, sandbox, rules) })
		m.refuse(sandbox, before.listed, rules.Listed)
	}
	m.bring(Sandbox{}, m.plan.Host.script(), func() error { return m.kernel.InstallHost(ctx, m.plan.Host) })
}

func (m *Mesh) bring(sandbox Sandbox, script string, install func() error) {
	before, known := m.done[sandbox]
	if !known && script == removal {
		return // there is nothing of ours to remove
	}
	generation, err := m.kernel.Generation(sandbox)
	if err == nil && known && before.script == script && (before.generation == generation || script == removal) {
		return
	}
	if err := install(); err != nil {
		if sandbox.Name == "" || slices.Contains(m.kernel.Sandboxes(), sandbox) { // else it has just gone
			slog.Warn("the mesh's rules", "where", sandbox.Name, "error", err)
		}
		return
	}
	generation, _ = m.kernel.Generation(sandbox)
	m.done[sandbox] = installed{script: script, generation: generation, listed: before.listed}
}

// refuse ends the connections to tasks that have gone since the last time.
func (m *Mesh) refuse(sandbox Sandbox, before, now []netip.Addr) {
	gone := slices.DeleteFunc(slices.Clone(before), func(task netip.Addr) bool { return slices.Contains(now, task) })
	if len(gone) > 0 {
		if err := m.kernel.Refuse(sandbox, gone); err != nil {
			slog.Warn("connections to tasks that have gone", "where", sandbox.Name, "error", err)
		}
	}
	if one, known := m.done[sandbox]; known {
		one.listed = now
		m.done[sandbox] = one
	}
}
