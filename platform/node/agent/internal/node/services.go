package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway.dev/node/internal/inward"
	"slipway.dev/node/internal/supervise"
)

const (
	containerdSocket = "/run/containerd/containerd.sock"
	containerdConfig = "/run/containerd/slipway.toml"
	dockerSocket     = "/run/docker.sock"
	dockerPidFile    = "/run/docker.pid"
	daemonJSON       = "/etc/docker/daemon.json"
)

// unneeded are containerd plugins that cost time at its start and that neither Docker nor the kubelet uses.
// Names that a version of containerd does not know do no harm. "runtime.v1.linux" must stay, although nothing runs with
// it: the tasks service does not load without.
var unneeded = []string{
	"io.containerd.nri.v1.nri",
	"io.containerd.snapshotter.v1.aufs",
	"io.containerd.snapshotter.v1.blockfile",
	"io.containerd.snapshotter.v1.btrfs",
	"io.containerd.snapshotter.v1.devmapper",
	"io.containerd.snapshotter.v1.erofs",
	"io.containerd.snapshotter.v1.zfs",
	"io.containerd.internal.v1.tracing",
	"io.containerd.tracing.processor.v1.otlp",
	"io.containerd.internal.v1.restart",
}

// unneededByDocker are those that Docker does without (it has its own snapshots, overlay2, and needs no CRI) and the
// kubelet does not.
var unneededByDocker = []string{"io.containerd.grpc.v1.cri", "io.containerd.monitor.v1.cgroups"}

// writeContainerdConfig writes what every node's containerd is told, the plugins to leave out besides the unneeded ones,
// and more, as TOML.
func writeContainerdConfig(leftOut []string, more string) error {
	var config strings.Builder
	config.WriteString("# Written by slipway-node at boot.\nversion = 2\nroot = \"/var/lib/containerd\"\nstate = \"/run/containerd\"\n")
	fmt.Fprintf(&config, "disabled_plugins = [%s]\n", `"`+strings.Join(slices.Concat(unneeded, leftOut), `", "`)+`"`)
	fmt.Fprintf(&config, "[grpc]\n  address = %q\n[debug]\n  level = \"warn\"\n", containerdSocket)
	config.WriteString(more)
	return os.WriteFile(containerdConfig, []byte(config.String()), 0o644)
}

func (n *Node) containerdSpec() supervise.Spec {
	return supervise.Spec{
		Name:    "containerd",
		LogPath: "/var/log/containerd.log",
		Prepare: func(ctx context.Context) error {
			leftOut, more := unneededByDocker, ""
			if n.cluster != nil {
				leftOut, more = nil, forKubelet
				// It is what pulls images there. The boot does not wait for its ways; they are there before the first pull.
				if n.containerd.Status().Restarts > 0 && n.awaitWays(ctx) == nil {
					n.mendWays(ctx)
				}
			}
			if err := writeContainerdConfig(leftOut, more); err != nil {
				slog.Error("containerd's configuration", "error", err)
			}
			_ = os.Remove(containerdSocket)
			return nil
		},
		Command: func() *exec.Cmd { return exec.Command("containerd", "--config", containerdConfig) },
		Probe:   func(ctx context.Context) error { return poll(ctx, connects(containerdSocket)) },
	}
}

func (n *Node) dockerdSpec() supervise.Spec {
	return supervise.Spec{
		Name:    "dockerd",
		LogPath: "/var/log/dockerd.log",
		Prepare: n.prepareDockerd,
		Command: func() *exec.Cmd {
			file := readDaemonJSON(daemonJSON)
			chosen := logLevelIsTheLearners(file)
			n.keepAllLines.Store(chosen)
			n.mesh.DockerdStarts(!chosen)
			return exec.Command("dockerd", dockerdFlags(file)...)
		},
		Probe:   func(ctx context.Context) error { return poll(ctx, n.engine.Ping) },
		Cleanup: n.afterDockerd,
		Line:    n.dockerdLine,
	}
}

func (n *Node) prepareDockerd(ctx context.Context) error {
	if _, err := n.containerd.WaitReady(ctx); err != nil {
		return err
	}
	if err := n.awaitWays(ctx); err != nil {
		return err
	}
	if n.dockerd.Status().Restarts > 0 {
		n.mendWays(ctx)
	}
	return nil
}

// awaitWays waits until the boot has set up the ways to registry and name server, or has given them up.
func (n *Node) awaitWays(ctx context.Context) error {
	for _, done := range []chan struct{}{n.registryDone, n.namesDone} {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-done:
		}
	}
	return nil
}

// mendWays puts the ways to registry and name server in place again, which go with the packet filter's rules: when the
// node loses its power, or when a learner takes the rules away and starts the engine anew.
func (n *Node) mendWays(ctx context.Context) {
	if n.registry != nil {
		if err := n.registry.Lead(ctx); err != nil {
			slog.Warn("the way to the registry cannot be mended", "error", err)
		}
	}
	if n.names != nil {
		if err := n.names.Lead(ctx); err != nil {
			slog.Warn("the way to the name server cannot be mended", "error", err)
		}
	}
}

// dockerdFlags leaves out what the learner's daemon.json sets: dockerd refuses to start when a flag and the file
// both say something.
func dockerdFlags(file map[string]json.RawMessage) []string {
	var flags []string
	for _, each := range []struct{ key, flag string }{
		{"hosts", "--host=unix://" + dockerSocket},
		{"containerd", "--containerd=" + containerdSocket},
		{"storage-driver", "--storage-driver=overlay2"},
		{"data-root", "--data-root=/var/lib/docker"},
		{"exec-root", "--exec-root=/run/docker"},
		{"pidfile", "--pidfile=" + dockerPidFile},
		{"dns", "--dns=" + inward.Address},
	} {
		if _, set := file[each.key]; !set {
			flags = append(flags, each.flag)
		}
	}
	if !logLevelIsTheLearners(file) {
		flags = append(flags, "--log-level=debug") // for the mesh's ears; the file gets the usual, see dockerdLine
	}
	return flags
}

func logLevelIsTheLearners(file map[string]json.RawMessage) bool {
	_, level := file["log-level"]
	_, debug := file["debug"]
	return level || debug
}

// unwanted are marks of lines that nobody would find in a dockerd's log at home: those below its usual level, and what
// it says each time somebody looks at a network's services.
var unwanted = [][]byte{
	[]byte("level=debug"), []byte(`"level":"debug"`), []byte("Inconsistent driver and libnetwork state for endpoint"),
}

// dockerdLine lets the mesh hear what dockerd says, and leaves its log as it would be without us.
func (n *Node) dockerdLine(line []byte) (keep bool) {
	n.mesh.DockerdSaid(line)
	if n.keepAllLines.Load() {
		return true
	}
	return !slices.ContainsFunc(unwanted, func(mark []byte) bool { return bytes.Contains(line, mark) })
}

func readDaemonJSON(path string) map[string]json.RawMessage {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var file map[string]json.RawMessage
	_ = json.Unmarshal(content, &file) // dockerd itself will say what is wrong with it
	return file
}

// afterDockerd makes way for the next one.
func (n *Node) afterDockerd(pid int) {
	removePidFile(pid)
	if live := readDaemonJSON(daemonJSON)["live-restore"]; string(live) != "true" && !n.ending.Load() {
		endContainers()
	}
}

// removePidFile takes away what a killed dockerd left: its number may soon be another process's, and dockerd would then
// believe that it runs already.
func removePidFile(pid int) {
	content, err := os.ReadFile(dockerPidFile)
	if err == nil && strings.TrimSpace(string(content)) == strconv.Itoa(pid) {
		_ = os.Remove(dockerPidFile)
	}
}

func connects(socket string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "unix", socket)
		if err == nil {
			_ = connection.Close()
		}
		return err
	}
}

// poll tries until it works: every millisecond at first, since a boot is waited for, then ever more rarely.
func poll(ctx context.Context, try func(context.Context) error) error {
	for delay := time.Millisecond; ; delay = min(delay*21/20, 250*time.Millisecond) {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := try(attempt)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
		}
	}
}
