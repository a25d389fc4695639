"""From a Kubernetes API server's answers to the snapshot: what is read of good ones, and that bad ones do no harm."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.clusters.assembling import assemble
from slipway.clusters.kube_reading import KINDS, KubeView, read_cluster
from slipway.clusters.node_reading import NodeAnswers, NodePart, read_node
from slipway.clusters.snapshot import LIMITS, Component, Endpoint, KubePort, Pod, Snapshot
from slipway.core.json import JSON
from tests.unit.clusters.kube_answers import cluster, key, listed, metadata, node, own_parts, pod, workload
from tests.unit.clusters.test_reading import ANY, HOSTILE, assert_harmless, places, put

CONTROL = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "containerd", "kubelet", "kube-proxy")
WORKER = CONTROL[4:]


def member(name: str, services: tuple[str, ...] = WORKER, **states: str) -> NodePart:
    """A node's part, as its agent tells of these services."""
    told: JSON = [{"name": one, "state": states.get(one.replace("-", "_"), "ready")} for one in services]
    return read_node(name, NodeAnswers(status={"plugged": True, "services": told}), None)


def picture(**lists: JSON) -> Snapshot:
    """The snapshot of three nodes and the cluster with these lists."""
    parts = [member("control", CONTROL), member("worker1"), member("worker2")]
    return assemble(parts, [], cluster=read_cluster({**cluster(), **lists}))


def problems_of(kubernetes: str = "ready", **lists: JSON) -> list[tuple[str, bool]]:
    """The problems told of a cluster with these lists, and whether new machines are offered."""
    parts = [
        member(name, (*services, "kubernetes"), kubernetes=kubernetes)
        for name, services in (("control", CONTROL), ("worker1", WORKER), ("worker2", WORKER))
    ]
    found = assemble(parts, [], cluster=read_cluster({**cluster(), **own_parts(), **lists}))
    return [(problem.id, problem.new_machines) for problem in found.problems]


def one_pod(**changed: JSON) -> Pod:
    """The pod that is read of one whose status is so."""
    (found,) = read_cluster({"pods": listed(pod("p", **changed))}).pods
    return found


def waiting(reason: str, message: str = "") -> JSON:
    """The statuses of a container that waits."""
    return [{"name": "web", "state": {"waiting": {"reason": reason, "message": message}}}]


def test_a_node_is_seated_as_the_api_server_and_its_own_agent_say() -> None:
    control, worker1, worker2 = (found.kubernetes for found in picture().nodes)
    assert control
    assert worker1
    assert worker2
    assert (control.role, control.state, control.schedulable) == ("control", "ready", True)
    assert [component.name for component in control.components] == list(CONTROL)
    assert (worker1.role, worker1.components[0]) == ("worker", Component("containerd", "ready"))
    assert not worker2.schedulable


@pytest.mark.parametrize(("status", "state"), [("False", "not-ready"), ("Unknown", "not-ready"), ("True", "ready")])
def test_a_node_that_was_not_heard_of_is_not_ready(status: str, state: str) -> None:
    found = picture(nodes=listed(node("worker1", ready=status))).nodes
    assert [each.kubernetes.state for each in found if each.kubernetes] == ["unknown", state, "unknown"]


def test_the_engine_of_a_kubernetes_node_is_its_kubernetes() -> None:
    assert member("worker1", (*WORKER, "kubernetes"), kubernetes="starting").engine == "starting"
    assert member("node1", ("containerd", "dockerd"), dockerd="down").engine == "down"
    assert member("node1", ("containerd",)).components == ()


def test_pods_belong_to_replica_sets_and_these_to_deployments() -> None:
    found = picture()
    assert {each.name: (each.kind, each.owner, each.desired, each.ready) for each in found.workloads} == {
        "web": ("Deployment", "", 2, 2),
        "web-5f6d": ("ReplicaSet", key("web"), 2, 2),
    }
    assert {(each.name, each.node, each.workload) for each in found.pods} == {
        ("web-5f6d-aaaaa", "worker1", key("web-5f6d")),
        ("web-5f6d-bbbbb", "worker2", key("web-5f6d")),
    }


def test_daemon_sets_and_jobs_are_counted_in_their_own_words() -> None:
    daemon: JSON = {"metadata": metadata("log"), "status": {"desiredNumberScheduled": 3, "numberReady": 1}}
    job: JSON = {"metadata": metadata("sum"), "spec": {"completions": 4}, "status": {"succeeded": 3}}
    found = read_cluster({"daemonsets": listed(daemon), "jobs": listed(job)}).workloads
    assert [(each.kind, each.ready, each.desired) for each in found] == [("DaemonSet", 1, 3), ("Job", 3, 4)]


def test_a_former_replica_set_is_told_while_it_has_pods() -> None:
    old = workload("web-0ld", owner="web", replicas=0, ready=0)
    found = read_cluster({"replicasets": listed(old), "pods": listed(pod("p", owner="web-0ld"))})
    assert [each.name for each in found.workloads] == ["web-0ld"]


def test_a_service_leads_to_the_pods_of_its_slices() -> None:
    (found,) = picture().kube_services
    assert (found.name, found.type, found.address) == ("web", "NodePort", "10.96.12.7")
    assert found.ports == (KubePort(80, "http", "TCP", 30080),)
    expected = {Endpoint(key("web-5f6d-aaaaa"), ready=True), Endpoint(key("web-5f6d-bbbbb"), ready=False)}
    assert set(found.endpoints) == expected


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({}, "Running"),
        ({"containerStatuses": waiting("ContainerCreating")}, "ContainerCreating"),
        ({"containerStatuses": waiting("CrashLoopBackOff")}, "CrashLoopBackOff"),
        ({"initContainerStatuses": waiting("ErrImagePull")}, "Init:ErrImagePull"),
        ({"containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled"}}}]}, "OOMKilled"),
        ({"containerStatuses": [], "phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"containerStatuses": [], "phase": "Pending"}, "Pending"),
    ],
)
def test_a_pods_state_is_the_word_that_kubectl_has_for_it(status: dict[str, JSON], state: str) -> None:
    assert one_pod(**status).state == state


def test_a_pod_that_is_being_deleted_is_terminating_whatever_else_it_is() -> None:
    gone: JSON = {"metadata": metadata("p", deletionTimestamp="2026-11-24T20:30:17Z"), "status": {"phase": "Running"}}
    assert read_cluster({"pods": listed(gone)}).pods[0].state == "Terminating"


def test_a_pod_says_why_it_waits() -> None:
    scheduled: JSON = [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]
    pending = one_pod(phase="Pending", containerStatuses=[], conditions=scheduled)
    assert (pending.reason, pending.ready) == ("0/3 nodes are available", False)
    assert one_pod(containerStatuses=waiting("ErrImagePull", "not found")).reason == "not found"


def test_a_pod_that_was_evicted_says_why_though_its_container_was_only_killed() -> None:
    killed: JSON = [{"name": "web", "state": {"terminated": {"reason": "Error", "exitCode": 137}}}]
    evicted = one_pod(phase="Failed", reason="Evicted", message="The node was low on memory", containerStatuses=killed)
    assert (evicted.state, evicted.reason) == ("Error", "The node was low on memory")


def test_a_pod_on_no_node_of_ours_is_on_none() -> None:
    assert [each.node for each in picture(pods=listed(pod("p", on="elsewhere"))).pods] == [""]


def test_while_the_api_server_is_silent_all_stays_and_is_said_to() -> None:
    silent = replace(read_cluster(cluster()), silent=True)
    found = assemble([member("control", CONTROL)], [], cluster=silent)
    assert [problem.id for problem in found.problems] == ["api-server-silent"]
    assert len(found.pods) == 2
    assert found.nodes[0].kubernetes
    assert found.nodes[0].kubernetes.state == "unknown"


@pytest.mark.parametrize(
    ("lists", "problem"),
    [
        ({"deployments": listed()}, "cluster-dns-deleted"),
        ({"services": listed()}, "cluster-dns-deleted"),
        ({"clusterroles": listed()}, "cluster-roles-deleted"),
        ({"clusterrolebindings": listed()}, "cluster-roles-deleted"),
        ({"nodes": listed(node("control"), node("worker1"))}, "cluster-node-deleted"),
    ],
)
def test_what_a_cluster_needs_is_missed_when_it_was_deleted_and_new_machines_are_offered(
    lists: dict[str, JSON], problem: str
) -> None:
    assert problems_of(**lists) == [(problem, True)]


def test_nothing_is_missed_in_a_whole_cluster_nor_before_it_was_whole_nor_in_lists_that_were_not_answered() -> None:
    assert problems_of() == []
    assert problems_of(deployments=listed(more=1), clusterroles=None) == []
    assert problems_of("starting", services=listed(), nodes=listed()) == []


def test_more_pods_than_fit_are_counted_and_those_of_the_learner_are_kept() -> None:
    own = [pod(f"own{number}") for number in range(100)]
    system: list[JSON] = [{"metadata": metadata(f"s{number}", namespace="kube-system")} for number in range(60)]
    found = picture(pods=listed(*system, *own, more=7))
    assert len(found.pods) == LIMITS["pods"]
    assert sum(each.namespace == "default" for each in found.pods) == 100
    assert found.left_out.pods == 160 - LIMITS["pods"] + 7


FULL: dict[str, JSON] = {
    **cluster(),
    "pods": listed(pod("p", containerStatuses=waiting("ErrImagePull", "no")), more=1),
    "daemonsets": listed({"metadata": metadata("log"), "status": {"desiredNumberScheduled": 3, "numberReady": 1}}),
    "statefulsets": listed(workload("db")),
    "jobs": listed({"metadata": metadata("sum"), "spec": {"completions": 4}, "status": {"succeeded": 3}}),
}


@pytest.mark.parametrize("path", [one for one in places(FULL) if one], ids=lambda path: "/".join(map(str, path)))
def test_a_hostile_value_in_any_place_does_no_harm(path: tuple[str | int, ...]) -> None:
    for what in HOSTILE:
        assert_harmless(picture(**put(FULL, path, what)))  # type: ignore[arg-type]


@given(st.fixed_dictionaries(dict.fromkeys(KINDS, ANY)))
def test_no_answer_whatever_can_break_the_reading(lists: dict[str, JSON]) -> None:
    assert_harmless(assemble([member("worker1")], [], cluster=read_cluster(lists)))


def test_nothing_makes_an_empty_view() -> None:
    assert read_cluster({}) == KubeView(unread={"pods": 0, "workloads": 0, "kube_services": 0})
