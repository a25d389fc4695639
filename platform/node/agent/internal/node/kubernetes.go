package node

import (
	"log/slog"

	"slipway.dev/node/internal/kubernetes"
	"slipway.dev/node/internal/supervise"
)

// pauseImage holds a pod's namespaces; it came with the node.
const pauseImage = "registry.k8s.io/pause:3.10.2"

// forKubelet is containerd as the kubelet needs it in a node: what the kernel keeps for the host is neither asked for
// nor missed.
const forKubelet = `[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + pauseImage + `"
  disable_apparmor = true
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  enable_unprivileged_ports = true
  stats_collect_period = 5
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
`

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
