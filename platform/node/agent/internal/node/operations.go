package node

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"slipway.dev/node/internal/engine"
	"slipway.dev/node/internal/kubernetes"
	"slipway.dev/node/internal/lease"
	"slipway.dev/node/internal/links"
	"slipway.dev/node/internal/mesh"
	"slipway.dev/node/internal/probe"
	"slipway.dev/node/internal/protocol"
	"slipway.dev/node/internal/server"
	"slipway.dev/node/internal/shell"
	"slipway.dev/node/internal/supervise"
	"slipway.dev/node/internal/traffic"
)

// register names every operation of the protocol.
func (n *Node) register(s *server.Server) {
	s.Operations["status"] = operation(nothing, func(context.Context, struct{}) (any, error) { return n.Status(), nil })
	s.Operations["wait"] = powered(n, preset(waitParams{TimeoutMS: 30000}), n.wait)
	s.Operations["lease"] = operation(preset(leaseParams{}), n.setLease)
	s.Operations["docker"] = powered(n, preset(dockerParams{Method: "GET", TimeoutMS: 5000}), n.docker)
	s.Operations["kubernetes"] = powered(n, preset(kubernetesParams{TimeoutMS: 5000}), n.kubernetes)
	s.Operations["run"] = powered(n, probe.RunDefaults, func(ctx context.Context, p probe.RunParams) (any, error) {
		return probe.Run(ctx, n.reaper, p)
	})
	s.Operations["http"] = powered(n, probe.HTTPDefaults, func(ctx context.Context, p probe.HTTPParams) (any, error) {
		return probe.HTTP(ctx, p)
	})
	s.Operations["ping"] = powered(n, probe.PingDefaults, func(ctx context.Context, p probe.PingParams) (any, error) {
		return probe.Ping(ctx, p)
	})
	s.Operations["tcp"] = powered(n, probe.TCPDefaults, func(ctx context.Context, p probe.TCPParams) (any, error) {
		return probe.TCP(ctx, p)
	})
	s.Operations["read-file"] = powered(n, probe.ReadDefaults, func(_ context.Context, p probe.ReadParams) (any, error) {
		return probe.ReadFile(p)
	})
	s.Operations["write-files"] = powered(n, preset(writeParams{}), n.writeFiles)
	s.Operations["links"] = powered(n, nothing, n.links)
	s.Operations["traffic"] = powered(n, nothing, n.traffic)
	s.Operations["shells"] = operation(nothing, func(context.Context, struct{}) (any, error) {
		return shellsResult{Shells: n.shells.List()}, nil
	})
	s.Operations["close-shell"] = operation(preset(shellParams{}), func(_ context.Context, p shellParams) (any, error) {
		return nil, n.shells.Close(p.Shell)
	})
	s.Operations["transcript"] = operation(preset(shellParams{Max: maxTranscript}), n.transcript)
	s.Operations["history"] = operation(preset(historyParams{Max: 500}), n.history)
	s.Operations["power"] = operation(preset(powerParams{}), n.setPower)
	s.Streams["shell"] = n.serveShell
	s.Streams["events"] = n.serveEvents
	s.Streams["dial"] = n.serveDial
}

// operation decodes params over defaults before calling do.
func operation[P any](defaults func() P, do func(context.Context, P) (any, error)) server.Operation {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		params := defaults()
		if err := protocol.DecodeParams(raw, &params); err != nil {
			return nil, err
		}
		return do(ctx, params)
	}
}

func nothing() struct{} { return struct{}{} }

func preset[P any](params P) func() P { return func() P { return params } }

// Status is the answer to `status`. LeaseLeftMS is nil when the lease has no end.
type Status struct {
	Version     string             `json:"version"`
	Hostname    string             `json:"hostname"`
	UptimeMS    int64              `json:"uptime_ms"`
	LeaseLeftMS *int64             `json:"lease_left_ms"`
	Plugged     bool               `json:"plugged"`
	Services    []supervise.Status `json:"services"`
	Cgroup      string             `json:"cgroup"`
	Mesh        mesh.State         `json:"mesh"`
}

// Status is how the node is now.
func (n *Node) Status() Status {
	status := Status{
		Version: n.version, Hostname: n.hostname, UptimeMS: time.Since(n.began).Milliseconds(),
		Plugged:  n.supply.Plugged(),
		Services: []supervise.Status{n.containerd.Status(), n.dockerd.Status()}, Cgroup: n.world.Name(),
		Mesh: n.mesh.State(),
	}
	if n.cluster != nil {
		status.Services = append([]supervise.Status{n.containerd.Status()}, n.cluster.Statuses()...)
	}
	if left, ok := n.lease.Left(); ok {
		ms := left.Milliseconds()
		status.LeaseLeftMS = &ms
	}
	return status
}

type waitParams struct {
	Service   string `json:"service"`
	TimeoutMS int64  `json:"timeout_ms"`
}

func (n *Node) wait(ctx context.Context, params waitParams) (any, error) {
	if err := protocol.Within("timeout_ms", params.TimeoutMS, 1, 600_000); err != nil {
		return nil, err
	}
	service := n.service(params.Service)
	if service == nil {
		return nil, protocol.Errorf(protocol.CodeNotFound, "There is no service %.40q.", params.Service)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(params.TimeoutMS)*time.Millisecond)
	defer cancel()
	status, err := service.WaitReady(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, protocol.Errorf(protocol.CodeTimeout, "%s is %s after %d ms. Its log ends with:\n%s",
			params.Service, status.State, params.TimeoutMS, service.LastLines(10))
	}
	return struct {
		ReadyAfterMS *int64 `json:"ready_after_ms"`
	}{status.ReadyAfterMS}, err
}

// service is the service of that name, nil when this node has none.
func (n *Node) service(name string) kubernetes.Waiter {
	switch {
	case name == "containerd":
		return n.containerd
	case n.cluster != nil:
		return n.cluster.Service(name)
	case name == "dockerd":
		return n.dockerd
	}
	return nil
}

type leaseParams struct {
	Seconds int64 `json:"seconds"`
}

func (n *Node) setLease(_ context.Context, params leaseParams) (any, error) {
	if err := protocol.Within("seconds", params.Seconds, 1, int64(lease.Longest/time.Second)); err != nil {
		return nil, err
	}
	n.lease.Set(time.Duration(params.Seconds) * time.Second)
	return struct {
		LeaseLeftMS int64 `json:"lease_left_ms"`
	}{params.Seconds * 1000}, nil
}

type dockerParams struct {
	Method    string          `json:"method"`
	Path      string          `json:"path"`
	Body      json.RawMessage `json:"body"`
	TimeoutMS int64           `json:"timeout_ms"`
}

func (n *Node) docker(ctx context.Context, params dockerParams) (any, error) {
	if err := protocol.Within("timeout_ms", params.TimeoutMS, 1, 600_000); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(params.TimeoutMS)*time.Millisecond)
	defer cancel()
	answer, err := n.engine.Call(ctx, params.Method, params.Path, params.Body)
	if err != nil {
		return engine.Answer{}, err
	}
	return answer, nil
}

type kubernetesParams struct {
	Path      string `json:"path"`
	TimeoutMS int64  `json:"timeout_ms"`
}

func (n *Node) kubernetes(ctx context.Context, params kubernetesParams) (any, error) {
	if err := protocol.Within("timeout_ms", params.TimeoutMS, 1, 600_000); err != nil {
		return nil, err
	}
	if n.cluster == nil {
		return nil, protocol.Errorf(protocol.CodeNotFound, "This machine is not part of a Kubernetes cluster.")
	}
	api := n.cluster.API()
	if api == nil {
		return nil, protocol.Errorf(protocol.CodeUnavailable, "The cluster is not up yet.")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(params.TimeoutMS)*time.Millisecond)
	defer cancel()
	return api.Call(ctx, "GET", params.Path, nil)
}

type writeParams struct {
	Files []probe.File `json:"files"`
}

func (n *Node) writeFiles(_ context.Context, params writeParams) (any, error) {
	written, err := probe.WriteFiles(params.Files)
	return struct {
		Written int `json:"written"`
	}{written}, err
}

func (n *Node) links(context.Context, struct{}) (any, error) {
	found, err := links.List()
	return struct {
		Links []links.Link `json:"links"`
	}{found}, err
}

func (n *Node) traffic(context.Context, struct{}) (any, error) {
	found, err := traffic.Count()
	return struct {
		Containers []traffic.Container `json:"containers"`
	}{found}, err
}

const maxTranscript = 1 << 20

type shellsResult struct {
	Shells []shell.Info `json:"shells"`
}

type shellParams struct {
	Shell string `json:"shell"`
	Max   int64  `json:"max"`
}

func (n *Node) transcript(_ context.Context, params shellParams) (any, error) {
	if err := protocol.Within("max", params.Max, 0, maxTranscript); err != nil {
		return nil, err
	}
	content, truncated, err := n.shells.Transcript(params.Shell, int(params.Max))
	return struct {
		Content   string `json:"content"`
		Truncated bool   `json:"truncated"`
	}{base64.StdEncoding.EncodeToString(content), truncated}, err
}

type historyParams struct {
	Max int64 `json:"max"`
}

func (n *Node) history(_ context.Context, params historyParams) (any, error) {
	if err := protocol.Within("max", params.Max, 1, 10_000); err != nil {
		return nil, err
	}
	return struct {
		Commands []shell.Command `json:"commands"`
	}{n.shells.History(int(params.Max))}, nil
}
