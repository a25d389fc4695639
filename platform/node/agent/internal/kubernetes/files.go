package kubernetes

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"slipway.dev/node/internal/inward"
)

// Files lie where kubeadm puts them, so that what is written elsewhere about clusters holds here too.
const (
	configFolder  = "/etc/kubernetes"
	pkiFolder     = configFolder + "/pki"
	kubeletFolder = "/var/lib/kubelet"
	kubeletConfig = kubeletFolder + "/config.yaml"
	proxyConfig   = "/var/lib/kube-proxy/config.yaml"
	cniConfig     = "/etc/cni/net.d/10-pods.conflist"
	podResolvConf = "/run/slipway/pods-resolv.conf"
	adminConfig   = "/root/.kube/config"
)

// writer collects what is to be written; the first problem is kept.
type writer struct {
	problems []error
}

func (w *writer) write(path string, mode os.FileMode, content []byte) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.problems = append(w.problems, err)
		return
	}
	w.problems = append(w.problems, os.WriteFile(path, content, mode))
}

func (w *writer) pair(stem string, made pair, err error) {
	w.problems = append(w.problems, err)
	w.write(stem+".crt", 0o644, made.certificate)
	w.write(stem+".key", 0o600, made.key)
}

// writeFiles writes everything that this node's components read.
func (c *Cluster) writeFiles(i *identity) error {
	w := &writer{}
	authority := encodeCertificate(i.cluster.certificate)
	c.authority = authority
	w.write(pkiFolder+"/ca.crt", 0o644, authority)
	if c.IsControl() {
		c.writeControlPlane(w, i)
	}
	kubeconfig := func(path, user string, groups ...string) {
		made, err := i.client(i.cluster, user, groups...)
		w.problems = append(w.problems, err)
		w.write(path, 0o600, kubeconfigOf("https://"+c.endpoint(), user, authority, made))
	}
	if c.IsControl() {
		kubeconfig(configFolder+"/controller-manager.conf", "system:kube-controller-manager")
		kubeconfig(configFolder+"/scheduler.conf", "system:kube-scheduler")
		kubeconfig(configFolder+"/metrics-server.conf", "system:metrics-server")
		kubeconfig(configFolder+"/local-path-provisioner.conf", "system:local-path-provisioner")
		// By its group the administrator may do everything even after `kubectl delete` of every role there is.
		kubeconfig(configFolder+"/admin.conf", "kubernetes-admin", "system:masters")
		kubeconfig(adminConfig, "kubernetes-admin", "system:masters")
	}
	kubeconfig(configFolder+"/kubelet.conf", "system:node:"+c.hostname, "system:nodes")
	kubeconfig(configFolder+"/kube-proxy.conf", "system:kube-proxy")
	made, err := i.server("system:node:"+c.hostname, c.hostname, c.address.String(), "127.0.0.1", "localhost")
	w.pair(kubeletFolder+"/pki/kubelet", made, err)
	w.write(kubeletConfig, 0o644, []byte(c.kubeletConfiguration()))
	w.write(proxyConfig, 0o644, []byte(c.proxyConfiguration()))
	w.write(cniConfig, 0o644, []byte(c.cniConfiguration()))
	w.write(podResolvConf, 0o644, []byte("nameserver "+inward.Address+"\n"))
	w.problems = append(w.problems, os.MkdirAll(configFolder+"/manifests", 0o755))
	return errors.Join(w.problems...)
}

func (c *Cluster) writeControlPlane(w *writer, i *identity) {
	encoded, err := encodeKey(i.cluster.key)
	w.problems = append(w.problems, err)
	w.write(pkiFolder+"/ca.key", 0o600, encoded)
	w.write(pkiFolder+"/front-proxy-ca.crt", 0o644, encodeCertificate(i.frontProxy.certificate))
	tokenKey, err := encodeKey(i.accountToken)
	w.problems = append(w.problems, err)
	w.write(pkiFolder+"/sa.key", 0o600, tokenKey)
	public, err := encodePublicKey(&i.accountToken.PublicKey)
	w.problems = append(w.problems, err)
	w.write(pkiFolder+"/sa.pub", 0o644, public)
	made, err := i.server("kube-apiserver",
		c.hostname, "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc."+clusterDomain,
		"127.0.0.1", firstService, c.address.String())
	w.pair(pkiFolder+"/apiserver", made, err)
	// In the administrators' group, `kubectl logs` and `exec` need no role that would have to be granted first.
	made, err = i.client(i.cluster, "kube-apiserver-kubelet-client", "system:masters")
	w.pair(pkiFolder+"/apiserver-kubelet-client", made, err)
	made, err = i.server("metrics-server", "metrics-server.kube-system.svc")
	w.pair(pkiFolder+"/metrics-server", made, err)
	made, err = i.client(i.frontProxy, "front-proxy-client")
	w.pair(pkiFolder+"/front-proxy-client", made, err)
}

func kubeconfigOf(server, user string, authority []byte, made pair) []byte {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: kubernetes
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: %s
  user:
    client-certificate-data: %s
    client-key-data: %s
contexts:
- name: %[3]s@kubernetes
  context:
    cluster: kubernetes
    user: %[3]s
current-context: %[3]s@kubernetes
`, server, encode(authority), user, encode(made.certificate), encode(made.key))
}

// keptFree is how much of the node's memory pods never get.
const keptFree = 64 << 20

// reserved is what the components of this node use themselves.
func (c *Cluster) reserved() int64 {
	if c.IsControl() {
		return 448 << 20
	}
	return 112 << 20
}

// hostMemory is how much of the memory that the kernel tells about is not this node's: the kubelet takes the machine's for
// its own and must not wait for the last byte of that. 0 when the node has no limit.
func hostMemory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	total := int64(info.Totalram) * int64(info.Unit)
	for _, path := range []string{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"} {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64); err == nil {
			return max(0, total-limit)
		}
	}
	return 0
}

// kubeletConfiguration leaves alone what the kernel keeps for the host (a node's root is nobody there) and makes a node
// that falls silent, or runs out of disk or memory, known within seconds. How much each pod's volumes take is looked at often:
// by old numbers the kubelet would evict a pod that has done nothing. A node that was taken for lost, as when the whole sandbox
// had stood still, must say that it is Ready before its pods' five seconds of grace are over.
func (c *Cluster) kubeletConfiguration() string {
	config := `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true, cacheTTL: 10s}
  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
authorization:
  mode: Webhook
  webhook: {cacheAuthorizedTTL: 10s, cacheUnauthorizedTTL: 1s}
tlsCertFile: /var/lib/kubelet/pki/kubelet.crt
tlsPrivateKeyFile: /var/lib/kubelet/pki/kubelet.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDNS: [` + dnsAddress + `]
clusterDomain: ` + clusterDomain + `
resolvConf: ` + podResolvConf + `
staticPodPath: /etc/kubernetes/manifests
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
featureGates: {KubeletInUserNamespace: true}
enforceNodeAllocatable: []
evictionHard: {memory.available: "` + fmt.Sprint(hostMemory()+keptFree) + `", nodefs.available: "5%", nodefs.inodesFree: "3%", imagefs.available: "5%"}
kernelMemcgNotification: true
evictionPressureTransitionPeriod: 10s
volumeStatsAggPeriod: 5s
nodeStatusUpdateFrequency: 2s
systemReserved: {memory: "` + fmt.Sprint(c.reserved()) + `"}
nodeLeaseDurationSeconds: 8
registryPullQPS: 0
eventRecordQPS: 0
serializeImagePulls: false
`
	if c.IsControl() {
		config += "registerWithTaints: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]\n"
	}
	return config
}

func (c *Cluster) proxyConfiguration() string {
	return `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: ` + podNetwork + `
clientConnection: {kubeconfig: /etc/kubernetes/kube-proxy.conf}
hostnameOverride: ` + c.hostname + `
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
nftables: {minSyncPeriod: 100ms}
`
}

// cniConfiguration gives each pod an address of this node's share. The bridge must not hide where packets come from: pods
// of other nodes see the pod.
func (c *Cluster) cniConfiguration() string {
	return fmt.Sprintf(`{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true, "mtu": %d,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/cni"}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`, podMTU, podShare(c.place).String())
}
