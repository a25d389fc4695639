package node

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"slipway.dev/node/internal/kubernetes"
	"slipway.dev/node/internal/supervise"
)

// unneededForKubernetes are the plugins without which the kubelet's containerd starts sooner.
var unneededForKubernetes = []string{
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

// pauseImage holds a pod's namespaces; it came with the node.
const pauseImage = "registry.k8s.io/pause:3.10.2"

// writeKubernetesContainerdConfig is containerd as the kubelet needs it in a node: what the kernel keeps for the host is
// neither asked for nor missed.
func writeKubernetesContainerdConfig() error {
	var config strings.Builder
	config.WriteString("# Written by slipway-node at boot.\nversion = 2\nroot = \"/var/lib/containerd\"\nstate = \"/run/containerd\"\n")
	fmt.Fprintf(&config, "disabled_plugins = [%s]\n", `"`+strings.Join(unneededForKubernetes, `", "`)+`"`)
	fmt.Fprintf(&config, "[grpc]\n  address = %q\n[debug]\n  level = \"warn\"\n", containerdSocket)
	fmt.Fprintf(&config, `[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  disable_apparmor = true
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  enable_unprivileged_ports = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`, pauseImage)
	return os.WriteFile(containerdConfig, []byte(config.String()), 0o644)
}

// kubernetesEvent says which kinds of objects have changed; whoever wants to know how asks.
type kubernetesEvent struct {
	Kind    string   `json:"kind"`
	Changed []string `json:"changed"`
}

// newCluster is nil, and the reason in the log, when the platform has not said which cluster this is.
func (n *Node) newCluster(service kubernetes.Start, changed func(string, supervise.State)) *kubernetes.Cluster {
	membership := kubernetes.Membership{Members: n.settings.Cluster, Secret: n.settings.Secret}
	news := kubernetes.News{State: changed, Changes: func(kinds []string) {
		n.hub.Publish(kubernetesEvent{Kind: "kubernetes", Changed: kinds})
	}}
	cluster, err := kubernetes.New(membership, n.hostname, n.reaper, n.containerd, service, news)
	if err != nil {
		slog.Error("no Kubernetes here; going on as docker", "error", err)
		return nil
	}
	return cluster
}
