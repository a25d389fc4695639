"""`kubeadm init` and two `kubeadm join` in our nodes, to compare our own start of a cluster with.

Made beforehand, and so not counted: the nodes, a containerd for pods, all images, the configuration of the pods'
network, and a loop that starts the kubelet as soon as kubeadm has written what it reads, as systemd would. What
user-namespaced nodes ask of containerd, kubelet and kube-proxy is taken from a running cluster of ours, so that both
have the same settings.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import docker
import yaml
from docker.models.containers import Container

from slipway.core.ids import SandboxId
from slipway.sandboxes.backends.docker import DockerBackend, container_name
from slipway.sandboxes.tasks import limits_of
from slipway.sandboxes.topology import NodeSpec
from tests.engine.clusters import THREE, Cluster

_TOKEN = "abcdef.0123456789abcdef"  # of a cluster that lives for a minute
_FOLDER = "/run/kubeadm"
_SOCKET = f"{_FOLDER}/containerd.sock"
_PATIENCE = 150  # seconds for each of kubeadm's calls
_COPIED = {
    "containerd": "/run/containerd/slipway.toml",
    "kubelet": "/var/lib/kubelet/config.yaml",
    "proxy": "/var/lib/kube-proxy/config.yaml",
    "names": "/run/slipway/pods-resolv.conf",
    "network": "/etc/cni/net.d/10-pods.conflist",
}
# A service's address must seem reachable until kube-proxy's rules change it: a node has a route to its network only.
_PREPARE = f"""set -e
ip link add services0 type bridge; ip link set services0 up; ip route add 10.96.0.0/16 dev services0
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
chmod 700 /var/lib/etcd
setsid containerd --config {_FOLDER}/containerd.toml >/var/log/kubeadm-containerd.log 2>&1 &
until ctr -a {_SOCKET} version >/dev/null 2>&1; do sleep 0.1; done
"""
# One layer for all programs, with what kube-proxy needs to write rules, by way of the node's own Docker.
_IMAGES = f"""set -eo pipefail
images="ctr -a {_SOCKET} -n k8s.io images"
for archive in /usr/share/slipway/images/*; do $images import $archive >/dev/null; done
ln -sf /usr/bin/hyperkube /usr/local/bin/kube-proxy
cd /
programs="usr/local/bin/kube-proxy usr/bin/etcd usr/bin/hyperkube $(find usr/bin -lname hyperkube | tr '\\n' ' ')"
tar -cf /var/lib/docker/parts.tar $programs
tar -rhf /var/lib/docker/parts.tar usr/sbin/nft $(ldd /usr/sbin/nft | grep -o '/[^ ]*' | cut -c2-)
docker import -c 'ENV PATH=/usr/sbin:/usr/bin' /var/lib/docker/parts.tar parts:1 >/dev/null
docker save parts:1 | $images import - >/dev/null
carried=$($images ls -q)
for image in $(kubeadm config images list --kubernetes-version $(kubeadm version -o short)); do
    grep -qxF $image <<<"$carried" || $images tag docker.io/library/parts:1 $image >/dev/null
done
docker rmi parts:1 >/dev/null; rm /var/lib/docker/parts.tar
"""
_KUBELET = """
until [ -s /var/lib/kubelet/kubeadm-flags.env ] && [ -s /var/lib/kubelet/config.yaml ]; do sleep 0.02; done
while :; do
    . /var/lib/kubelet/kubeadm-flags.env
    kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf \\
        --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS >>/var/log/kubelet.log 2>&1
    sleep 0.2
done
"""
_KEY = "/etc/kubernetes/pki/apiserver-kubelet-client"
_ALL_READY = f"""
nodes() {{
    curl -s --cacert /etc/kubernetes/pki/ca.crt --cert {_KEY}.crt --key {_KEY}.key https://$HOSTNAME:6443/api/v1/nodes
}}
ready='[.items[].status.conditions[] | select(.type == "Ready" and .status == "True")] | length'
until [ "$(nodes | jq "$ready")" = 3 ]; do sleep 0.05; done
"""
# A question asked before the rules are there is lost, so the next is asked without waiting for its answer.
_NAMES_ANSWERED = f"""
ask() {{ dig +short +time=1 +tries=1 @10.96.0.10 kubernetes.default.svc.cluster.local | grep -qxF 10.96.0.1; }}
until [ -e {_FOLDER}/answered ]; do (ask && touch {_FOLDER}/answered) & sleep 0.1; done
wait
"""


class KubeadmCluster:
    """Three nodes of ours in which kubeadm makes a cluster."""

    def __init__(self, docker_host: str, backend: DockerBackend) -> None:
        self._client = docker.DockerClient(docker_host, timeout=_PATIENCE + 30)
        self._backend = backend
        self.sandbox = SandboxId(uuid.uuid4())
        self.took: dict[str, float] = {}

    def prepare(self, like: Cluster) -> None:
        """Make the nodes and all that kubeadm finds, with the settings of a running cluster of ours."""
        self._backend.create_network(sandbox=self.sandbox)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: self._prepare(node, like.sandbox), THREE.nodes))

    def start(self) -> None:
        """From `kubeadm init` to three nodes Ready and names answered; `took` has seconds since the beginning."""
        control, *workers = THREE.names
        began = time.monotonic()
        self._kubeadm(control, "init --skip-token-print")
        self.took["kubeadm init"] = time.monotonic() - began
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: self._kubeadm(name, "join"), workers))
        self.took["two kubeadm join"] = time.monotonic() - began
        self.run(control, _ALL_READY)
        self.took["three nodes Ready"] = time.monotonic() - began
        self.run(control, _NAMES_ANSWERED)
        self.took["DNS answers"] = time.monotonic() - began

    def remove(self) -> None:
        """Remove the nodes with all that is in them."""
        self._backend.remove(sandbox=self.sandbox)
        self._client.close()

    def run(self, node: str, script: str) -> str:
        """What a script prints on a node; fails with what it said."""
        return _run(self._container(self.sandbox, node), script)

    def _container(self, sandbox: SandboxId, node: str) -> Container:
        return self._client.containers.get(container_name(sandbox, node))

    def _kubeadm(self, node: str, words: str) -> None:
        self.run(node, f"kubeadm {words} --config {_FOLDER}/kubeadm.yaml --ignore-preflight-errors=all 2>&1")

    def _prepare(self, node: NodeSpec, like: SandboxId) -> None:
        # Of no cluster: the agent runs Docker in it, and nothing of Kubernetes.
        self._backend.create_node(
            sandbox=self.sandbox, node=node, peers=THREE.names, limits=limits_of(node), lease_seconds=1800
        )
        theirs = {what: _run(self._container(like, node.name), f"cat {path}") for what, path in _COPIED.items()}
        made = self._container(self.sandbox, node.name)
        _run(made, "until docker info >/dev/null 2>&1; do sleep 0.1; done")
        address = _run(made, "hostname -i")
        containerd = theirs["containerd"].replace("/var/lib/containerd", "/var/lib/containerd/kubeadm")
        _write(made, f"{_FOLDER}/containerd.toml", containerd.replace("/run/containerd", _FOLDER))
        _write(made, _COPIED["names"], theirs["names"])
        _write(made, _COPIED["network"], theirs["network"])
        registration = {
            "name": node.name,
            "criSocket": f"unix://{_SOCKET}",
            "kubeletExtraArgs": [{"name": "node-ip", "value": address}],
        }
        if node.name == THREE.names[0]:
            version = _run(made, "kubeadm version -o short")
            documents = _init(registration, address, version, yaml.safe_load(theirs["kubelet"]))
            documents.append(_proxy(yaml.safe_load(theirs["proxy"])))
        else:
            documents = [_join(registration, _run(made, f"getent hosts {THREE.names[0]}").split()[0])]
        _write(made, f"{_FOLDER}/kubeadm.yaml", yaml.safe_dump_all(documents))
        _run(made, _PREPARE + _IMAGES)
        made.exec_run(["bash", "-c", _KUBELET], detach=True)


def _init(
    registration: Mapping[str, object], address: str, version: str, kubelet: dict[str, object]
) -> list[dict[str, object]]:
    api = "kubeadm.k8s.io/v1beta4"
    # kubeadm brings its own certificates and taints, and passes no empty list on.
    for ours in ("authentication", "authorization", "tlsCertFile", "tlsPrivateKeyFile", "registerWithTaints"):
        kubelet.pop(ours, None)
    kubelet |= {"enforceNodeAllocatable": ["none"], "containerRuntimeEndpoint": f"unix://{_SOCKET}"}
    return [
        {
            "apiVersion": api,
            "kind": "InitConfiguration",
            "bootstrapTokens": [{"token": _TOKEN}],
            "localAPIEndpoint": {"advertiseAddress": address},
            "nodeRegistration": registration,
        },
        {
            "apiVersion": api,
            "kind": "ClusterConfiguration",
            "kubernetesVersion": version,
            "networking": {"podSubnet": "10.244.0.0/16", "serviceSubnet": "10.96.0.0/16"},
        },
        kubelet,
    ]


def _proxy(ours: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in ours.items() if name not in {"clientConnection", "hostnameOverride"}}


def _join(registration: Mapping[str, object], control: str) -> dict[str, object]:
    discovery = {"token": _TOKEN, "apiServerEndpoint": f"{control}:6443", "unsafeSkipCAVerification": True}
    return {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        "discovery": {"bootstrapToken": discovery},
        "nodeRegistration": registration,
    }


def _write(node: Container, path: str, content: str) -> None:
    _run(node, f"mkdir -p $(dirname {path}) && cat >{path} <<'END-OF-FILE'\n{content}\nEND-OF-FILE")


def _run(node: Container, script: str) -> str:
    status, output = node.exec_run(["timeout", str(_PATIENCE), "bash", "-c", script])
    assert status == 0, f"{script}: {output.decode(errors='replace')}"
    return str(output.decode()).strip()
