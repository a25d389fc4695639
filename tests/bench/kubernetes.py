"""What Kubernetes clusters cost: seconds from nothing to Ready, ours and kubeadm's; memory; how many fit; flapping."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.sandboxes.backends.docker import DockerBackend
from tests.bench.kubeadm import KubeadmCluster
from tests.engine.clusters import Cluster, wait_for_image
from tests.live import LivePlatform

ROUNDS = 5
MOST_CLUSTERS = 8
ASKED_SECONDS = 15
STEADY_CLUSTERS = 5
LOADED_CLUSTERS = 2
STEADY_SECONDS = 120
SETTLE_SECONDS = 20
FIRST_POD = "first pod Running, its image pulled, after kubectl apply"
_REQUESTS_PER_SECOND = 40
_LOOK_SECONDS = 5
_ROWS = 3
_SPARE_MEMORY = 3 * 2**30  # a cluster, and what the machine itself needs
_WATCHERS = Path("/proc/sys/fs/inotify/max_user_instances")
_ENOUGH_WATCHERS = 8192
_POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: first}\nspec:\n  containers: [{name: c, image: nginx:1.26}]\n"
_BUSY = "kubectl create deployment busy --image=alpine --replicas=4 -- sh -c 'while :; do :; done'"
# One connection, as a controller has; what the program itself takes to start is not in it.
_ASK = (
    "curl -s --rate {rate}/s --cacert {pki}/ca.crt --cert {pki}/apiserver-kubelet-client.crt"
    " --key {pki}/apiserver-kubelet-client.key -o /dev/null -w '%{{time_total}}\\n'"
    " 'https://127.0.0.1:6443/api/v1/nodes?number=[1-{count}]'"
)


@dataclass(frozen=True)
class NodeMemory:
    """MiB of a node's processes with shared pages counted once, and the largest of them, named."""

    node: str
    total: float
    largest: str


@dataclass(frozen=True)
class Crowd:
    """A cluster's API server beside so many clusters in all: milliseconds, MiB still available, the machine's load."""

    clusters: int
    p50: float
    p99: float
    available: float
    load: float


@dataclass(frozen=True)
class Steadiness:
    """Clusters under load: seconds until each was Ready, how often a Ready node was so no longer, the slowest answer to
    `kubectl get nodes` in seconds, the machine's load.
    """

    starts: list[float]
    lost: int
    slowest: float
    load: float


@contextmanager
def room_for_clusters(platform: LivePlatform) -> Iterator[None]:
    """Once the engine has the image of Kubernetes nodes, and with enough inotify instances.

    Several clusters need more of these than a kernel's usual 128, as `doctor` tells operators.
    """
    wait_for_image(platform)
    before = _WATCHERS.read_text()
    if int(before) < _ENOUGH_WATCHERS:
        _WATCHERS.write_text(str(_ENOUGH_WATCHERS))
    try:
        yield
    finally:
        _WATCHERS.write_text(before)


def starts(platform: LivePlatform) -> tuple[dict[str, list[float]], list[NodeMemory]]:
    """Seconds since the beginning for each part of a few starts, one after the other; memory of the last, idle."""
    backend = _backend(platform)
    took: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        cluster = Cluster(backend)
        try:
            cluster.start()
            began = time.monotonic()
            cluster.apply(_POD)
            cluster.sh("control", "kubectl wait --for=jsonpath={.status.phase}=Running pod/first --timeout=50s")
            cluster.took[FIRST_POD] = time.monotonic() - began
            _add(took, cluster.took)
            if len(took[FIRST_POD]) == ROUNDS:
                time.sleep(SETTLE_SECONDS)
                memory = _memory(cluster)
        finally:
            cluster.remove()
    return took, memory


def by_kubeadm(platform: LivePlatform) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Our starts and kubeadm's in turn, so that both meet the same machine; seconds since the beginning by part."""
    backend = _backend(platform)
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        with ExitStack() as ended:
            cluster = Cluster(backend)
            kubeadm = KubeadmCluster(platform.docker_host, backend)
            ended.callback(kubeadm.remove)
            try:
                _add(ours, cluster.start().took)
                kubeadm.prepare(cluster)
            finally:
                cluster.remove()
            kubeadm.start()
            _add(theirs, kubeadm.took)
    return ours, theirs


def crowd(platform: LivePlatform) -> list[Crowd]:
    """One cluster more at a time, until the first one's API server takes twice as long at the 99th percentile.

    Ends sooner when the machine's memory would not do for another.
    """
    backend = _backend(platform)
    found: list[Crowd] = []
    with ExitStack() as ended:
        clusters: list[Cluster] = []
        while len(clusters) < MOST_CLUSTERS and _available() > _SPARE_MEMORY:
            clusters.append(Cluster(backend))
            ended.callback(clusters[-1].remove)
            clusters[-1].start()
            time.sleep(SETTLE_SECONDS)
            p50, p99 = _asked(clusters[0])
            found.append(Crowd(len(clusters), p50, p99, _available() / 2**20, os.getloadavg()[0]))
            if p99 >= 2 * found[0].p99:
                break
    return found


def steadiness(platform: LivePlatform) -> Steadiness:
    """Several clusters at once, some with pods that take all the processor they get: whether nodes seem to be lost."""
    with ExitStack() as ended:
        clusters = []
        for _ in range(STEADY_CLUSTERS):
            clusters.append(Cluster(_backend(platform)))
            ended.callback(clusters[-1].remove)
            clusters[-1].start()
        for cluster in clusters[:LOADED_CLUSTERS]:
            cluster.sh("control", f"{_BUSY} && kubectl rollout status deployment/busy --timeout=55s")
        before = sum(cluster.losses() for cluster in clusters)
        slowest, until = 0.0, time.monotonic() + STEADY_SECONDS
        while time.monotonic() < until:
            for cluster in clusters:
                began = time.monotonic()
                cluster.sh("control", "kubectl get nodes")
                slowest = max(slowest, time.monotonic() - began)
            time.sleep(_LOOK_SECONDS)
        lost = sum(cluster.losses() for cluster in clusters) - before
        return Steadiness([each.took["kubernetes ready"] for each in clusters], lost, slowest, os.getloadavg()[0])


def _backend(platform: LivePlatform) -> DockerBackend:
    return DockerBackend(platform.docker_host, installation="bench")


def _add(to: dict[str, list[float]], took: dict[str, float]) -> None:
    for what, seconds in took.items():
        to.setdefault(what, []).append(seconds)


def _asked(cluster: Cluster) -> tuple[float, float]:
    """Median and 99th percentile of requests for the list of nodes, in milliseconds: the medians of a few rows.

    A moment in which the machine did something else is in one row alone.
    """
    count = ASKED_SECONDS * _REQUESTS_PER_SECOND // _ROWS
    ask = _ASK.format(rate=_REQUESTS_PER_SECOND, count=count, pki="/etc/kubernetes/pki")
    p50, p99 = [], []
    for _ in range(_ROWS):
        first, *times = [float(line) * 1000 for line in cluster.sh("control", ask).split()]
        assert len(times) == count - 1, f"{len(times)} answers; the first after {first} ms"
        p50.append(statistics.median(times))
        p99.append(statistics.quantiles(times, n=100)[-1])
    return statistics.median(p50), statistics.median(p99)


def _available() -> int:
    """Bytes of memory that this machine could still give."""
    (line,) = (line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024


def _memory(cluster: Cluster) -> list[NodeMemory]:
    found = []
    for node in cluster.topology.names:
        sizes = sorted(((_proportional(pid), name) for pid, name in cluster.processes(node)), reverse=True)
        largest = ", ".join(f"{name} {size:.0f}" for size, name in sizes[:8])
        found.append(NodeMemory(node, sum(size for size, _ in sizes), largest))
    return found


def _proportional(pid: int) -> float:
    """MiB of a process, with each shared page divided among those who share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
