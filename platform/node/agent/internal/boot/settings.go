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
}

// ReadSettings reads the environment. Settings are usable even with an error, which names what was wrong.
func ReadSettings(getenv func(string) string) (Settings, error) {
	settings := Settings{Kind: getenv("SLIPWAY_KIND"), RegistrySocket: getenv("SLIPWAY_REGISTRY_SOCKET")}
	var err error
	if settings.Kind == "" {
		settings.Kind = "docker"
	}
	if settings.Kind != "docker" {
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
	for _, name := range strings.Split(getenv("SLIPWAY_PEERS"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			settings.Peers = append(settings.Peers, name)
		}
	}
	return settings, err
}

// Place is the node's place among its peers, 0 when it is not one of them.
func (s Settings) Place(hostname string) int { return max(0, slices.Index(s.Peers, hostname)) }
