"""The snapshot of a sandbox as typed values: `docs/cluster-snapshot.md` in Python. Knows no engine and no Redis.

Whoever makes one has cut every text and bounded every number already (`untrusted`); `LIMITS` bounds the lists. Entries
of a collection are in the order of their ids, nodes in that of the topology.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass

from slipway.core.json import JSON

VERSION = 1
LIMITS = {
    "containers": 100,
    "networks": 60,
    "services": 60,
    "tasks": 200,
    "pods": 120,
    "workloads": 80,
    "kube_services": 40,
}
COLLECTIONS = ("nodes", *LIMITS)

_OVER = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})


@dataclass(frozen=True, slots=True)
class SwarmSeat:
    """What a node is in its swarm."""

    role: str
    leader: bool
    state: str
    availability: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class Component:
    """A program that a Kubernetes node runs for its cluster."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class KubernetesSeat:
    """What a node is in its Kubernetes cluster."""

    role: str
    state: str
    schedulable: bool
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A machine."""

    id: str
    state: str
    address: str
    engine: str
    swarm: SwarmSeat | None
    kubernetes: KubernetesSeat | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """A Docker network, and which nodes have it."""

    id: str
    name: str
    driver: str
    scope: str
    nodes: tuple[str, ...]
    subnet: str
    internal: bool
    attachable: bool
    ingress: bool


@dataclass(frozen=True, slots=True)
class Attachment:
    """A container on a network."""

    network: str
    address: str


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a container publishes."""

    address: str
    published: int
    target: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Container:
    """A container on a node; `service` and `task` are "" for one that no swarm made."""

    id: str
    node: str
    name: str
    image: str
    state: str
    health: str
    exit_code: int | None
    networks: tuple[Attachment, ...]
    ports: tuple[Port, ...]
    service: str
    task: str


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port that a service publishes."""

    published: int
    target: int
    protocol: str
    mode: str


@dataclass(frozen=True, slots=True)
class Service:
    """A swarm service."""

    id: str
    name: str
    image: str
    mode: str
    desired: int
    running: int
    stack: str
    networks: tuple[str, ...]
    ports: tuple[ServicePort, ...]
    update: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a service; `node` and `container` are "" while it has none."""

    id: str
    service: str
    slot: int
    node: str
    container: str
    state: str
    desired: str
    error: str

    @property
    def is_over(self) -> bool:
        """Whether it has ended, however."""
        return self.state in _OVER

    @property
    def is_settled(self) -> bool:
        """Whether it is where its swarm wants it, or will never be."""
        return self.is_over or self.state == self.desired


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod; `node` is "" while it waits for one, `workload` the id of what made it, "" when a person did."""

    id: str
    name: str
    namespace: str
    node: str
    workload: str
    state: str
    ready: bool
    restarts: int
    address: str
    images: tuple[str, ...]
    reason: str

    @property
    def is_over(self) -> bool:
        """Whether it has ended for good."""
        return self.state in {"Completed", "Failed", "Evicted", "Error"}


@dataclass(frozen=True, slots=True)
class Workload:
    """What makes pods; `owner` is the id of the workload that made it, "" when a person did."""

    id: str
    kind: str
    name: str
    namespace: str
    owner: str
    desired: int
    ready: int
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KubePort:
    """A port of a Kubernetes service; `node_port` is 0 where nodes do not publish it."""

    port: int
    target: str
    protocol: str
    node_port: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod that a service leads to, once it is ready."""

    pod: str
    ready: bool


@dataclass(frozen=True, slots=True)
class KubeService:
    """A Kubernetes service and the pods behind it."""

    id: str
    name: str
    namespace: str
    type: str
    address: str
    ports: tuple[KubePort, ...]
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A state of the sandbox that needs words; `new_machines` says that these are offered as the way out of it."""

    id: str
    sentence: str
    new_machines: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many entries of each collection there are beyond those in the snapshot."""

    containers: int = 0
    networks: int = 0
    services: int = 0
    tasks: int = 0
    pods: int = 0
    workloads: int = 0
    kube_services: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a sandbox holds, at one moment."""

    nodes: tuple[Node, ...] = ()
    networks: tuple[Network, ...] = ()
    containers: tuple[Container, ...] = ()
    services: tuple[Service, ...] = ()
    tasks: tuple[Task, ...] = ()
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    kube_services: tuple[KubeService, ...] = ()
    problems: tuple[Problem, ...] = ()
    left_out: LeftOut = field(default_factory=LeftOut)

    def to_json(self) -> dict[str, JSON]:
        """As pages get it."""
        return {"version": VERSION, **{each: plain(getattr(self, each)) for each in _names(Snapshot)}}


Entry = Node | Network | Container | Service | Task | Pod | Workload | KubeService


def entries(snapshot: Snapshot, collection: str) -> Sequence[Entry]:
    """The entries of one of `COLLECTIONS`."""
    found: Sequence[Entry] = getattr(snapshot, collection)
    return found


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def plain(value: object) -> JSON:
    """A value of a snapshot as JSON has it."""
    if isinstance(value, str | int | float | bool | None):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, Iterable):
        return [plain(each) for each in value]
    raise TypeError(f"{type(value).__name__} is no part of a snapshot")
