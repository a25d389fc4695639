"""From Docker's answers to the snapshot: what is read of good ones, and that bad ones do no harm."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.clusters.assembling import assemble
from slipway.clusters.node_reading import NodeAnswers, NodePart, read_node
from slipway.clusters.problems import ProblemKind
from slipway.clusters.snapshot import LIMITS, Attachment, Port, Snapshot, SwarmSeat
from slipway.clusters.swarm_reading import SwarmView, read_swarm
from slipway.clusters.traffic import rates, read_counters
from slipway.core.json import JSON
from tests.unit.clusters.answers import (
    BRIDGE,
    CLUSTER,
    FRONT,
    INGRESS,
    NODE1,
    NODE2,
    container,
    info,
    member,
    network,
    service,
    task,
)

READY: JSON = {"services": [{"name": "containerd", "state": "ready"}, {"name": "dockerd", "state": "ready"}]}
LINKS: JSON = {
    "links": [{"name": "docker0", "addresses": ["172.17.0.1/16"]}, {"name": "eth0", "addresses": ["10.128.0.2/24"]}]
}
GOOD = NodeAnswers(
    status=READY,
    links=LINKS,
    info=info(NODE1, manager=True, containers=1),
    networks=[network(subnet="172.17.0.0/16"), network(FRONT, "front", driver="overlay", scope="swarm")],
    containers=[container("a" * 64)],
)


def part(answers: NodeAnswers = GOOD, node: str = "node1", before: NodePart | None = None) -> NodePart:
    """What a node's answers make."""
    return read_node(node, answers, before)


def with_containers(*items: JSON) -> NodePart:
    """The part of a node with these containers."""
    return part(replace(GOOD, containers=list(items)))


def view(*, nodes: JSON = None, services: JSON = None, tasks: JSON = None) -> SwarmView:
    """What a manager's answers make."""
    members: JSON = [member(NODE1, leader=True), member(NODE2)]
    return read_swarm("cluster", nodes=nodes or members, services=services or [], tasks=tasks or [])


def test_a_running_container_is_read_with_its_network_address_and_port() -> None:
    (found,) = part().containers
    assert (found.id, found.node, found.name, found.image, found.state) == (
        "a" * 12,
        "node1",
        "web",
        "nginx",
        "running",
    )
    assert found.networks == (Attachment("node1/" + "b" * 12, "172.17.0.2"),)
    assert found.ports == (Port("0.0.0.0", 8080, 80, "tcp"),)
    assert (found.exit_code, found.health, found.service, found.task) == (None, "", "", "")


@pytest.mark.parametrize(
    ("state", "status", "exit_code", "health"),
    [
        ("exited", "Exited (137) 3 minutes ago", 137, ""),
        ("exited", "Exited (0) Less than a second ago", 0, ""),
        ("running", "Up 2 seconds (healthy)", None, "healthy"),
        ("running", "Up 2 seconds (unhealthy)", None, "unhealthy"),
        ("running", "Up 2 seconds (health: starting)", None, "starting"),
        ("running", "Up 2 seconds", None, ""),
        ("created", "Created", None, ""),
        ("running", "Exited (99999999999) (really)", None, ""),
    ],
)
def test_end_and_health_are_read_from_dockers_own_words(
    state: str, status: str, exit_code: int | None, health: str
) -> None:
    (found,) = with_containers(container("a" * 64, State=state, Status=status)).containers
    assert (found.state, found.exit_code, found.health) == (state, exit_code, health)


def test_a_container_that_was_never_started_is_found_on_its_network_by_name() -> None:
    endpoint: JSON = {"NetworkID": "", "IPAddress": "", "MacAddress": ""}
    (found,) = with_containers(
        container("a" * 64, State="created", NetworkSettings={"Networks": {"bridge": endpoint}})
    ).containers
    assert found.networks == (Attachment("node1/" + "b" * 12, ""),)


def test_a_port_published_on_both_kinds_of_address_is_one() -> None:
    ports: JSON = [{"IP": ip, "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"} for ip in ("0.0.0.0", "::")]
    (found,) = with_containers(container("a" * 64, Ports=[*ports, {"PrivatePort": 443, "Type": "tcp"}])).containers
    assert found.ports == (Port("0.0.0.0", 8080, 80, "tcp"),)


def test_a_container_is_known_by_its_own_name_not_by_a_link_to_it() -> None:
    (found,) = with_containers(container("a" * 64, Names=["/other/alias", "/web"])).containers
    assert found.name == "web"


def test_a_node_is_read_with_its_address_and_engine() -> None:
    found = part()
    assert (found.state, found.address, found.engine) == ("up", "10.128.0.2", "ready")
    assert part(replace(GOOD, status={"plugged": False, "services": []})).state == "unplugged"
    assert part(replace(GOOD, status={"plugged": False, "services": []})).engine == "down"
    components: list[JSON] = [{"name": name, "state": "ready"} for name in ("containerd", "kubelet", "kubernetes")]
    assert part(replace(GOOD, status={"plugged": True, "services": components})).engine == "ready"


def test_what_a_node_does_not_answer_is_as_it_was() -> None:
    before = part()
    now = part(NodeAnswers(status={"services": [{"name": "dockerd", "state": "starting"}]}), before=before)
    assert (now.containers, now.networks, now.address, now.membership) == (
        before.containers,
        before.networks,
        before.address,
        before.membership,
    )
    assert now.engine == "starting"


def test_nothing_runs_on_a_node_without_power() -> None:
    now = part(NodeAnswers(status={"plugged": False, "services": []}), before=part())
    assert [(each.name, each.state) for each in now.containers] == [("web", "exited")]


def test_a_network_that_spans_nodes_is_one_entry_and_local_ones_are_apart() -> None:
    snapshot = assemble([part(), part(node="node2")], [])
    assert {(n.id, n.nodes) for n in snapshot.networks} == {
        ("node1/" + "b" * 12, ("node1",)),
        ("node2/" + "b" * 12, ("node2",)),
        ("swarm/" + FRONT[:12], ("node1", "node2")),
    }


def test_a_service_is_read_with_its_stack_networks_and_ports() -> None:
    (found,) = view(services=[service(UpdateStatus={"State": "updating"})]).services
    assert (found.name, found.stack, found.image, found.mode) == ("shop_web", "shop", "nginx:latest", "replicated")
    assert (found.desired, found.running, found.update) == (2, 2, "updating")
    assert found.networks == ("swarm/" + FRONT[:12], "swarm/" + INGRESS[:12])
    assert [(p.published, p.target, p.protocol, p.mode) for p in found.ports] == [(8081, 80, "tcp", "ingress")]


def test_an_update_that_is_over_is_no_update() -> None:
    (found,) = view(services=[service(UpdateStatus={"State": "completed"})]).services
    assert found.update == ""


def test_of_a_slots_tasks_the_current_ones_and_the_latest_failure_are_kept() -> None:
    over = {"state": "failed", "desired": "shutdown"}
    tasks: JSON = [
        task("now1"),
        task("old1", Timestamp="2026-11-24T20:30:17Z", Err="first", **over),
        task("old2", Timestamp="2026-11-24T20:30:18Z", Err="second", **over),
        task("done", state="shutdown", desired="shutdown"),
        task("going", state="running", desired="shutdown"),
        task("other", slot=2, Err="elsewhere", **over),
    ]
    assert {found.id: found.error for found in view(tasks=tasks).tasks} == {
        "now1": "",
        "old2": "second",
        "going": "",
        "other": "elsewhere",
    }


def test_tasks_are_on_the_nodes_that_learners_know() -> None:
    parts = [part(), part(replace(GOOD, info=info(NODE2)), node="node2")]
    snapshot = assemble(parts, [view(tasks=[task("t1", node=NODE2), task("t2", node="elsewhere")])])
    assert [(found.id, found.node) for found in snapshot.tasks] == [("t1", "node2"), ("t2", "")]


def test_a_nodes_seat_is_what_its_leader_says() -> None:
    parts = [
        part(),
        part(replace(GOOD, info=info(NODE2)), node="node2"),
        part(replace(GOOD, info=info()), node="node3"),
    ]
    snapshot = assemble(parts, [view(nodes=[member(NODE1, leader=True), member(NODE2, state="down")])])
    assert [node.swarm for node in snapshot.nodes] == [
        SwarmSeat("manager", leader=True, state="ready", availability="active", reachable=True),
        SwarmSeat("worker", leader=False, state="down", availability="active", reachable=False),
        None,
    ]


def test_a_worker_whose_manager_is_not_ours_says_no_more_than_it_knows() -> None:
    (node,) = assemble([part(replace(GOOD, info=info(NODE2)))], []).nodes
    assert node.swarm == SwarmSeat("worker", leader=False, state="unknown", availability="", reachable=False)


def test_without_a_leader_services_stay_as_they_were_and_a_problem_says_so() -> None:
    lost = replace(view(services=[service()]), leaderless=True)
    snapshot = assemble([part()], [lost])
    assert [problem.id for problem in snapshot.problems] == [ProblemKind.QUORUM_LOST.value]
    assert len(snapshot.services) == 1
    assert snapshot.nodes[0].swarm == SwarmSeat("manager", False, "unknown", "active", False)


def test_a_manager_without_a_leader_is_still_in_the_swarm_it_was_in() -> None:
    before = part()
    error = "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few …"
    now = part(replace(GOOD, info=info(NODE1, manager=True, error=error)), before=before)
    assert now.membership is not None
    assert (now.membership.cluster, now.membership.leaderless) == (CLUSTER[:12], True)


def test_more_containers_than_fit_are_counted_and_running_ones_are_kept() -> None:
    many = [container(f"{number:012x}" + "0" * 52, State="exited") for number in range(240)]
    running = container("f" * 64)
    found = part(replace(GOOD, info=info(containers=1000), containers=[*many, running]))
    snapshot = assemble([found], [])
    assert len(snapshot.containers) == LIMITS["containers"]
    assert snapshot.left_out.containers == 1000 - LIMITS["containers"]
    assert "f" * 12 in {each.id for each in snapshot.containers}


def test_counters_become_rates_of_the_links_that_they_belong_to() -> None:
    def counted(*cards: JSON) -> JSON:
        return {"containers": [{"id": "a" * 64, "interfaces": list(cards)}, {"id": "unknown"}, "garbage"]}

    card: JSON = {"mac": "02:42:ac:11:00:02", "rx_bytes": 1000, "tx_bytes": 500}
    before = read_counters(counted(card, {"mac": "02:42:ac:12:00:09", "rx_bytes": 7}), part())
    after = read_counters(counted({**card, "rx_bytes": 3400}), part())
    link = {"container": "a" * 12, "network": "node1/" + BRIDGE[:12]}
    assert rates(before, after, 2.0) == [{**link, "bytes": 1200}]
    assert rates(after, before, 2.0) == []
    assert rates({}, after, 2.0) == []


HOSTILE: tuple[JSON, ...] = (
    None, True, -1, 10**30, 1.5, "", "x" * 100_000, "\ud800", "\x00\x1b[2J<script>", [], {}, [[]], {"a": {"b": 1}},
    ["x"] * 5000, [{"Id": "y"}] * 3000, {str(number): {} for number in range(3000)},
)  # fmt: skip

EVERYTHING = {
    "status": {"plugged": True, **READY},
    "links": LINKS,
    "info": info(NODE1, manager=True),
    "networks": GOOD.networks,
    "containers": [container("a" * 64, Labels={"com.docker.swarm.task.id": "t"}, Status="Exited (1) (healthy)")],
    "nodes": [member(NODE1, leader=True)],
    "services": [service(UpdateStatus={"State": "paused"})],
    "tasks": [task("t1", Err="no such image", state="failed", desired="shutdown")],
    "traffic": {
        "containers": [{"id": "a" * 64, "interfaces": [{"mac": "02:42:ac:11:00:02", "rx_bytes": 1, "tx_bytes": 1}]}]
    },
}


def places(value: JSON, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, (*path, key))


def put(value: JSON, path: tuple[str | int, ...], what: JSON) -> JSON:
    """A copy of the value with something else at one place."""
    if not path:
        return what
    changed = copy.deepcopy(value)
    at = changed
    for key in path[:-1]:
        at = at[key]  # type: ignore[index,call-overload]
    at[path[-1]] = what  # type: ignore[index,call-overload]
    return changed


def picture_of(answers: dict[str, JSON]) -> Snapshot:
    """The snapshot that these answers make."""
    told = NodeAnswers(*(answers[name] for name in ("status", "links", "info", "networks", "containers")))
    found = part(told)
    seen = read_swarm(CLUSTER, nodes=answers["nodes"], services=answers["services"], tasks=answers["tasks"])
    counters = read_counters(answers["traffic"], found)
    msgpack.packb(rates(dict.fromkeys(counters, 0), counters, 1.0))
    return assemble([found], [seen])


def assert_harmless(snapshot: Snapshot) -> None:
    """It can be sent on every way that it goes, and is not large."""
    plain = snapshot.to_json()
    assert len(json.dumps(plain)) < 300_000
    msgpack.packb(plain)
    for collection, limit in LIMITS.items():
        assert len(getattr(snapshot, collection)) <= limit
    texts = list(places(plain))
    for path in texts:
        at = plain
        for key in path:
            at = at[key]  # type: ignore[index,call-overload]
        assert not isinstance(at, str) or len(at) <= 400


@pytest.mark.parametrize("path", list(places(EVERYTHING)), ids=lambda path: "/".join(map(str, path)))
def test_a_hostile_value_in_any_place_does_no_harm(path: tuple[str | int, ...]) -> None:
    if not path:
        return
    for what in HOSTILE:
        assert_harmless(picture_of(put(EVERYTHING, path, what)))  # type: ignore[arg-type]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.fixed_dictionaries(dict.fromkeys(EVERYTHING, ANY)))
def test_no_answer_whatever_can_break_the_reading(answers: dict[str, JSON]) -> None:
    assert_harmless(picture_of(answers))
