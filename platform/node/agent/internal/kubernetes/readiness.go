package kubernetes

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"slipway.dev/node/internal/supervise"
)

const (
	readinessName = "kubernetes"
	lookEvery     = 50 * time.Millisecond
	thenEvery     = time.Second
)

// readiness is the cluster as one service: ready on the control plane once every member is Ready and names are answered,
// on a worker once its own node is Ready; down while the API server does not answer.
type readiness struct {
	began   time.Time
	changed func(string, supervise.State)

	mu      sync.Mutex
	status  supervise.Status
	missing string
	waiters chan struct{} // closed and made anew at each change
}

// begin is a boot: nothing is ready.
func (r *readiness) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.began, r.status.ReadyAfterMS = time.Now(), nil
	r.status.State, r.missing = supervise.Starting, "the API server does not answer yet"
}

func newReadiness(changed func(string, supervise.State)) *readiness {
	return &readiness{
		began: time.Now(), changed: changed, waiters: make(chan struct{}),
		status: supervise.Status{Name: readinessName, State: supervise.Starting},
	}
}

func (r *readiness) Status() supervise.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// LastLines is what the cluster still lacks.
func (r *readiness) LastLines(int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missing
}

func (r *readiness) WaitReady(ctx context.Context) (supervise.Status, error) {
	for {
		r.mu.Lock()
		status, waiters := r.status, r.waiters
		r.mu.Unlock()
		if status.State == supervise.Ready {
			return status, nil
		}
		select {
		case <-ctx.Done():
			return status, ctx.Err()
		case <-waiters:
		}
	}
}

// set records what is missing; nothing is, when the cluster is ready.
func (r *readiness) set(missing string) {
	r.mu.Lock()
	before := r.status.State
	r.missing = missing
	switch {
	case missing == "":
		r.status.State = supervise.Ready
		if r.status.ReadyAfterMS == nil {
			after := time.Since(r.began).Milliseconds()
			r.status.ReadyAfterMS = &after
		}
	case before == supervise.Ready:
		r.status.State = supervise.Down
	}
	after := r.status.State
	if before != after {
		close(r.waiters)
		r.waiters = make(chan struct{})
	}
	r.mu.Unlock()
	if before != after && r.changed != nil {
		r.changed(readinessName, after)
	}
}

// watchReadiness looks often until the cluster is ready for the first time, and then whether the API server answers.
func (c *Cluster) watchReadiness(ctx context.Context) {
	if c.api.Load().waitReady(ctx) != nil {
		return
	}
	pause, wasReady := lookEvery, false
	for ctx.Err() == nil {
		missing := ""
		if wasReady {
			if !c.api.Load().isReady(ctx) {
				missing = "the API server does not answer"
			}
		} else {
			missing = c.missing(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		c.readiness.set(missing)
		if missing == "" {
			wasReady, pause = true, thenEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (c *Cluster) missing(ctx context.Context) string {
	ready, err := c.api.Load().readyNodes(ctx)
	if err != nil {
		return err.Error()
	}
	wanted := []string{c.hostname}
	if c.IsControl() {
		wanted = c.Members
	}
	late := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return ready[name] })
	if len(late) > 0 {
		return "not Ready yet: " + strings.Join(late, ", ")
	}
	if c.IsControl() {
		if err := asksNames(ctx); err != nil {
			return fmt.Sprintf("cluster DNS does not answer yet: %v", err)
		}
	}
	return ""
}

// asksNames asks the cluster's name server, by the address that pods use, for the one service that every cluster has.
func asksNames(ctx context.Context) error {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(dnsAddress, "53"))
	}}
	// A question asked before the rules are there is lost, and must not be waited for.
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, err := resolver.LookupHost(ctx, "kubernetes.default.svc."+clusterDomain+".")
	return err
}
