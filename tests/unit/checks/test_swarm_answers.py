"""What checks learn about a swarm, asked of nodes in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.checks import Lab, Task
from slipway.checks.authoring.answers import JSON, Answer
from slipway.checks.authoring.asking import Refused
from slipway.checks.authoring.expectations import NotAsExpected
from slipway.core.json import as_mapping, as_text
from slipway.sandboxes.backends.base import NodeLimits
from slipway.sandboxes.backends.fake_node import FakeNode

NAMES = ("node1", "node2", "node3")
LIMITS = NodeLimits(memory=2**30, disk=2**32, cpus=2, pids=100)


class Cluster:
    """Three fake nodes as a check asks them."""

    def __init__(self) -> None:
        self.nodes = {name: FakeNode(name, NAMES, LIMITS, 60) for name in NAMES}

    def ask(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON:
        answer = self.nodes[node]._answer(op, params)
        if not answer["ok"]:
            error = as_mapping(answer["error"])
            raise Refused(as_text(error["code"]), as_text(error["message"]))
        return answer["result"]


def _service(name: str, *, running: int = 2, desired: int = 2, stack: str = "shop", **more: JSON) -> JSON:
    return {
        "ID": f"id-{name}",
        "Spec": {
            "Name": name,
            "Mode": {"Replicated": {"Replicas": desired}},
            "Labels": {"com.docker.stack.namespace": stack} if stack else {},
            "TaskTemplate": {
                "ContainerSpec": {"Image": "slipway/orders-web:1@sha256:1"},
                "Placement": {"Constraints": ["node.role == worker"]},
            },
        },
        "ServiceStatus": {"RunningTasks": running, "DesiredTasks": desired},
        "Endpoint": {
            "Ports": [{"TargetPort": 8000, "PublishedPort": 8080, "Protocol": "tcp", "PublishMode": "ingress"}]
        },
        **more,
    }


def _task(task_id: str, slot: int, node: str, state: str, desired: str, second: int, error: str = "") -> JSON:
    return {
        "ID": task_id,
        "ServiceID": "id-shop_web",
        "NodeID": node,
        "Slot": slot,
        "DesiredState": desired,
        "CreatedAt": f"2026-11-24T20:00:{second:02}.123456789Z",
        "Spec": {"ContainerSpec": {"Image": "slipway/orders-web:1@sha256:1"}},
        "Status": {"State": state, "Err": error, "Timestamp": f"2026-11-24T20:01:{second:02}Z"},
    }


@pytest.fixture
def cluster() -> Cluster:
    """A manager and two workers with a stack, and one service of its own."""
    cluster = Cluster()
    cluster.nodes["node1"].docker |= {
        "/nodes": [
            {
                "ID": "n1",
                "Spec": {"Role": "manager", "Availability": "drain"},
                "Description": {"Hostname": "node1"},
                "Status": {"State": "ready", "Addr": "10.128.0.2"},
                "ManagerStatus": {"Leader": True, "Reachability": "reachable", "Addr": "10.128.0.2:2377"},
            },
            {
                "ID": "n2",
                "Spec": {"Role": "worker", "Availability": "active"},
                "Description": {"Hostname": "node2"},
                "Status": {"State": "ready"},
            },
            {
                "ID": "n3",
                "Spec": {"Role": "worker", "Availability": "active"},
                "Description": {"Hostname": "node3"},
                "Status": {"State": "down"},
            },
        ],
        "/services?status=true": [
            _service("shop_web", UpdateStatus={"State": "completed", "Message": "update completed"}),
            _service("alone", stack="", running=0),
            _service("shop_store", running=1, desired=1),
        ],
        "/tasks": [
            _task("t1", 1, "n2", "running", "running", 1),
            _task("t2", 2, "n3", "running", "shutdown", 2),
            _task("t3", 2, "n2", "running", "running", 9),
            _task("t0", 2, "n3", "failed", "shutdown", 1, error="task: non-zero exit (1)"),
        ],
    }
    return cluster


def _lab(cluster: Cluster) -> Lab:
    return Lab(cluster, nodes=NAMES, parameters={})


def test_members_are_read_with_what_they_are_and_whether_they_take_tasks(cluster: Cluster) -> None:
    members = _lab(cluster).node("node1").docker.nodes()
    assert [(one.name, one.role, one.leader, one.reachability) for one in members] == [
        ("node1", "manager", True, "reachable"),
        ("node2", "worker", False, ""),
        ("node3", "worker", False, ""),
    ]
    assert [one.takes_tasks for one in members] == [False, True, False]


def test_a_stack_is_its_services_under_the_names_of_its_file(cluster: Cluster) -> None:
    docker = _lab(cluster).node("node1").docker
    (stack,) = docker.stacks()
    assert (stack.name, [one.short_name for one in stack.services]) == ("shop", ["store", "web"])
    web = stack.service("web")
    assert web is not None
    assert (web.name, web.image, web.constraints) == ("shop_web", "slipway/orders-web:1", ("node.role == worker",))
    assert (web.ports[0].public, web.ports[0].mode, web.update_state) == (8080, "ingress", "completed")
    assert stack.converged
    assert docker.stack("none") is None
    assert stack.service("none") is None


@pytest.mark.parametrize(
    ("service", "converged"),
    [
        (_service("shop_web"), True),
        (_service("shop_web", running=1), False),
        (_service("shop_web", running=0, desired=0), False),
        (_service("shop_web", UpdateStatus={"State": "updating"}), False),
        (_service("shop_web", UpdateStatus={"State": "paused"}), False),
        (_service("shop_web", UpdateStatus={"State": "rollback_completed"}), True),
    ],
)
def test_a_service_has_converged_when_all_runs_and_nothing_is_under_way(
    cluster: Cluster, service: JSON, converged: bool
) -> None:
    cluster.nodes["node1"].docker["/services?status=true"] = [service]
    (found,) = _lab(cluster).node("node1").docker.services()
    assert found.converged is converged


def test_only_the_tasks_that_count_are_listed_unless_history_is_asked_for(cluster: Cluster) -> None:
    docker = _lab(cluster).node("node1").docker
    assert [(task.slot, task.node, task.running) for task in docker.tasks("shop_web")] == [
        (1, "node2", True),
        (2, "node2", True),
    ]
    everything = docker.tasks("shop_web", all=True)
    assert [(task.id, task.current) for task in everything] == [
        ("t1", True),
        ("t3", True),
        ("t2", False),
        ("t0", False),
    ]
    oldest = everything[-1]
    assert (oldest.node, oldest.state, oldest.error) == ("node3", "failed", "task: non-zero exit (1)")
    assert oldest.since == datetime(2026, 11, 24, 20, 1, 1, tzinfo=UTC)
    assert docker.tasks("alone") == ()


def test_a_worker_knows_nothing_of_stacks_and_tasks(cluster: Cluster) -> None:
    docker = _lab(cluster).node("node2").docker
    assert (docker.stacks(), docker.tasks(all=True), docker.nodes()) == ((), (), ())


def test_an_overlay_is_found_on_the_nodes_that_have_it(cluster: Cluster) -> None:
    overlay: JSON = {
        "Id": "o1",
        "Name": "shop_inside",
        "Driver": "overlay",
        "Scope": "swarm",
        "Peers": [{"Name": "a", "IP": "10.128.0.2"}, {"Name": "b", "IP": "10.128.0.3"}],
        "Labels": {"com.docker.stack.namespace": "shop"},
    }
    for name in ("node1", "node3"):
        cluster.nodes[name].docker |= {"/networks": [overlay], "/networks/o1": overlay}
    found = _lab(cluster).networks("shop_inside")
    assert list(found) == ["node1", "node3"]
    assert (found["node3"].stack, found["node3"].peers) == ("shop", ("10.128.0.2", "10.128.0.3"))
    assert _lab(cluster).networks("nothing") == {}


def _finding(look: Callable[[], object]) -> NotAsExpected | None:
    try:
        look()
    except NotAsExpected as finding:
        return finding
    return None


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        (None, None),
        ("", None),
        ("0001-01-01T00:00:00Z", None),
        ("2026-11-24T21:00:00.5+01:00", datetime(2026, 11, 24, 20, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_point_in_time_is_read_in_utc(said: JSON, moment: datetime | None) -> None:
    assert Answer({"at": said}, "node1", "task").moment("at") == moment


@given(st.one_of(st.text(max_size=50), st.integers(), st.lists(st.integers(), max_size=2), st.datetimes().map(str)))
def test_nonsense_instead_of_a_time_is_a_sentence_about_the_node(said: JSON) -> None:
    finding = _finding(lambda: Answer({"at": said}, "node1", "task").moment("at"))
    assert finding is None or "makes no sense" in finding.observed


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["ID", "Spec", "Name", "Labels", "Status", "Placement", "Peers", "CreatedAt"]), inner,
                        max_size=3), max_leaves=9))  # fmt: skip
def test_whatever_a_manager_says_becomes_values_or_a_sentence(said: JSON) -> None:
    cluster = Cluster()
    cluster.nodes["node1"].docker |= {
        path: [said] for path in ("/nodes", "/services?status=true", "/tasks", "/networks")
    }
    lab = _lab(cluster)
    docker = lab.node("node1").docker
    for look in (docker.stacks, lambda: docker.tasks(all=True), docker.nodes, lambda: lab.networks("x")):
        finding = _finding(look)
        assert finding is None or (finding.expected.endswith(".") and len(finding.observed) < 1000)


def test_what_a_task_says_of_itself_is_short(cluster: Cluster) -> None:
    answer = Answer({"ID": "t", "Status": {"State": "failed", "Err": "x" * 10_000}}, "node1", "tasks")
    assert len(Task.read(answer, {}).error) == 500
