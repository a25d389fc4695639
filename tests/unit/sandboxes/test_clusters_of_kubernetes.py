"""Kubernetes clusters in a sandbox's life, on the fake backend."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from slipway.accounts.models import User
from slipway.sandboxes import selectors, services
from slipway.sandboxes.backends.base import ClusterPlace
from slipway.sandboxes.backends.fake import FakeBackend, UnfinishedBackend
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.states import Reason, State
from slipway.sandboxes.tasks import limits_of
from slipway.sandboxes.topology import NodeKind, NodeSpec, Topology

WORKER = NodeSpec(name="worker1", kind=NodeKind.KUBERNETES_WORKER)
CONTROL = NodeSpec(name="control", kind=NodeKind.KUBERNETES_CONTROL)
CLUSTER = Topology(nodes=(WORKER, NodeSpec(name="docker1"), CONTROL))


def started(owner: User) -> Sandbox:
    sandbox = services.start_sandbox(owner=owner, topology=CLUSTER)
    sandbox.refresh_from_db()
    return sandbox


def test_the_members_of_a_cluster_are_told_of_each_other_and_other_nodes_are_not(
    learner: User, backend: FakeBackend
) -> None:
    nodes = backend.nodes(started(learner).sandbox_id)
    control = nodes["control"].cluster
    assert isinstance(control, ClusterPlace)
    assert control.members == ("control", "worker1")
    assert nodes["worker1"].cluster == control
    assert nodes["docker1"].cluster is None


def test_each_sandbox_has_a_secret_of_its_own(learner: User, stranger: User, backend: FakeBackend) -> None:
    places = [backend.nodes(started(owner).sandbox_id)["control"].cluster for owner in (learner, stranger)]
    secrets = {place.secret for place in places if place}
    assert len(secrets) == 2
    assert all(len(secret) >= 32 for secret in secrets)


def test_waiting_for_the_cluster_is_a_phase_of_its_own(learner: User, backend: FakeBackend) -> None:
    sandbox = started(learner)
    assert sandbox.current is State.READY
    assert [phase["name"] for phase in sandbox.phases] == ["queued", "network", "nodes", "engine", "cluster"]


def test_while_the_image_is_being_built_the_lab_says_so_and_leaves_nothing_behind(
    learner: User, use_backend: Callable[[FakeBackend], FakeBackend]
) -> None:
    backend = UnfinishedBackend()
    use_backend(backend)
    sandbox = started(learner)
    assert (sandbox.current, sandbox.reason) == (State.FAILED, Reason.IMAGE_MISSING)
    assert "still being built" in str(selectors.sandbox_news(sandbox)["sentence"])
    assert not backend.survey()
    backend.finished = True
    assert started(learner).current is State.READY


def test_a_control_plane_gets_more_memory_than_a_worker() -> None:
    assert limits_of(CONTROL).memory > limits_of(WORKER).memory


@pytest.mark.parametrize("nodes", [(WORKER,), (CONTROL, CONTROL.model_copy(update={"name": "second"}))])
def test_a_cluster_has_exactly_one_control_plane(nodes: tuple[NodeSpec, ...]) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        Topology(nodes=nodes)
