"""Changes between snapshots: applied to the one they were made from, they give the other, whatever the two are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slipway.clusters.difference import apply, difference
from slipway.clusters.snapshot import (
    COLLECTIONS,
    Container,
    KubeService,
    LeftOut,
    Network,
    Node,
    Pod,
    Problem,
    Service,
    Snapshot,
    SwarmSeat,
    Task,
    Workload,
    entries,
    plain,
)
from slipway.core.json import JSON

IDS = st.sampled_from("abcdef")
WORDS = st.sampled_from(["", "one", "two"])
NUMBERS = st.integers(0, 2)


def collection(kind: type) -> st.SearchStrategy[tuple[object, ...]]:
    """Some entries of one kind, each id once."""
    entry = st.builds(kind, id=IDS)
    return st.lists(entry, max_size=5, unique_by=lambda each: each.id).map(tuple)


for basic, strategy in ((str, WORDS), (int, NUMBERS)):
    st.register_type_strategy(basic, strategy)
st.register_type_strategy(SwarmSeat, st.builds(SwarmSeat))

SNAPSHOTS = st.builds(
    Snapshot,
    nodes=collection(Node),
    networks=collection(Network),
    containers=collection(Container),
    services=collection(Service),
    tasks=collection(Task),
    pods=collection(Pod),
    workloads=collection(Workload),
    kube_services=collection(KubeService),
    problems=st.lists(st.builds(Problem), max_size=2).map(tuple),
    left_out=st.builds(LeftOut),
)


def without_order(snapshot: dict[str, JSON]) -> dict[str, JSON]:
    """A snapshot's JSON with its collections keyed by id, as pages hold them."""
    keyed = {name: {entry["id"]: entry for entry in snapshot[name]} for name in COLLECTIONS}  # type: ignore[union-attr,index,call-overload]
    return {**snapshot, **keyed}


@given(SNAPSHOTS, SNAPSHOTS)
def test_the_changes_between_two_snapshots_lead_from_one_to_the_other(before: Snapshot, after: Snapshot) -> None:
    reached = apply(difference(before, after), before.to_json())
    assert without_order(reached) == without_order(after.to_json())


@given(SNAPSHOTS)
def test_between_a_snapshot_and_itself_nothing_changed(snapshot: Snapshot) -> None:
    assert difference(snapshot, snapshot) == {}


@given(SNAPSHOTS, SNAPSHOTS)
def test_what_did_not_change_is_not_told(before: Snapshot, after: Snapshot) -> None:
    changes = difference(before, after)
    for name in COLLECTIONS:
        if set(entries(before, name)) == set(entries(after, name)):
            assert name not in changes
        else:
            kept = [plain(entry) for entry in entries(before, name)]
            assert all(entry not in kept for entry in changes[name]["put"])  # type: ignore[call-overload,index]
