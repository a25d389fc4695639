package kubernetes

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// watched are the kinds whose changes are told, by where the API has them. Leases and events, which never rest, are not among
// them.
var watched = map[string]string{
	"pods": "/api/v1/pods", "nodes": "/api/v1/nodes", "services": "/api/v1/services", "namespaces": "/api/v1/namespaces",
	"configmaps": "/api/v1/configmaps", "persistentvolumeclaims": "/api/v1/persistentvolumeclaims",
	"deployments": "/apis/apps/v1/deployments", "replicasets": "/apis/apps/v1/replicasets",
	"daemonsets": "/apis/apps/v1/daemonsets", "statefulsets": "/apis/apps/v1/statefulsets",
	"jobs": "/apis/batch/v1/jobs", "endpointslices": "/apis/discovery.k8s.io/v1/endpointslices",
	"clusterroles": roles + "/clusterroles?" + ofControllers, "clusterrolebindings": roles + "/clusterrolebindings?" + ofControllers,
}

// ofControllers selects the one role, and its binding, that are looked at: of the hundred others nobody wants to hear.
const ofControllers = "fieldSelector=metadata.name=system:kube-controller-manager"

const (
	settle     = 100 * time.Millisecond
	watchAgain = 500 * time.Millisecond
	maxObject  = 2 << 20
)

// watchChanges tells which kinds of objects change, a burst of changes at once, until ctx ends.
func (c *Cluster) watchChanges(ctx context.Context) {
	var mu sync.Mutex
	var changed []string
	tell := func() {
		mu.Lock()
		kinds := changed
		changed = nil
		mu.Unlock()
		slices.Sort(kinds)
		c.changes(kinds)
	}
	mark := func(kind string) {
		mu.Lock()
		defer mu.Unlock()
		if len(changed) == 0 {
			time.AfterFunc(settle, tell)
		}
		if !slices.Contains(changed, kind) {
			changed = append(changed, kind)
		}
	}
	var all sync.WaitGroup
	defer all.Wait()
	for kind, path := range watched {
		all.Go(func() {
			c.api.Load().keepWatching(ctx, path, func() { mark(kind) })
		})
	}
}

// keepWatching watches anew whenever the API server ends it, until ctx does.
func (a *client) keepWatching(ctx context.Context, path string, changed func()) {
	for a.waitReady(ctx) == nil {
		_ = a.watch(ctx, path, changed)
		select {
		case <-ctx.Done():
		case <-time.After(watchAgain):
		}
	}
}

// watch calls changed for every object there is and then for every change, until the API server ends it. The path may already
// have a query.
func (a *client) watch(ctx context.Context, path string, changed func()) error {
	list, query, _ := strings.Cut(path, "?")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.server+list+"?watch=true&"+query, nil)
	if err != nil {
		return err
	}
	endless := *a.http
	endless.Timeout = 0
	answer, err := endless.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("watching %s: %s", path, answer.Status)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, maxObject)
	for lines.Scan() {
		changed()
	}
	return lines.Err()
}
