"""A sandbox from request to end, on the fake backend."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slipway.accounts.models import User
from slipway.core import clock, locks
from slipway.core.errors import LearnerError
from slipway.sandboxes import selectors, services, tasks
from slipway.sandboxes.backends.fake import (
    BrokenBackend,
    FakeBackend,
    NeverReadyBackend,
    OutOfMemoryBackend,
    VanishingBackend,
)
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.states import IllegalTransition, Reason, State
from slipway.sandboxes.topology import NodeSpec, Topology

Install = Callable[[FakeBackend], FakeBackend]


def test_a_requested_sandbox_becomes_ready_with_all_its_nodes(
    learner: User, two_nodes: Topology, backend: FakeBackend
) -> None:
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    sandbox.refresh_from_db()
    assert sandbox.current is State.READY
    assert set(backend.nodes(sandbox.sandbox_id)) == {"node1", "node2"}
    assert [phase["name"] for phase in sandbox.phases] == ["queued", "network", "nodes", "engine"]
    assert sandbox.expires_at is not None


def test_a_stopped_sandbox_leaves_nothing_on_the_engine_and_says_why(
    learner: User, two_nodes: Topology, backend: FakeBackend
) -> None:
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    services.stop_sandbox(sandbox_id=sandbox.sandbox_id, reason=Reason.STOPPED_BY_OWNER, actor=learner)
    sandbox.refresh_from_db()
    assert (sandbox.current, sandbox.reason) == (State.GONE, Reason.STOPPED_BY_OWNER)
    assert not backend.survey()
    assert selectors.sandbox_news(sandbox)["sentence"] == "You ended these machines."
    assert [event.kind for event in sandbox.events.all()] == ["requested", "starting", "ready", "stopping", "gone"]


def test_stopping_twice_changes_nothing_more(learner: User, two_nodes: Topology, backend: FakeBackend) -> None:
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    services.stop_sandbox(sandbox_id=sandbox.sandbox_id, reason=Reason.EXPIRED)
    services.stop_sandbox(sandbox_id=sandbox.sandbox_id, reason=Reason.STOPPED_BY_OWNER)
    sandbox.refresh_from_db()
    assert sandbox.reason == Reason.EXPIRED


def test_without_room_a_sandbox_gets_a_place_in_the_queue_and_starts_when_room_comes(
    learner: User, stranger: User, two_nodes: Topology, backend: FakeBackend, settings: pytest.FixtureRequest
) -> None:
    settings.SLIPWAY_CAPACITY_NODES = 3
    first = services.start_sandbox(owner=learner, topology=two_nodes)
    second = services.start_sandbox(owner=stranger, topology=two_nodes)
    third = services.start_sandbox(owner=learner, topology=two_nodes)
    second.refresh_from_db()
    third.refresh_from_db()
    assert second.current is State.REQUESTED
    assert (selectors.place_in_queue(second), selectors.place_in_queue(third)) == (1, 2)
    services.stop_sandbox(sandbox_id=first.sandbox_id, reason=Reason.STOPPED_BY_OWNER)
    second.refresh_from_db()
    third.refresh_from_db()
    assert second.current is State.READY
    assert selectors.place_in_queue(third) == 1


def test_a_large_sandbox_is_not_overtaken_by_a_small_one_behind_it(
    learner: User, stranger: User, backend: FakeBackend, settings: pytest.FixtureRequest
) -> None:
    settings.SLIPWAY_CAPACITY_NODES = 3
    two = Topology(nodes=(NodeSpec(name="a"), NodeSpec(name="b")))
    one = Topology(nodes=(NodeSpec(name="a"),))
    services.start_sandbox(owner=learner, topology=two)
    services.start_sandbox(owner=learner, topology=two)
    small = services.start_sandbox(owner=stranger, topology=one)
    small.refresh_from_db()
    assert small.current is State.REQUESTED


def test_a_waiting_sandbox_that_is_given_up_is_over_at_once(
    learner: User, two_nodes: Topology, backend: FakeBackend, settings: pytest.FixtureRequest
) -> None:
    settings.SLIPWAY_CAPACITY_NODES = 2
    services.start_sandbox(owner=learner, topology=two_nodes)
    waiting = services.start_sandbox(owner=learner, topology=two_nodes)
    services.stop_sandbox(sandbox_id=waiting.sandbox_id, reason=Reason.STOPPED_BY_OWNER)
    waiting.refresh_from_db()
    assert waiting.current is State.GONE


def test_a_person_may_run_only_so_many_labs(learner: User, two_nodes: Topology, backend: FakeBackend) -> None:
    for _ in range(2):
        services.start_sandbox(owner=learner, topology=two_nodes)
    with pytest.raises(LearnerError, match="as many running labs as you may"):
        services.start_sandbox(owner=learner, topology=two_nodes)


def test_a_lab_larger_than_the_installation_is_refused_with_a_sentence(
    learner: User, two_nodes: Topology, backend: FakeBackend, settings: pytest.FixtureRequest
) -> None:
    settings.SLIPWAY_CAPACITY_NODES = 1
    with pytest.raises(LearnerError, match="too small"):
        services.start_sandbox(owner=learner, topology=two_nodes)


def test_a_sandbox_whose_lease_is_over_ends_as_expired(
    learner: User, two_nodes: Topology, backend: FakeBackend, settings: pytest.FixtureRequest
) -> None:
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    with clock.moved_by(seconds=settings.SLIPWAY_LEASE - 1):
        services.touch_sandbox(sandbox_id=sandbox.sandbox_id)
        tasks.reap()
        sandbox.refresh_from_db()
        assert sandbox.current is State.READY
    with clock.moved_by(seconds=settings.SLIPWAY_LEASE + 1):
        tasks.reap()
    sandbox.refresh_from_db()
    assert (sandbox.current, sandbox.reason) == (State.GONE, Reason.EXPIRED)


def test_an_extended_lease_reaches_the_nodes_and_stops_at_the_limit(
    learner: User, two_nodes: Topology, backend: FakeBackend, settings: pytest.FixtureRequest
) -> None:
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    before = backend.nodes(sandbox.sandbox_id)["node1"].lease_seconds
    services.extend_lease(sandbox_id=sandbox.sandbox_id, actor=learner)
    assert backend.nodes(sandbox.sandbox_id)["node1"].lease_seconds > before
    to_the_limit = (settings.SLIPWAY_LEASE_MAX - settings.SLIPWAY_LEASE) // settings.SLIPWAY_LEASE_EXTENSION
    for _ in range(to_the_limit - 1):
        services.extend_lease(sandbox_id=sandbox.sandbox_id, actor=learner)
    with pytest.raises(LearnerError, match="all the time a lab may have"):
        services.extend_lease(sandbox_id=sandbox.sandbox_id, actor=learner)
    sandbox.refresh_from_db()
    assert (sandbox.expires_at - sandbox.ready_at).total_seconds() == settings.SLIPWAY_LEASE_MAX


def test_a_sandbox_that_nobody_uses_ends_as_idle(
    learner: User, two_nodes: Topology, backend: FakeBackend, settings: pytest.FixtureRequest
) -> None:
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    with clock.moved_by(seconds=settings.SLIPWAY_IDLE_LIMIT + 1):
        tasks.reap()
    sandbox.refresh_from_db()
    assert sandbox.reason == Reason.IDLE


def test_a_sandbox_that_the_engine_lost_ends_with_that_reason(
    learner: User, two_nodes: Topology, use_backend: Install
) -> None:
    backend = VanishingBackend()
    use_backend(backend)
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    backend.lose(sandbox.sandbox_id)
    tasks.reap()
    sandbox.refresh_from_db()
    assert (sandbox.current, sandbox.reason) == (State.GONE, Reason.ENGINE_LOST)


def test_a_node_killed_for_want_of_memory_ends_the_sandbox_with_that_reason(
    learner: User, two_nodes: Topology, use_backend: Install
) -> None:
    backend = OutOfMemoryBackend()
    use_backend(backend)
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    backend.exhaust(sandbox.sandbox_id, "node2")
    tasks.reap()
    sandbox.refresh_from_db()
    assert sandbox.reason == Reason.OUT_OF_MEMORY


def test_a_node_switched_off_from_inside_ends_the_sandbox_with_that_reason(
    learner: User, two_nodes: Topology, backend: FakeBackend
) -> None:
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    backend.nodes(sandbox.sandbox_id)["node1"].end(0)
    tasks.reap()
    sandbox.refresh_from_db()
    assert sandbox.reason == Reason.NODE_ENDED


def test_an_engine_that_is_away_ends_no_running_sandbox(
    learner: User, two_nodes: Topology, use_backend: Install
) -> None:
    backend = BrokenBackend()
    use_backend(backend)
    backend.broken = False
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    backend.broken = True
    tasks.reap()
    sandbox.refresh_from_db()
    assert sandbox.current is State.READY


def test_a_start_that_keeps_failing_fails_cleanly_after_three_tries(
    learner: User, two_nodes: Topology, use_backend: Install
) -> None:
    backend = NeverReadyBackend()
    use_backend(backend)
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    sandbox.refresh_from_db()
    assert sandbox.current is State.STARTING
    tasks.reap()
    tasks.reap()
    sandbox.refresh_from_db()
    assert (sandbox.current, sandbox.reason) == (State.FAILED, Reason.START_FAILED)
    assert not backend.survey()


def test_a_start_that_an_engine_interrupted_is_finished_when_it_is_back(
    learner: User, two_nodes: Topology, use_backend: Install
) -> None:
    backend = BrokenBackend()
    use_backend(backend)
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    backend.broken = False
    tasks.reap()
    sandbox.refresh_from_db()
    assert sandbox.current is State.READY


def test_a_start_that_takes_too_long_fails_with_that_reason(
    learner: User, two_nodes: Topology, use_backend: Install, settings: pytest.FixtureRequest
) -> None:
    backend = NeverReadyBackend()
    use_backend(backend)
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    with clock.moved_by(seconds=settings.SLIPWAY_START_LIMIT + 1):
        tasks.reap()
    sandbox.refresh_from_db()
    assert sandbox.reason == Reason.START_TOO_SLOW
    assert not backend.survey()


def test_an_orphan_on_the_engine_is_removed_and_the_living_are_left_alone(
    learner: User, two_nodes: Topology, backend: FakeBackend
) -> None:
    kept = services.start_sandbox(owner=learner, topology=two_nodes)
    lost = services.start_sandbox(owner=learner, topology=two_nodes)
    Sandbox.objects.filter(pk=lost.pk).delete()
    tasks.reap()
    assert set(backend.survey()) == {kept.sandbox_id}


def test_work_that_somebody_is_busy_with_is_not_begun_twice(
    learner: User, two_nodes: Topology, use_backend: Install
) -> None:
    backend = BrokenBackend()
    use_backend(backend)
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    backend.broken = False
    with locks.held(f"sandbox:{sandbox.pk}") as mine:
        assert mine
        tasks.reap()
        sandbox.refresh_from_db()
        assert sandbox.current is State.STARTING


def test_a_lock_is_held_by_one_and_free_again_after_it(transactional_db: None) -> None:
    with locks.held("door") as mine, locks.held("door") as also_mine:
        assert mine
        assert not also_mine
    with locks.held("door") as mine:
        assert mine


def test_no_state_may_be_skipped(learner: User, two_nodes: Topology, backend: FakeBackend) -> None:
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    sandbox.refresh_from_db()
    with pytest.raises(IllegalTransition):
        services._move(sandbox, State.GONE)


def test_a_sandbox_of_somebody_else_cannot_be_told_from_none(
    learner: User, stranger: User, two_nodes: Topology, backend: FakeBackend
) -> None:
    sandbox = services.start_sandbox(owner=learner, topology=two_nodes)
    with pytest.raises(LearnerError) as refused:
        selectors.get_sandbox(sandbox_id=sandbox.pk, owner=stranger)
    assert refused.value.error_id == "no-such-sandbox"
