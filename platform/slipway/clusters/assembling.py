"""Putting the parts that nodes and managers told into one snapshot, within its limits. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from slipway.clusters.node_reading import Membership, NodePart
from slipway.clusters.problems import ProblemKind, described
from slipway.clusters.snapshot import (
    LIMITS,
    Container,
    LeftOut,
    Network,
    Node,
    Service,
    Snapshot,
    SwarmSeat,
    Task,
)
from slipway.clusters.swarm_reading import SwarmView

E = TypeVar("E", Network, Container, Service, Task)


def assemble(parts: Sequence[NodePart], views: Iterable[SwarmView], problems: Iterable[ProblemKind] = ()) -> Snapshot:
    """One snapshot of all nodes, in the order given, and of every swarm among them."""
    views = list(views)
    names = {part.membership.id: part.node for part in parts if part.membership}
    networks, networks_left = _bounded("networks", _merge_networks(parts), lambda network: network.scope != "swarm")
    containers, containers_left = _bounded(
        "containers",
        [container for part in parts for container in part.containers],
        lambda container: container.state != "running",
    )
    services, services_left = _bounded("services", [each for view in views for each in view.services])
    tasks, tasks_left = _bounded(
        "tasks",
        [replace(task, node=names.get(task.node, "")) for view in views for task in view.tasks],
        lambda task: task.is_over,
    )
    if any(view.leaderless for view in views):
        problems = [*problems, ProblemKind.QUORUM_LOST]
    return Snapshot(
        nodes=tuple(_node(part, views) for part in parts),
        networks=networks,
        containers=containers,
        services=services,
        tasks=tasks,
        problems=described(problems),
        left_out=LeftOut(
            containers=containers_left + sum(part.unread for part in parts),
            networks=networks_left,
            services=services_left,
            tasks=tasks_left,
        ),
    )


def _node(part: NodePart, views: Iterable[SwarmView]) -> Node:
    seat = _seat(part.membership, views) if part.membership else None
    return Node(id=part.node, state=part.state, address=part.address, engine=part.engine, swarm=seat)


def _seat(membership: Membership, views: Iterable[SwarmView]) -> SwarmSeat:
    """The leader's view of the node where there is one, else no more than the node knows of itself."""
    for view in views:
        if seat := view.seats.get(membership.id):
            return replace(seat, leader=False, state="unknown", reachable=False) if view.leaderless else seat
    role = "manager" if membership.manages else "worker"
    state = "unknown" if membership.state == "active" else membership.state
    return SwarmSeat(role=role, leader=False, state=state, availability="", reachable=False)


def _merge_networks(parts: Iterable[NodePart]) -> Iterable[Network]:
    """A network that spans nodes is one, however many have it; the first node to tell of it has the word."""
    merged: dict[str, Network] = {}
    for network in (network for part in parts for network in part.networks):
        known = merged.get(network.id)
        merged[network.id] = replace(known, nodes=known.nodes + network.nodes) if known else network
    return merged.values()


def _bounded(
    collection: str, found: Iterable[E], last: Callable[[E], bool] = lambda _: False
) -> tuple[tuple[E, ...], int]:
    """At most as many as the limit, of each id the first, in the order of ids; those that are `last` give way."""
    unique: dict[str, E] = {}
    for each in found:
        unique.setdefault(each.id, each)
    kept = sorted(unique.values(), key=last)[: LIMITS[collection]]
    return tuple(sorted(kept, key=lambda each: each.id)), len(unique) - len(kept)
