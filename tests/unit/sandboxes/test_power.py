"""Unplugging nodes and plugging them in, on the fake backend."""

from __future__ import annotations

import pytest

from slipway.accounts.models import User
from slipway.core import clock
from slipway.core.errors import EngineError, LearnerError
from slipway.core.loops import worker_loop
from slipway.sandboxes import selectors, services, tasks
from slipway.sandboxes.backends import worker_sessions
from slipway.sandboxes.backends.base import NodeConnection
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.backends.fake_node import FakeNode
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.states import Reason, State
from slipway.sandboxes.topology import Topology


@pytest.fixture
def node(sandbox: Sandbox, backend: FakeBackend) -> FakeNode:
    """Its second node."""
    return backend.nodes(sandbox.sandbox_id)["node2"]


def set_power(sandbox: Sandbox, *, plugged: bool) -> None:
    """Unplug node2, or plug it in, as its owner."""
    services.set_power(sandbox_id=sandbox.sandbox_id, node="node2", plugged=plugged, actor=sandbox.owner)
    sandbox.refresh_from_db()


def words(sandbox: Sandbox) -> list[str]:
    """What pages are told of the nodes."""
    nodes = selectors.sandbox_news(sandbox)["nodes"]
    assert isinstance(nodes, list)
    return [node["state"] for node in nodes]


def test_an_unplugged_node_has_no_power_and_pages_and_audit_say_so(sandbox: Sandbox, node: FakeNode) -> None:
    set_power(sandbox, plugged=False)
    assert not node.plugged
    assert words(sandbox) == ["ready", "unplugged"]
    set_power(sandbox, plugged=True)
    assert node.plugged
    assert words(sandbox) == ["ready", "ready"]
    told = [(event.kind, event.detail, event.actor) for event in sandbox.events.all()][-2:]
    assert told == [
        ("unplugged", {"node": "node2"}, sandbox.owner),
        ("plugged-in", {"node": "node2"}, sandbox.owner),
    ]


def test_unplugging_twice_and_plugging_in_twice_changes_nothing_more(sandbox: Sandbox, node: FakeNode) -> None:
    for plugged in (True, False, False, True, True):
        set_power(sandbox, plugged=plugged)
        assert node.plugged is plugged
    assert [event.kind for event in sandbox.events.all()][3:] == ["unplugged", "plugged-in"]


def test_the_reaper_does_not_take_an_unplugged_node_for_a_dead_one(sandbox: Sandbox, node: FakeNode) -> None:
    set_power(sandbox, plugged=False)
    tasks.reap()
    sandbox.refresh_from_db()
    assert sandbox.current is State.READY


def test_an_unplugged_sandbox_that_nobody_uses_ends_as_any_other(
    sandbox: Sandbox, node: FakeNode, settings: pytest.FixtureRequest
) -> None:
    set_power(sandbox, plugged=False)
    with clock.moved_by(seconds=settings.SLIPWAY_IDLE_LIMIT + 1):
        tasks.reap()
    sandbox.refresh_from_db()
    assert sandbox.reason == Reason.IDLE


def test_the_lease_of_an_unplugged_node_can_be_extended(sandbox: Sandbox, node: FakeNode) -> None:
    set_power(sandbox, plugged=False)
    before = node.lease_seconds
    services.extend_lease(sandbox_id=sandbox.sandbox_id, actor=sandbox.owner)
    assert node.lease_seconds > before


def test_only_a_node_of_running_machines_has_a_plug(sandbox: Sandbox) -> None:
    with pytest.raises(LearnerError, match="no such machine"):
        services.set_power(sandbox_id=sandbox.sandbox_id, node="node3", plugged=False)
    services.stop_sandbox(sandbox_id=sandbox.sandbox_id, reason=Reason.STOPPED_BY_OWNER)
    with pytest.raises(LearnerError, match="no running machines"):
        set_power(sandbox, plugged=False)


class CutBackend(FakeBackend):
    """An engine whose way to nodes is cut the next few times."""

    cuts = 0

    async def connect(self, *, sandbox: services.SandboxId, node: str) -> NodeConnection:
        """Fails while there are cuts left."""
        if self.cuts:
            self.cuts -= 1
            raise EngineError("node-unreachable", "One of the machines does not answer.")
        return await super().connect(sandbox=sandbox, node=node)


def test_a_node_that_is_not_reached_at_first_is_told_again(learner: User, two_nodes: Topology, use_backend) -> None:
    backend = CutBackend()
    use_backend(backend)
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    worker_loop().run(worker_sessions().forget(sandbox.sandbox_id), timeout=5)
    backend.cuts = 2
    services.set_power(sandbox_id=sandbox.sandbox_id, node="node2", plugged=False)
    assert not backend.nodes(sandbox.sandbox_id)["node2"].plugged


def test_a_change_of_power_that_the_broker_lost_is_made_by_the_reaper(
    sandbox: Sandbox, node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broker:
        broker.setattr(tasks.apply_power, "apply_async", lambda *_, **__: None)
        set_power(sandbox, plugged=False)
    assert node.plugged
    tasks.reap()
    assert not node.plugged
    asked = node.asked["power"]
    tasks.reap()
    assert node.asked["power"] == asked, "a node that has been told is left alone"


def test_the_reaper_tells_a_node_that_no_worker_could_reach(learner: User, two_nodes: Topology, use_backend) -> None:
    backend = CutBackend()
    use_backend(backend)
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    worker_loop().run(worker_sessions().forget(sandbox.sandbox_id), timeout=5)
    backend.cuts = 10**6
    services.set_power(sandbox_id=sandbox.sandbox_id, node="node2", plugged=False)
    assert backend.nodes(sandbox.sandbox_id)["node2"].plugged
    backend.cuts = 0
    tasks.reap()
    assert not backend.nodes(sandbox.sandbox_id)["node2"].plugged


def test_whoever_comes_late_does_what_the_row_says_by_now(sandbox: Sandbox, node: FakeNode) -> None:
    set_power(sandbox, plugged=False)
    Sandbox.objects.filter(pk=sandbox.pk).update(unplugged=[])
    tasks.apply_power(str(sandbox.pk), "node2")
    assert node.plugged
