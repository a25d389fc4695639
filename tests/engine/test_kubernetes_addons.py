"""What a cluster has beside Kubernetes itself: figures of use, volumes for claims, names completed in shells."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator

import pytest

from slipway.core.json import JSON, as_mapping, as_text
from slipway.sandboxes.backends.docker import DockerBackend
from slipway.sandboxes.nodes import ShellStream, open_shell
from tests.engine.clusters import Cluster, wait_for_image, within
from tests.live import LivePlatform

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

SHELF = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: shelf}
spec:
  serviceName: shelf
  replicas: 2
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: shelf}}
  template:
    metadata: {labels: {app: shelf}}
    spec:
      terminationGracePeriodSeconds: 0
      securityContext: {runAsUser: 1000, runAsNonRoot: true}
      containers:
      - name: shelf
        image: alpine
        command: [sleep, "3600"]
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 10Mi}}
"""
CLAIMS = ("data-shelf-0", "data-shelf-1")
UNUSED = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: unused}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 10Mi}}
"""


@pytest.fixture(scope="module")
def cluster(live_platform: LivePlatform, docker_backend: DockerBackend) -> Iterator[Cluster]:
    """A control plane and two workers."""
    wait_for_image(live_platform)
    made = Cluster(docker_backend)
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.fixture
def shelf(cluster: Cluster) -> Iterator[Cluster]:
    """Two pods of a StatefulSet, each with a volume of its own."""
    empty(cluster)
    cluster.apply(SHELF)
    cluster.sh("control", "kubectl rollout status statefulset/shelf --timeout=55s")
    yield cluster
    empty(cluster)


def empty(cluster: Cluster) -> None:
    """Remove the StatefulSet and its claims."""
    cluster.sh("control", "kubectl delete statefulset shelf --ignore-not-found --timeout=50s")
    cluster.sh("control", f"kubectl delete pvc {' '.join(CLAIMS)} --ignore-not-found --timeout=50s")


def inside(cluster: Cluster, pod: str, script: str) -> str:
    """What a shell script prints in a pod."""
    return cluster.sh("control", f"kubectl exec {pod} -- sh -c '{script}'")


def volume_of(cluster: Cluster, claim: str) -> tuple[str, str]:
    """The node and the folder of a claim's volume."""
    name = as_text(as_mapping(cluster.get(f"pvc {claim}")["spec"]).get("volumeName"))
    volume = as_mapping(cluster.get(f"pv {name}")["spec"])
    folder = as_text(as_mapping(volume["hostPath"]).get("path"))
    return cluster.sh("control", f"kubectl get pv {name} -o jsonpath='{{..values[0]}}'"), folder


def top(cluster: Cluster, what: str) -> dict[str, tuple[float, float]]:
    """Cores and MiB in use by name, as the metrics API has them; nothing while it does not answer."""
    answer = cluster.ask(
        "control",
        "run",
        {"argv": ["kubectl", "get", "--raw", f"/apis/metrics.k8s.io/v1beta1/{what}"], "timeout_ms": 20_000},
    )
    if answer.get("exit_code") != 0:
        return {}
    listed: JSON = json.loads(as_text(answer.get("stdout"), limit=262_144))["items"]
    assert isinstance(listed, list)
    found = {}
    for item in map(as_mapping, listed):
        containers = item.get("containers", [item])
        assert isinstance(containers, list)
        usages = [as_mapping(as_mapping(one)["usage"]) for one in containers]
        cores = sum(int(as_text(usage["cpu"]).rstrip("nu")) for usage in usages) / 1e9
        memory = sum(int(as_text(usage["memory"]).removesuffix("Ki")) for usage in usages) / 1024
        found[as_text(as_mapping(item["metadata"])["name"])] = (cores, memory)
    return found


def test_top_tells_what_nodes_use_soon_after_the_cluster_is_ready(cluster: Cluster) -> None:
    seconds = within(60, lambda: len(top(cluster, "nodes")) == 3, "figures of three nodes")
    told = cluster.sh("control", "kubectl top nodes --no-headers").splitlines()
    print(f"\n  figures of nodes {seconds:.1f} s after the cluster was asked\n  " + "\n  ".join(told))
    assert sorted(line.split()[0] for line in told) == ["control", "worker1", "worker2"]
    assert all(memory > 20 for _, memory in top(cluster, "nodes").values())


def test_top_tells_a_busy_pod_from_an_idle_one_within_half_a_minute(cluster: Cluster) -> None:
    cluster.sh("control", "kubectl delete pod busy idle --ignore-not-found --grace-period=0 --force 2>/dev/null")
    cluster.sh("control", "kubectl run busy --image=alpine -- sh -c 'while :; do :; done'")
    cluster.sh("control", "kubectl run idle --image=alpine -- sleep 3600")
    try:
        cluster.sh("control", "kubectl wait --for=condition=Ready pod/busy pod/idle --timeout=50s")

        def both_are_told() -> bool:
            used = top(cluster, "namespaces/default/pods")
            return {"busy", "idle"} <= set(used) and used["busy"][0] > 0.05 > used["idle"][0]

        seconds = within(60, both_are_told, "figures of two pods")
        print(f"\n  figures of pods {seconds:.1f} s after they were Ready")
        print(cluster.sh("control", "kubectl top pods --all-namespaces"))
        (names,) = (used for pod, used in top(cluster, "namespaces/kube-system/pods").items() if "coredns" in pod)
        assert names[1] > 5
    finally:
        cluster.sh("control", "kubectl delete pod busy idle --grace-period=0 --force 2>/dev/null")


def test_figures_are_for_those_alone_who_may_read_them(cluster: Cluster) -> None:
    cluster.sh("control", "kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes")
    refused = "kubectl --as=system:serviceaccount:default:default get --raw /apis/metrics.k8s.io/v1beta1/nodes"
    assert "Forbidden" in cluster.sh("control", f"{refused} 2>&1; true")
    unknown = "curl -sk https://$(hostname -i | cut -d' ' -f1):4443/apis/metrics.k8s.io/v1beta1/nodes"
    assert '"code": 403' in cluster.sh("control", unknown)


def test_a_metrics_server_that_is_killed_answers_again(cluster: Cluster) -> None:
    print(f"\n  metrics-server was ready again after {cluster.kill('control', 'metrics-server'):.1f} s")
    within(60, lambda: len(top(cluster, "nodes")) == 3, "figures of three nodes")


def test_a_claim_waits_for_a_pod_before_it_is_bound(cluster: Cluster) -> None:
    classes = cluster.sh("control", "kubectl get storageclass --no-headers")
    assert classes.startswith("local-path (default)")
    cluster.apply(UNUSED)
    try:
        described = "kubectl describe pvc unused"
        within(20, lambda: "WaitForFirstConsumer" in cluster.sh("control", described), "the word of what it waits for")
        assert as_mapping(cluster.get("pvc unused")["status"]).get("phase") == "Pending"
    finally:
        cluster.sh("control", "kubectl delete pvc unused --timeout=50s")


def test_what_a_pod_writes_into_its_volume_outlives_the_pod(shelf: Cluster) -> None:
    for pod in ("shelf-0", "shelf-1"):
        inside(shelf, pod, f"echo kept by {pod} >/data/note")
    before = as_mapping(shelf.get("pod shelf-0")["metadata"])["uid"]
    shelf.sh("control", "kubectl delete pod shelf-0 --timeout=50s")
    within(30, lambda: shelf.succeeds("control", "kubectl get pod shelf-0"), "another shelf-0")
    shelf.sh("control", "kubectl wait --for=condition=Ready pod/shelf-0 --timeout=50s")
    assert as_mapping(shelf.get("pod shelf-0")["metadata"])["uid"] != before
    assert inside(shelf, "shelf-0", "cat /data/note") == "kept by shelf-0"
    assert inside(shelf, "shelf-1", "cat /data/note") == "kept by shelf-1"


def test_a_volume_lies_on_the_node_of_its_pod_and_goes_with_its_claim(shelf: Cluster) -> None:
    node, folder = volume_of(shelf, "data-shelf-1")
    assert node == as_mapping(shelf.get("pod shelf-1")["spec"])["nodeName"]
    inside(shelf, "shelf-1", "echo here >/data/note")
    assert shelf.sh(node, f"cat {folder}/note") == "here"
    empty(shelf)
    within(50, lambda: shelf.sh("control", "kubectl get pv -o name") == "", "a cluster without volumes")
    assert not shelf.succeeds(node, f"ls -d {folder}")


def test_the_tab_key_completes_what_the_cluster_knows(cluster: Cluster, docker_backend: DockerBackend) -> None:
    async def read_until(shell: ShellStream, text: str) -> None:
        seen = ""
        async with asyncio.timeout(30):
            while text not in seen:
                frame = await shell.read()
                assert frame is not None, seen
                seen += frame.payload.decode(errors="replace")

    async def type_them() -> None:
        name = f"tab-{uuid.uuid4().hex[:8]}"
        shell = await open_shell(docker_backend, cluster.sandbox, "control", name, cols=120, rows=24)
        try:
            await read_until(shell, "# ")
            # A verb, a kind and the name of an object: the last is asked of the API server.
            await shell.write_input(b"kubectl desc\t")
            await read_until(shell, "describe")
            await shell.write_input(b"storagecl\t")
            await read_until(shell, "storageclasses")
            await shell.write_input(b"\x15k get deployments -n kube-system cor\t")
            await read_until(shell, "coredns")
        finally:
            await shell.close()

    asyncio.run(type_them())
