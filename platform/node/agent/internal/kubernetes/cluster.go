// Package kubernetes makes a node a member of a Kubernetes cluster: it writes what the components read, says how each is
// run, connects the pods of all members, and puts into a new cluster what every cluster has. The components are
// upstream's own; nothing here may do their work for them.
//
// Members need not talk to each other before they start. All keys that they must agree on follow from one secret, which the
// platform gives to the members of one sandbox and to nobody else.
package kubernetes

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"slipway.dev/node/internal/engine"
	"slipway.dev/node/internal/reaper"
	"slipway.dev/node/internal/supervise"
)

// What the cluster's addresses are made of: the values that kubeadm and tutorials use.
const (
	podNetwork     = "10.244.0.0/16"
	serviceNetwork = "10.96.0.0/16"
	firstService   = "10.96.0.1"
	dnsAddress     = "10.96.0.10"
	clusterDomain  = "cluster.local"
	apiPort        = "6443"
)

// Membership is what the platform says of the cluster a node belongs to.
type Membership struct {
	// Members are the cluster's nodes; the first is the control plane.
	Members []string
	// Secret is what all keys of the cluster follow from.
	Secret string
}

// Cluster is this node's part of its cluster.
type Cluster struct {
	Membership
	hostname   string
	place      int
	address    netip.Addr
	authority  []byte // the certificate of the cluster's authority, PEM-encoded
	reaper     *reaper.Reaper
	containerd *supervise.Service
	services   []*supervise.Service
	readiness  *readiness
	changes    func([]string)
	api        atomic.Pointer[client] // nil before the node is prepared

	// Made anew for each Run, and used within it alone.
	prepared chan struct{} // closed when the files are written and the network is up
	images   chan struct{} // closed when the images that came with the node can be run
}

// Start makes a supervised service of a description; what the node's other services are made by.
type Start func(supervise.Spec) *supervise.Service

// News are called with what becomes of the cluster, from goroutines of its own.
type News struct {
	State   func(name string, state supervise.State)
	Changes func(kinds []string) // objects of these kinds have changed
}

// New describes this node's part. Nothing runs before Run.
func New(membership Membership, hostname string, r *reaper.Reaper, containerd *supervise.Service, service Start, news News) (*Cluster, error) {
	place := slices.Index(membership.Members, hostname)
	if place < 0 || place > 254 || len(membership.Secret) < 32 {
		return nil, fmt.Errorf("this node, %s, is not told which cluster it belongs to", hostname)
	}
	c := &Cluster{
		Membership: membership, hostname: hostname, place: place, reaper: r, containerd: containerd,
		readiness: newReadiness(news.State), changes: news.Changes,
	}
	for _, spec := range c.specs() {
		c.services = append(c.services, service(spec))
	}
	return c, nil
}

// IsControl tells whether the control plane runs here.
func (c *Cluster) IsControl() bool { return c.place == 0 }

// Run brings the node into its cluster and keeps it there until ctx ends. It may be called again when it has returned, as
// after a power cut.
func (c *Cluster) Run(ctx context.Context) {
	c.prepared, c.images = make(chan struct{}), make(chan struct{})
	c.readiness.begin()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { c.importImages(ctx) })
	if err := c.prepare(ctx); err != nil {
		slog.Error("this node cannot be prepared for Kubernetes", "error", err)
		return
	}
	close(c.prepared)
	for _, service := range c.services {
		all.Go(func() { service.Run(ctx) })
	}
	all.Go(func() { c.keepPeers(ctx) })
	if c.IsControl() {
		all.Go(func() { c.bootstrap(ctx) })
		all.Go(func() { c.equip(ctx) })
		all.Go(func() { c.watchChanges(ctx) })
	}
	c.watchReadiness(ctx)
}

func (c *Cluster) prepare(ctx context.Context) error {
	began := time.Now()
	address, err := ownAddress()
	if err != nil {
		return err
	}
	c.address = address
	identity, err := newIdentity(c.Secret, time.Now())
	if err != nil {
		return err
	}
	if err := c.writeFiles(identity); err != nil {
		return fmt.Errorf("writing the cluster's files: %w", err)
	}
	api, err := newClient(identity, "https://"+c.endpoint())
	if err != nil {
		return err
	}
	c.api.Store(api)
	if err := c.setUpNetwork(ctx); err != nil {
		return fmt.Errorf("setting up the pods' network: %w", err)
	}
	slog.Info("prepared for Kubernetes", "place", c.place, "address", address, "ms", time.Since(began).Milliseconds())
	return nil
}

// endpoint is where this node reaches the API server.
func (c *Cluster) endpoint() string {
	if c.IsControl() {
		return "127.0.0.1:" + apiPort
	}
	return c.Members[0] + ":" + apiPort
}

// API speaks to the cluster's API server as the administrator; nil before the node is prepared.
func (c *Cluster) API() *engine.Client {
	api := c.api.Load()
	if api == nil {
		return nil
	}
	return engine.Through(api.server, api.http)
}

// Statuses are those of all services, the whole cluster's last.
func (c *Cluster) Statuses() []supervise.Status {
	var found []supervise.Status
	for _, service := range c.services {
		found = append(found, service.Status())
	}
	return append(found, c.readiness.Status())
}

// Waiter is a service that can be waited for.
type Waiter interface {
	WaitReady(ctx context.Context) (supervise.Status, error)
	LastLines(count int) string
}

// Service is the service of that name, nil when there is none.
func (c *Cluster) Service(name string) Waiter {
	if name == readinessName {
		return c.readiness
	}
	for _, service := range c.services {
		if service.Status().Name == name {
			return service
		}
	}
	return nil
}

// Lost says how all services ended while Run was told to end; Run must have returned.
func (c *Cluster) Lost(ending string) {
	for _, service := range c.services {
		service.Lost(ending)
	}
	c.readiness.set(ending)
}

// Stop asks all services to end, and waits until they have or ctx is over.
func (c *Cluster) Stop(ctx context.Context) {
	done := make(chan struct{})
	for _, service := range c.services {
		go func() {
			service.Stop(ctx)
			done <- struct{}{}
		}()
	}
	for range c.services {
		<-done
	}
}

// run runs a program to its end; its output goes to the node's log.
func run(ctx context.Context, r *reaper.Reaper, name string, words ...string) error {
	child, err := r.Start(exec.Command(name, words...))
	if err != nil {
		return err
	}
	select {
	case <-child.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if child.Status() != 0 {
		return fmt.Errorf("%s %v: %s", name, words, child.Ending())
	}
	return nil
}

func wait(ctx context.Context, channels ...chan struct{}) error {
	for _, channel := range channels {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-channel:
		}
	}
	return nil
}
