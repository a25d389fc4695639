"""Kubernetes in a sandbox, on a real engine: a cluster from nothing, what learners do with it, and what dies in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.core.json import as_mapping, as_text
from slipway.sandboxes.backends.docker import DockerBackend
from slipway.sandboxes.topology import NodeKind, NodeSpec, Topology
from tests.engine.clusters import Cluster, wait_for_image, within
from tests.live import LivePlatform

pytestmark = pytest.mark.engine

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "kubernetes"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.26
        ports: [{containerPort: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, nodePort: 30080}]
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  containers:
  - {name: client, image: alpine, command: [sleep, "3600"]}
"""

GREEDY = """
apiVersion: v1
kind: Pod
metadata: {name: greedy}
spec:
  containers:
  - name: greedy
    image: alpine
    command: [sh, -c, "head -c 200m /dev/zero | tail"]
    resources: {limits: {memory: 64Mi}}
"""
LAST = ".status.containerStatuses[0].lastState.terminated.reason"
ODD = """
apiVersion: v1
kind: Pod
metadata: {name: privileged}
spec:
  containers:
  - {name: it, image: alpine, command: [sleep, "600"], securityContext: {privileged: true}}
---
apiVersion: v1
kind: Pod
metadata: {name: nothing}
spec:
  containers:
  - {name: it, image: "nothing-of-that-name:1"}
"""
FRESH = """kubectl run fresh --image=httpd:2 --overrides='{{"spec": {{"nodeName": "{node}"}}}}'"""
READY = '{.status.conditions[?(@.type=="Ready")].status}'
PODS = '{range .items[*]}{.spec.nodeName}={.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'


@pytest.fixture(scope="module")
def backend(live_platform: LivePlatform, docker_backend: DockerBackend) -> DockerBackend:
    """The backend, once its engine has the image of Kubernetes nodes."""
    wait_for_image(live_platform)
    return docker_backend


@pytest.fixture(scope="module")
def cluster(backend: DockerBackend) -> Iterator[Cluster]:
    """A control plane and two workers."""
    made = Cluster(backend)
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.fixture(scope="module")
def web(cluster: Cluster) -> Cluster:
    """The cluster with two replicas of nginx behind a service, and a pod to ask it from."""
    began = time.monotonic()
    cluster.apply(WEB)
    cluster.sh("control", "kubectl rollout status deployment/web --timeout=55s")
    cluster.sh("control", "kubectl wait --for=condition=Ready pod/client --timeout=55s")
    print(f"  three pods running {time.monotonic() - began:.1f} s after kubectl apply")
    return cluster


def pods_of_web(cluster: Cluster) -> dict[str, bool]:
    """The names of the deployment's pods, and whether each is Ready."""
    listed = cluster.get("pods -l app=web")["items"]
    assert isinstance(listed, list)
    found = {}
    for pod in map(as_mapping, listed):
        conditions = as_mapping(pod.get("status")).get("conditions") or []
        assert isinstance(conditions, list)
        ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in map(as_mapping, conditions))
        found[as_text(as_mapping(pod.get("metadata")).get("name"))] = ready
    return found


def test_three_nodes_become_ready_and_names_are_answered_from_nothing(cluster: Cluster) -> None:
    print("\n  " + "\n  ".join(f"{seconds:6.2f} s  {what}" for what, seconds in cluster.took.items()))
    nodes = cluster.sh("control", "kubectl get nodes --no-headers").splitlines()
    assert len(nodes) == 3
    assert all(line.split()[1] == "Ready" for line in nodes)
    assert cluster.took["kubernetes ready"] < 60


def test_a_service_answers_by_name_by_cluster_address_and_on_every_node(web: Cluster) -> None:
    page = web.sh("control", "kubectl exec client -- curl -sS -m 5 http://web.default.svc.cluster.local/")
    assert "nginx" in page.lower()
    address = as_text(as_mapping(web.get("service web")["spec"]).get("clusterIP"))
    for _ in range(8):  # so that each replica, beside the asker or not, has its turn
        assert web.succeeds("control", f"kubectl exec client -- curl -sS -m 5 -o /dev/null http://{address}/")
    for asker in ("control", "worker1", "worker2"):
        for node in ("control", "worker1", "worker2"):
            assert web.succeeds(asker, f"curl -sS -m 5 -o /dev/null http://{node}:30080/"), f"{asker} to {node}"


def test_pods_on_different_nodes_see_each_others_addresses(web: Cluster) -> None:
    addresses = web.sh("control", "kubectl get pods -l app=web -o jsonpath='{.items[*].status.podIP}'").split()
    for address in addresses:
        assert web.succeeds("control", f"kubectl exec client -- curl -sS -m 5 -o /dev/null http://{address}/")
    own = web.sh("control", "kubectl get pod client -o jsonpath='{.status.podIP}'")
    assert own in web.sh("control", "kubectl logs -l app=web --tail=-1")


def test_logs_exec_and_port_forward_work_at_once(web: Cluster) -> None:
    assert web.sh("control", "kubectl exec client -- echo said-inside") == "said-inside"
    assert "GET /" in web.sh("control", "kubectl logs deployment/web --all-pods --tail=-1")
    forwarded = web.sh(
        "control",
        "kubectl port-forward service/web 18080:80 >/dev/null & sleep 1;"
        " curl -sS -m 5 --retry 5 --retry-connrefused --retry-delay 1 http://127.0.0.1:18080/; kill %1",
    )
    assert "nginx" in forwarded.lower()


def test_a_deleted_pod_comes_back(web: Cluster) -> None:
    gone = next(iter(pods_of_web(web)))
    began = time.monotonic()
    web.sh("control", f"kubectl delete pod {gone} --wait=false")

    def is_whole() -> bool:
        now = pods_of_web(web)
        return gone not in [name for name, ready in now.items() if ready] and sum(now.values()) == 2

    within(20, is_whole, "another pod")
    print(f"\n  a deleted pod was replaced after {time.monotonic() - began:.1f} s")


@pytest.mark.parametrize(
    ("node", "service"),
    [
        ("worker1", "kubelet"),
        ("worker1", "containerd"),
        ("worker1", "kube-proxy"),
        ("control", "etcd"),
        ("control", "kube-apiserver"),
        ("control", "kube-controller-manager"),
        ("control", "kube-scheduler"),
    ],
)
def test_a_killed_component_is_back_within_seconds_and_nothing_is_lost(web: Cluster, node: str, service: str) -> None:
    within(60, lambda: len(pods_of_web(web)) == 2, "two pods, and none on its way out")
    pods = set(pods_of_web(web))
    seconds = web.kill(node, service)
    print(f"\n  {service} on {node} was back after {seconds:.1f} s")
    within(60, lambda: web.succeeds("control", "kubectl get --raw /readyz"), "an API server that is ready")
    within(60, lambda: set(pods_of_web(web)) == pods, "the same pods as before")
    ask = "kubectl exec client -- curl -sS -m 5 -o /dev/null http://web/"
    within(60, lambda: web.succeeds("control", ask), "an answer of the service")


def test_a_pod_that_eats_its_memory_is_ended_as_such_and_its_neighbours_go_on(web: Cluster) -> None:
    web.apply(GREEDY)

    def reason() -> str:
        return web.sh("control", f"kubectl get pod greedy -o jsonpath='{{{LAST}}}'")

    within(30, lambda: reason() == "OOMKilled", "a pod that is OOMKilled")
    assert all(pods_of_web(web).values())
    web.sh("control", "kubectl delete pod greedy --grace-period=0 --force 2>/dev/null")


def test_a_privileged_pod_runs_and_an_image_that_does_not_exist_is_said_within_seconds(web: Cluster) -> None:
    web.apply(ODD)
    web.sh("control", "kubectl wait --for=condition=Ready pod/privileged --timeout=30s")
    waiting = "kubectl get pod nothing -o jsonpath='{.status.containerStatuses[0].state.waiting.reason}'"
    seconds = within(15, lambda: web.sh("control", waiting) in {"ErrImagePull", "ImagePullBackOff"}, "the word for it")
    print(f"\n  an image that does not exist was said after {seconds:.1f} s")
    web.sh("control", "kubectl delete pod privileged nothing --grace-period=0 --force 2>/dev/null")


def test_an_unplugged_worker_is_known_soon_its_pods_run_elsewhere_and_it_comes_back(web: Cluster) -> None:
    web.sh("control", "kubectl delete pod client fresh --ignore-not-found --grace-period=0 --force 2>/dev/null")
    for worker in ("worker1", "worker2"):  # an earlier try may have left one without power
        web.ask(worker, "power", {"plugged": True})
    web.sh("control", "kubectl wait --for=condition=Ready node --all --timeout=50s")
    web.sh("control", "kubectl rollout status deployment/web --timeout=55s")
    lost = web.sh("control", "kubectl get pods -l app=web -o jsonpath='{.items[0].spec.nodeName}'")
    ready = f"kubectl get node {lost} -o jsonpath='{READY}'"
    web.ask(lost, "power", {"plugged": False})
    known = within(20, lambda: web.sh("control", ready) != "True", "a node that is NotReady")

    def two_run() -> bool:
        places = web.sh("control", f"kubectl get pods -l app=web -o jsonpath='{PODS}'").split()
        return sum(place.endswith("=True") and not place.startswith(lost) for place in places) >= 2

    moved = known + within(30, two_run, "two pods elsewhere")
    web.ask(lost, "power", {"plugged": True})
    back = within(40, lambda: web.sh("control", ready) == "True", "a node that is Ready again")
    # What its kubelet pulls comes from the platform's registry again, and names are answered.
    web.sh("control", FRESH.format(node=lost))
    web.sh("control", "kubectl wait --for=condition=Ready pod/fresh --timeout=30s")
    assert web.succeeds("control", "kubectl exec fresh -- curl -sS -m 5 -o /dev/null http://web/")
    print(
        f"\n  NotReady after {known:.1f} s, pods elsewhere after {moved:.1f} s, back {back:.1f} s after the plug was in"
    )
    assert known < 15
    assert moved < 30


def test_another_sandboxes_credentials_are_refused(backend: DockerBackend, web: Cluster) -> None:
    other = Cluster(backend, Topology(nodes=(NodeSpec(name="control", kind=NodeKind.KUBERNETES_CONTROL),)))
    try:
        other.start()
        config = other.sh("control", "cat /root/.kube/config")
        token = other.sh("control", "kubectl create token default")
    finally:
        other.remove()
    web.sh("control", "cat > /tmp/other.conf", stdin=config)
    ask = "kubectl --kubeconfig /tmp/other.conf --insecure-skip-tls-verify get pods -A"
    assert not web.succeeds("control", ask.replace(" --insecure-skip-tls-verify", ""))
    strip = "sed -i /certificate-authority-data/d /tmp/other.conf; "
    refusal = web.sh("control", f"{strip}{ask} 2>&1; true")
    assert "Unauthorized" in refusal or "must be logged in" in refusal
    answer = web.sh("control", f"curl -sk -H 'Authorization: Bearer {token}' https://127.0.0.1:6443/api/v1/pods; true")
    assert '"code": 401' in answer


def test_the_image_holds_no_credential(live_platform: LivePlatform, backend: DockerBackend) -> None:
    import docker  # noqa: PLC0415 - only this test looks into an image

    client = docker.DockerClient(live_platform.docker_host)
    try:
        look = "find / -xdev \\( -name '*.key' -o -name '*.conf' -path '*kube*' -o -name config -path '*.kube*' \\)"
        # Fails with a ContainerError when anything is found.
        client.containers.run(
            "slipway/kubernetes:current",
            entrypoint=["bash", "-c"],
            command=[f'found=$({look}); [ -z "$found" ]'],
            network_mode="none",
            remove=True,
        )
    finally:
        client.close()


@pytest.mark.timeout(400)
def test_an_exercise_with_a_cluster_is_proven_by_the_command_that_authors_use(
    live_platform: LivePlatform, backend: DockerBackend
) -> None:
    live_platform.environment["SLIPWAY_EXERCISES"] = str(FIXTURES)
    try:
        live_platform.manage("exercise", "test", "small-cluster")
    finally:
        del live_platform.environment["SLIPWAY_EXERCISES"]
