"""What goes wrong in a Kubernetes cluster and must not go further: full disks, eaten memory, pods that want the node
itself, a control plane without power, a sandbox that stood still, a neighbour that starts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import docker
import pytest

from slipway.core.json import JSON, as_int, as_mapping, as_text
from slipway.sandboxes.backends.docker import DockerBackend, container_name
from slipway.sandboxes.topology import NodeKind, NodeSpec, Topology
from tests.engine.clusters import Cluster, wait_for_image, within
from tests.engine.test_walls import listener, own_addresses
from tests.live import LivePlatform

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]

__all__ = ["listener"]  # a fixture

SMALL_DISKS = Topology(
    nodes=(
        NodeSpec(name="control", kind=NodeKind.KUBERNETES_CONTROL),
        NodeSpec(name="worker1", kind=NodeKind.KUBERNETES_WORKER, disk_mb=1536),
        NodeSpec(name="worker2", kind=NodeKind.KUBERNETES_WORKER, disk_mb=1536),
    )
)
SLEEP = ("sleep", "3600")
# First most of a node's memory at once, then 4 MiB a second, so that the kubelet, which looks every ten seconds, sees
# the last 64 MiB go. What takes them faster is ended by the kernel, as on any node: OOMKilled, not evicted.
EAT = "(head -c 700m /dev/zero; while sleep 0.25; do head -c 1m /dev/zero; done) | tail"
LEASE_AND_GRACE = 8 + 8  # seconds


@pytest.fixture(scope="module")
def cluster(live_platform: LivePlatform, docker_backend: DockerBackend) -> Iterator[Cluster]:
    """A control plane and two workers with small disks."""
    wait_for_image(live_platform)
    made = Cluster(docker_backend, SMALL_DISKS)
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.fixture(scope="module")
def stranger(cluster: Cluster) -> Iterator[str]:
    """Where the API server of another sandbox's cluster listens."""
    alone = Topology(nodes=(NodeSpec(name="control", kind=NodeKind.KUBERNETES_CONTROL),))
    made = Cluster(cluster.backend, alone)
    try:
        made.start()
        yield f"{address_of(made, 'control')}:6443"
    finally:
        made.remove()


@pytest.fixture(autouse=True)
def _nothing_left(cluster: Cluster) -> None:
    """Each test begins with a whole cluster in which nothing runs, whatever an earlier one or an earlier try left."""
    cluster.ask("control", "power", {"plugged": True})
    cluster.ask("control", "wait", {"service": "kubernetes", "timeout_ms": 60_000})
    cluster.sh("control", "kubectl delete deployments,pods,configmaps --all --now --timeout=50s >/dev/null")
    within(60, lambda: all(ready_nodes(cluster).values()), "three Ready nodes")


def pod(name: str, node: str = "", *command: str, **spec: JSON) -> str:
    """A pod's manifest: nginx, or this command in alpine. `spec` adds to it, and to its container what is of those."""
    container: dict[str, JSON] = {"name": "it", "image": "nginx:1.26"}
    container |= {name: spec.pop(name) for name in ("volumeMounts", "securityContext") if name in spec}
    if command:
        container |= {"image": "alpine", "command": list(command)}
    where: Mapping[str, JSON] = {"nodeName": node} if node else {}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **where, **spec},
        }
    )


def start(cluster: Cluster, *pods: str) -> None:
    """Make these pods and wait until they are Ready."""
    cluster.apply("\n---\n".join(pods))
    names = " ".join(f"pod/{json.loads(each)['metadata']['name']}" for each in pods)
    cluster.sh("control", f"kubectl wait --for=condition=Ready {names} --timeout=55s")


def conditions(cluster: Cluster, node: str) -> dict[str, str]:
    """The node's conditions."""
    told = as_mapping(cluster.get(f"node {node}")["status"])["conditions"]
    assert isinstance(told, list)
    return {as_text(each["type"]): as_text(each["status"]) for each in map(as_mapping, told)}


def ready_nodes(cluster: Cluster) -> dict[str, bool]:
    """Whether each node is Ready."""
    return {name: conditions(cluster, name)["Ready"] == "True" for name in cluster.topology.names}


def since_when_ready(cluster: Cluster) -> list[str]:
    """Since when each node has been Ready or not: the same as before when none changed in between."""
    path = '{range .items[*].status.conditions[?(@.type=="Ready")]}{.status}={.lastTransitionTime} {end}'
    return cluster.sh("control", f"kubectl get nodes -o jsonpath='{path}'").split()


def address_of(cluster: Cluster, node: str) -> str:
    """The node's address on its sandbox's network."""
    return cluster.sh(node, "ip -4 -br address show eth0 | awk '{print $3}' | cut -d/ -f1")


def identities(cluster: Cluster) -> dict[str, tuple[str, str, int]]:
    """Of each pod the learner has: which one it is, where, and how often its container was started again."""
    found = {}
    listed = cluster.get("pods")["items"]
    assert isinstance(listed, list)
    for each in map(as_mapping, listed):
        metadata, status = as_mapping(each["metadata"]), as_mapping(each["status"])
        told = status.get("containerStatuses") or []
        assert isinstance(told, list)
        restarts = sum(as_int(as_mapping(one).get("restartCount")) for one in told)
        place = as_text(as_mapping(each["spec"]).get("nodeName"))
        found[as_text(metadata["name"])] = as_text(metadata["uid"]), place, restarts
    return found


def answers(cluster: Cluster, *names: str) -> bool:
    """Whether the web servers in these pods answer a node that they do not run on."""
    path = "{range .items[*]}{.metadata.name}={.status.podIP} {end}"
    told = cluster.sh("control", f"kubectl get pods -o jsonpath='{path}'").split()
    addresses = dict(each.split("=") for each in told)
    asked = " ".join(f"-o /dev/null http://{addresses[name]}/" for name in names)
    return cluster.succeeds("control", f"curl -sSf -m 5 {asked}")


def is_evicted(cluster: Cluster, name: str) -> bool:
    """Whether the kubelet has evicted the pod."""
    return as_mapping(cluster.get(f"pod {name}")["status"]).get("reason") == "Evicted"


@pytest.mark.parametrize(
    ("pressure", "eater"),
    [
        (
            "DiskPressure",
            pod(
                "eater",
                "worker1",
                *("sh", "-c", "dd if=/dev/zero of=/data/fill bs=1M; sleep 3600"),
                volumes=[{"name": "data", "emptyDir": {}}],
                volumeMounts=[{"name": "data", "mountPath": "/data"}],
            ),
        ),
        ("DiskPressure", pod("eater", "worker1", "sh", "-c", "dd if=/dev/zero of=/fill bs=1M; sleep 3600")),
        ("MemoryPressure", pod("eater", "worker1", "sh", "-c", EAT)),
    ],
    ids=["a volume fills the disk", "a container fills the disk", "memory without a limit"],
)
def test_a_pod_that_eats_its_node_up_is_evicted_and_its_neighbours_stay(
    cluster: Cluster, pressure: str, eater: str
) -> None:
    start(cluster, pod("beside", "worker1"), pod("away", "worker2"))
    before = identities(cluster)
    began = time.monotonic()
    cluster.apply(eater)
    within(90, lambda: conditions(cluster, "worker1")[pressure] == "True", pressure)
    said = time.monotonic() - began
    within(60, lambda: is_evicted(cluster, "eater"), "the eviction")
    evicted = time.monotonic() - began
    eased = evicted + within(60, lambda: conditions(cluster, "worker1")[pressure] == "False", f"no more {pressure}")
    assert "low on resource" in cluster.sh("control", "kubectl get pod eater -o jsonpath='{.status.message}'")
    after = identities(cluster)
    assert {name: after[name] for name in before} == before
    assert answers(cluster, "beside", "away")
    # The node can be used as before: an image is pulled and a pod runs.
    start(cluster, pod("next", "worker1"))
    assert answers(cluster, "next")
    print(f"\n  {pressure} after {said:.1f} s, evicted after {evicted:.1f} s, eased after {eased:.1f} s")


def test_thirty_pods_run_on_two_workers_and_answer(cluster: Cluster) -> None:
    began = time.monotonic()
    cluster.sh("control", "kubectl create deployment many --image=nginx:1.26 --replicas=30")
    ready = "kubectl get deployment many -o jsonpath='{.status.readyReplicas}'"
    within(150, lambda: cluster.sh("control", ready) == "30", "thirty pods")
    print(f"\n  thirty pods were Ready after {time.monotonic() - began:.1f} s")
    found = identities(cluster)
    assert {place for _, place, _ in found.values()} == {"worker1", "worker2"}
    assert answers(cluster, *found)
    assert all(ready_nodes(cluster).values())


# What pods may ask for that ordinary ones do not have.
HOST_PATH: dict[str, JSON] = {
    "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
    "volumeMounts": [{"name": "host", "mountPath": "/host"}],
}
HOST_NETWORK: dict[str, JSON] = {"hostNetwork": True}
PRIVILEGED: dict[str, JSON] = {"securityContext": {"privileged": True}, "hostPID": True}


@pytest.mark.parametrize(
    "wishes",
    [HOST_PATH, HOST_NETWORK, PRIVILEGED, {**HOST_PATH, **HOST_NETWORK, **PRIVILEGED}],
    ids=["host path", "host network", "privileged", "all of it"],
)
def test_a_pod_that_wants_the_node_gets_the_node_and_nothing_beyond(
    live_platform: LivePlatform,
    cluster: Cluster,
    stranger: str,
    listener: int,
    tmp_path: Path,
    wishes: dict[str, JSON],
) -> None:
    start(cluster, pod("curious", "worker1", *SLEEP, **wishes))

    def inside(script: str) -> str:
        return cluster.sh("control", "kubectl exec -i curious -- sh", stdin=f"({script}) 2>&1; true")

    def connects(address: str) -> bool:
        return inside(f"curl -s -m 2 -o /dev/null -w '%{{time_connect}}' http://{address}/") != "0.000000"

    assert connects(f"{address_of(cluster, 'worker2')}:10250"), "the test would not see a connection"
    beyond = [stranger, "169.254.169.254:80", "192.0.2.1:443"]
    beyond += [f"{address}:{listener}" for address in own_addresses()]
    assert [address for address in beyond if connects(address)] == []

    secret = tmp_path / "secret"
    secret.write_text("of the machine")
    engine = live_platform.docker_host.removeprefix("unix://")
    for prefix in ("", "/host", "/proc/1/root"):
        assert "of the machine" not in inside(f"cat {prefix}{secret}")
        assert inside(f"ls {prefix}{engine} >/dev/null && echo there") != "there"
    # The machine's disks, and the switches of its kernel.
    assert "made" not in inside("mknod /tmp/disk b 7 0 && head -c 1 /tmp/disk >/dev/null && echo made").splitlines()
    for switch in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern"):
        assert not inside(f"cat {switch} > {switch} && echo written").endswith("written"), switch


def test_pods_answer_while_the_control_plane_is_unplugged_and_nothing_is_lost(cluster: Cluster) -> None:
    start(cluster, pod("one", "worker1"), pod("two", "worker2"))
    cluster.sh("control", "kubectl create configmap kept --from-literal=what=this")
    before = identities(cluster)
    path = "{.items[*].status.podIP}"
    one, two = cluster.sh("control", f"kubectl get pods one two -o jsonpath='{path}'").split()
    across = [("worker1", two), ("worker2", one)]
    cluster.ask("control", "power", {"plugged": False})
    gone = time.monotonic()
    asked = 0
    while time.monotonic() - gone < LEASE_AND_GRACE:
        for node, address in across:
            assert cluster.succeeds(node, f"curl -sSf -m 5 -o /dev/null http://{address}/"), f"from {node}"
            asked += 1
    cluster.ask("control", "power", {"plugged": True})
    back = within(60, lambda: cluster.succeeds("control", "kubectl get --raw /readyz"), "the API server")
    ready = back + within(60, lambda: all(ready_nodes(cluster).values()), "three Ready nodes")
    assert cluster.sh("control", "kubectl get configmap kept -o jsonpath='{.data.what}'") == "this"
    start(cluster, pod("new"))
    after = identities(cluster)
    assert {name: after[name] for name in before} == before
    assert answers(cluster, "one", "two", "new")
    print(f"\n  {asked} answers meanwhile; the API server back {back:.1f} s, all Ready {ready:.1f} s after the plug")


def test_a_sandbox_that_stood_still_for_longer_than_its_leases_goes_on_as_it_was(
    live_platform: LivePlatform, cluster: Cluster
) -> None:
    start(cluster, pod("one", "worker1"), pod("two", "worker2", *SLEEP))
    asked = "kubectl exec two -- curl -sSf -m 5 -o /dev/null -k https://kubernetes.default.svc.cluster.local/version"
    assert cluster.succeeds("control", asked)
    before = identities(cluster)
    token = cluster.sh("control", "kubectl create token default")
    with closing(docker.DockerClient(live_platform.docker_host)) as engine:
        machines = [engine.containers.get(container_name(cluster.sandbox, name)) for name in cluster.topology.names]
        for machine in machines:
            machine.pause()
        # What is tried is that time passes: no lease is renewed for longer than the control plane would wait.
        time.sleep(1.5 * LEASE_AND_GRACE)
        for machine in machines:
            machine.unpause()
    began = time.monotonic()
    within(30, lambda: cluster.succeeds("control", "kubectl get --raw /readyz"), "the API server")
    # Whether or not a node was called NotReady meanwhile, it must be Ready before its pods are moved.
    steady = within(30, lambda: all(ready_nodes(cluster).values()), "three Ready nodes")
    assert answers(cluster, "one")
    within(20, lambda: cluster.succeeds("control", asked), "names and the API server for a pod")
    bearer = f"curl -sSf -k -H 'Authorization: Bearer {token}' https://127.0.0.1:6443/version"
    assert cluster.succeeds("control", bearer)
    start(cluster, pod("new"))
    after = identities(cluster)
    assert {name: after[name] for name in before} == before
    print(f"\n  all nodes Ready {steady:.1f} s, all else {time.monotonic() - began:.1f} s after it went on")


def test_a_cluster_that_starts_beside_a_loaded_one_disturbs_it_not(
    docker_backend: DockerBackend, cluster: Cluster
) -> None:
    start(cluster, *(pod(f"busy-{node}", node, "sh", "-c", "while :; do :; done") for node in ("worker1", "worker2")))
    steady = since_when_ready(cluster)
    other = Cluster(docker_backend)
    try:
        other.start()
        assert all(ready_nodes(other).values())
        print(f"\n  beside a loaded cluster all was Ready after {other.took['kubernetes ready']:.1f} s")
        start(other, pod("web", "worker1"))
        assert answers(other, "web")
    finally:
        other.remove()
    assert since_when_ready(cluster) == steady
