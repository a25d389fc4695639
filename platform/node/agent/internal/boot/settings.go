// Package boot turns the bare container that PID 1 finds itself in into a machine that container engines can run
// on: mounts, cgroups, forwarding. It must go on where a step is refused, and say which: a node with a problem
// can be looked into, one that did not boot cannot.
package boot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway.dev/node/internal/lease"
)

// Settings are what the platform tells PID 1 by its environment.
type Settings struct {
	Kind           string
	Lease          time.Duration // 0: no end until one is set
	Peers          []string
	RegistrySocket string
	// Cluster and Secret are for the nodes of a Kubernetes cluster: its members, the control plane first, and what its keys
	// follow from.
	Cluster []string
	Secret  string
}

// IsKubernetes tells whether the node is one of a Kubernetes cluster.
func (s Settings) IsKubernetes() bool { return strings.HasPrefix(s.Kind, "kubernetes-") }

var kinds = []string{"docker", "kubernetes-control", "kubernetes-worker"}

// ReadSettings reads the environment. Settings are usable even with an error, which names what was wrong.
func ReadSettings(getenv func(string) string) (Settings, error) {
	settings := Settings{
		Kind: getenv("SLIPWAY_KIND"), RegistrySocket: getenv("SLIPWAY_REGISTRY_SOCKET"), Secret: getenv("SLIPWAY_CLUSTER_SECRET"),
		Cluster: list(getenv("SLIPWAY_CLUSTER")), Peers: list(getenv("SLIPWAY_PEERS")),
	}
	var err error
	if settings.Kind == "" {
		settings.Kind = "docker"
	}
	if !slices.Contains(kinds, settings.Kind) {
		err = fmt.Errorf("SLIPWAY_KIND: there is no kind %q; going on as docker", settings.Kind)
		settings.Kind = "docker"
	}
	if text := getenv("SLIPWAY_LEASE_SECONDS"); text != "" {
		seconds, parseErr := strconv.ParseInt(text, 10, 64)
		if parseErr != nil || seconds < 1 || seconds > int64(lease.Longest/time.Second) {
			// Whoever asked for an end must get one: an hour is what labs last.
			err = fmt.Errorf("SLIPWAY_LEASE_SECONDS: %q is no lease; taking an hour", text)
			seconds = 3600
		}
		settings.Lease = time.Duration(seconds) * time.Second
	}
	return settings, err
}

func list(text string) []string {
	var names []string
	for _, name := range strings.Split(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Place is the node's place among its peers, 0 when it is not one of them.
func (s Settings) Place(hostname string) int { return max(0, slices.Index(s.Peers, hostname)) }
