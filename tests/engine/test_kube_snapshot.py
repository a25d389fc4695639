"""The picture of a live Kubernetes cluster: it follows what controllers do, as they do it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from slipway.sandboxes.backends.docker import DockerBackend
from tests.browsing import Visitor
from tests.engine.clusters import wait_for_image
from tests.engine.machines import Machines, running
from tests.engine.rows import sandbox_row
from tests.live import LivePlatform
from tests.picture import LivePicture, Picture
from tests.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]

_EXERCISES = {"SLIPWAY_EXERCISES": str(Path(__file__).resolve().parents[1] / "fixtures" / "kubernetes")}


@pytest.fixture(scope="module")
def kube_platform() -> Iterator[LivePlatform]:
    """An installation of its own whose one exercise has a cluster."""
    platform = LivePlatform(_EXERCISES)
    try:
        platform.start()
        wait_for_image(platform)
        yield platform
    finally:
        platform.stop()
        platform.remove()


@pytest.fixture(scope="module")
def kube_visitor(kube_platform: LivePlatform) -> Visitor:
    """A guest."""
    return Visitor.as_guest(kube_platform)


@pytest.fixture(scope="module")
def kube_attempt(kube_platform: LivePlatform, kube_visitor: Visitor) -> Iterator[str]:
    """The guest's lab, its cluster ready."""
    attempt = kube_visitor.start_lab("small-cluster")
    wait_until(lambda: sandbox_row(kube_platform, attempt).state == "ready", seconds=120, what="a ready cluster")
    yield attempt
    kube_visitor.post(f"/attempts/{attempt}/stop", {})


class Cluster(Machines):
    """The lab's cluster, for what is done to it."""

    async def kubectl(self, command: str) -> float:
        """Run kubectl on the control plane; returns the moment of its end."""
        await self.run("control", f"kubectl {command}")
        return time.monotonic()

    async def power(self, node: str, *, plugged: bool) -> None:
        """Pull a node's plug, or put it in."""
        await self.sessions.request(self._sandbox, node, "power", {"plugged": plugged}, timeout=30)


@pytest.fixture
async def cluster(kube_platform: LivePlatform, kube_attempt: str) -> AsyncIterator[Cluster]:
    """As above."""
    backend = DockerBackend(kube_platform.docker_host, installation="kube-snapshot")
    found = Cluster(backend, sandbox_row(kube_platform, kube_attempt).sandbox)
    yield found
    await found.leave()


@pytest.fixture
async def kube_picture(
    kube_platform: LivePlatform, kube_visitor: Visitor, kube_attempt: str
) -> AsyncIterator[LivePicture]:
    """A page that shows the cluster."""
    async with LivePicture(kube_platform, kube_visitor, kube_attempt) as shown:
        await shown.until(lambda now: seats(now) == ["ready"] * 3, seconds=60)
        yield shown


def seats(picture: Picture) -> list[str]:
    """How the API server sees each node."""
    return [node["kubernetes"]["state"] for node in picture["nodes"]]


def is_whole(picture: Picture) -> bool:
    """Whether every machine has all that it is to run, and the cluster's names are answered."""
    return all(node["engine"] == "ready" for node in picture["nodes"])


def ready_pods(picture: Picture) -> dict[str, str]:
    """The learner's pods that are ready and stay, and their nodes."""
    return {
        pod["name"]: pod["node"]
        for pod in picture["pods"]
        if pod["namespace"] == "default" and pod["ready"] and pod["state"] == "Running"
    }


async def test_a_deployment_its_pods_and_its_service_are_seen_as_it_is_made_scaled_and_loses_a_pod(
    cluster: Cluster, kube_picture: LivePicture
) -> None:
    made = await cluster.kubectl("create deployment web --image=nginx:1.26 --replicas=2")
    await kube_picture.until(
        lambda now: [each["name"] for each in now["workloads"] if each["kind"] == "Deployment"][1:]
    )
    told = time.monotonic() - made
    await kube_picture.until(lambda now: len(ready_pods(now)) == 2, seconds=60)
    (set_of_pods,) = {pod["workload"] for pod in kube_picture.current["pods"] if pod["name"].startswith("web-")}
    (owned,) = [each for each in kube_picture.current["workloads"] if each["id"] == set_of_pods]
    owner = next(each for each in kube_picture.current["workloads"] if each["id"] == owned["owner"])
    assert (owned["kind"], owner["kind"], owner["name"]) == ("ReplicaSet", "Deployment", "web")

    await cluster.kubectl("expose deployment web --port=80 --type=NodePort")
    await kube_picture.until(lambda now: any(len(each["endpoints"]) == 2 for each in now["kube_services"]), seconds=30)

    scaled = await cluster.kubectl("scale deployment web --replicas=4")
    await kube_picture.until(lambda now: sum(pod["namespace"] == "default" for pod in now["pods"]) == 4)
    seen = time.monotonic() - scaled
    await kube_picture.until(lambda now: len(ready_pods(now)) == 4, seconds=60)

    gone = next(iter(ready_pods(kube_picture.current)))
    deleted = await cluster.kubectl(f"delete pod {gone} --wait=false")
    await kube_picture.until(lambda now: gone not in ready_pods(now), seconds=30)
    fading = time.monotonic() - deleted
    await kube_picture.until(lambda now: len(ready_pods(now)) == 4 and gone not in str(now["pods"]), seconds=60)
    print(
        f"\n  told {told:.2f} s after kubectl: a deployment; {seen:.2f} s: its new pods; {fading:.2f} s: one that goes"
    )


async def test_an_unplugged_worker_is_not_ready_its_pods_move_and_it_comes_back(
    cluster: Cluster, kube_picture: LivePicture
) -> None:
    await kube_picture.until(lambda now: {"worker1", "worker2"} == set(ready_pods(now).values()), seconds=60)
    await cluster.power("worker2", plugged=False)
    unplugged = await kube_picture.until(lambda now: now["nodes"][2]["state"] == "unplugged")
    known = await kube_picture.until(lambda now: seats(now)[2] == "not-ready", seconds=60)
    moved = await kube_picture.until(lambda now: list(ready_pods(now).values()) == ["worker1"] * 4, seconds=90)
    assert any(pod["state"] == "Terminating" and pod["node"] == "worker2" for pod in kube_picture.current["pods"])
    await cluster.power("worker2", plugged=True)
    back = await kube_picture.until(lambda now: seats(now) == ["ready"] * 3, seconds=90)
    print(f"\n  in turn: unplugged {unplugged:.1f}, NotReady {known:.1f}, moved {moved:.1f}, back {back:.1f} s")


async def test_a_control_plane_without_power_is_said_and_what_ran_stays_in_the_picture(
    cluster: Cluster, kube_picture: LivePicture
) -> None:
    pods = {pod["id"] for pod in kube_picture.current["pods"]}
    await cluster.power("control", plugged=False)
    said = await kube_picture.until(
        lambda now: "api-server-silent" in {problem["id"] for problem in now["problems"]}, seconds=30
    )
    assert pods & {pod["id"] for pod in kube_picture.current["pods"]}
    await cluster.power("control", plugged=True)
    back = await kube_picture.until(lambda now: not now["problems"] and seats(now) == ["ready"] * 3, seconds=120)
    print(f"\n  silence said after {said:.1f} s, all Ready {back:.1f} s after the plug was in")


_EVERYTHING = "deployments,services,configmaps,secrets,serviceaccounts,roles,rolebindings,pods -A"
_THE_REST = "clusterroles,clusterrolebindings,nodes"
_DELETED = {"cluster-dns-deleted", "cluster-roles-deleted", "cluster-node-deleted"}


async def test_a_cluster_of_which_everything_was_deleted_is_said_to_be_broken_and_new_machines_are_offered(
    cluster: Cluster, kube_picture: LivePicture
) -> None:
    # What a cluster must have is missed only once it was whole; an earlier test has just given it its power back.
    await kube_picture.until(lambda now: is_whole(now) and not now["problems"], seconds=60)
    try:
        await cluster.kubectl(f"delete {_EVERYTHING} --all --wait=false")
        await cluster.kubectl(f"delete {_THE_REST} --all --wait=false")
        said = await kube_picture.until(
            lambda now: {problem["id"] for problem in now["problems"]} == _DELETED, seconds=60
        )
        assert all(problem["new_machines"] for problem in kube_picture.current["problems"])
    finally:  # a control plane that boots makes again what every cluster has
        await cluster.power("control", plugged=False)
        await cluster.power("control", plugged=True)
    back = await kube_picture.until(lambda now: not now["problems"] and seats(now) == ["ready"] * 3, seconds=120)
    print(f"\n  said after {said:.1f} s; whole again {back:.1f} s after the plug was in")


def staying(picture: Picture) -> list[str]:
    """The nodes of the tasks that run and shall; one on a lost node still counts as running, and shall not."""
    tasks = [task for task in picture["tasks"] if task["desired"] == "running"]
    return [task["node"] for task in tasks if task["state"] == "running"]


async def test_a_swarm_beside_the_cluster_is_told_in_the_same_picture(
    kube_platform: LivePlatform, kube_visitor: Visitor
) -> None:
    attempt = kube_visitor.start_lab("beside-a-swarm")
    wait_until(lambda: sandbox_row(kube_platform, attempt).state == "ready", seconds=120, what="a ready cluster")
    backend = DockerBackend(kube_platform.docker_host, installation="kube-snapshot")
    cluster = Cluster(backend, sandbox_row(kube_platform, attempt).sandbox)
    try:
        async with LivePicture(kube_platform, kube_visitor, attempt) as shown:
            await cluster.make_swarm("node2")
            await cluster.run("node1", "docker service create --detach --name web --replicas 2 nginx:1.26")
            await cluster.kubectl("create deployment web --image=nginx:1.26 --replicas=2")
            await shown.until(lambda now: len(ready_pods(now)) == 2 and running(now).total() == 2, seconds=90)
            # Each node is of one cluster, in the order of the exercise, and each thing on a node of its own cluster.
            found = [(node["id"], bool(node["swarm"]), bool(node["kubernetes"])) for node in shown.current["nodes"]]
            assert found == [
                ("node1", True, False),
                ("node2", True, False),
                ("control", False, True),
                ("worker1", False, True),
            ]
            assert set(running(shown.current)) <= {"node1", "node2"}
            assert set(ready_pods(shown.current).values()) == {"worker1"}

            # A lost machine of the one changes nothing about the other.
            await cluster.power("node2", plugged=False)
            await cluster.power("worker1", plugged=False)
            await shown.until(lambda now: not ready_pods(now) and staying(now) == ["node1", "node1"], seconds=120)
            states = {node["id"]: node["state"] for node in shown.current["nodes"]}
            assert states == {"node1": "up", "node2": "unplugged", "control": "up", "worker1": "unplugged"}
            assert not shown.current["problems"]
    finally:
        await cluster.leave()
        kube_visitor.post(f"/attempts/{attempt}/stop", {})
