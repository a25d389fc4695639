"""Putting the parts that nodes and managers told into one snapshot, within its limits. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from slipway.clusters.kube_reading import KubeView
from slipway.clusters.node_reading import Membership, NodePart
from slipway.clusters.problems import ProblemKind, described
from slipway.clusters.snapshot import (
    LIMITS,
    Container,
    KubernetesSeat,
    KubeService,
    LeftOut,
    Network,
    Node,
    Pod,
    Service,
    Snapshot,
    SwarmSeat,
    Task,
    Workload,
)
from slipway.clusters.swarm_reading import SwarmView

E = TypeVar("E", Network, Container, Service, Task, Pod, Workload, KubeService)

_SYSTEM = "kube-system"  # what every cluster has gives way to what the learner made


def assemble(
    parts: Sequence[NodePart],
    views: Iterable[SwarmView],
    problems: Iterable[ProblemKind] = (),
    *,
    cluster: KubeView | None = None,
) -> Snapshot:
    """One snapshot of all nodes, in the order given, of every swarm and of the Kubernetes cluster among them."""
    views, kube = list(views), cluster or KubeView()
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
    members = {part.node for part in parts}
    pods, pods_left = _bounded(
        "pods",
        [pod if pod.node in members else replace(pod, node="") for pod in kube.pods],
        lambda pod: pod.namespace == _SYSTEM or pod.is_over,
    )
    workloads, workloads_left = _bounded("workloads", kube.workloads, lambda each: each.namespace == _SYSTEM)
    kube_services, kube_services_left = _bounded("kube_services", kube.services, lambda each: each.namespace == _SYSTEM)
    if any(view.leaderless for view in views):
        problems = [*problems, ProblemKind.QUORUM_LOST]
    problems = [*problems, *_kubernetes_problems(parts, kube)]
    return Snapshot(
        nodes=tuple(_node(part, views, kube) for part in parts),
        networks=networks,
        containers=containers,
        services=services,
        tasks=tasks,
        pods=pods,
        workloads=workloads,
        kube_services=kube_services,
        problems=described(problems),
        left_out=LeftOut(
            containers=containers_left + sum(part.unread for part in parts),
            networks=networks_left,
            services=services_left,
            tasks=tasks_left,
            pods=pods_left + kube.unread.get("pods", 0),
            workloads=workloads_left + kube.unread.get("workloads", 0),
            kube_services=kube_services_left + kube.unread.get("kube_services", 0),
        ),
    )


def _kubernetes_problems(parts: Iterable[NodePart], kube: KubeView) -> Iterable[ProblemKind]:
    """What is wrong with the cluster as a whole. What a cluster must have can be missed only once it was whole."""
    if kube.silent:
        yield ProblemKind.API_SERVER_SILENT
        return
    whole = [part for part in parts if part.is_kubernetes and part.state == "up" and part.engine == "ready"]
    if not any(part.controls for part in whole):
        return
    if not kube.dns:
        yield ProblemKind.CLUSTER_DNS_DELETED
    if not kube.roles:
        yield ProblemKind.CLUSTER_ROLES_DELETED
    if any(part.node not in kube.nodes for part in whole):
        yield ProblemKind.CLUSTER_NODE_DELETED


def _node(part: NodePart, views: Iterable[SwarmView], kube: KubeView) -> Node:
    return Node(
        id=part.node,
        state=part.state,
        address=part.address,
        engine=part.engine,
        swarm=_seat(part.membership, views) if part.membership else None,
        kubernetes=_kubernetes_seat(part, kube) if part.is_kubernetes else None,
    )


def _kubernetes_seat(part: NodePart, kube: KubeView) -> KubernetesSeat:
    """What the API server says of the node, and what the node says of its own programs."""
    standing = kube.nodes.get(part.node)
    return KubernetesSeat(
        role="control" if part.controls else "worker",
        state="unknown" if standing is None or kube.silent else standing.state,
        schedulable=standing is None or standing.schedulable,
        components=part.components,
    )


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
