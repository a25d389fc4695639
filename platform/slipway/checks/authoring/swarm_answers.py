"""What a manager says of its swarm, as values with types: members, services, tasks, stacks.

Like all answers they come through a learner's node, so every field is read by `Answer`, which trusts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from slipway.checks.authoring.answers import Answer

STACK = "com.docker.stack.namespace"
"""The label by which `docker stack` knows what belongs to a stack."""
_OVER = frozenset({"shutdown", "remove"})


@dataclass(frozen=True, slots=True)
class Swarm:
    """A node's own view of its swarm; `state` is inactive, pending, active, error or locked."""

    state: str
    manager: bool
    node_id: str
    cluster_id: str
    """The same on two nodes exactly when they are in the same swarm; known to managers only."""
    managers: tuple[str, ...]
    """Addresses of the managers that this node knows, sorted."""

    @property
    def active(self) -> bool:
        """Whether the node is in a swarm and takes part in it."""
        return self.state == "active"

    @classmethod
    def read(cls, answer: Answer) -> Swarm:
        """From GET /info."""
        return cls(
            state=answer.text("Swarm", "LocalNodeState", default="inactive"),
            manager=answer.flag("Swarm", "ControlAvailable", default=False),
            node_id=answer.text("Swarm", "NodeID", default=""),
            cluster_id=answer.text("Swarm", "Cluster", "ID", default=""),
            managers=tuple(sorted(item.text("Addr", default="") for item in answer.each("Swarm", "RemoteManagers"))),
        )


@dataclass(frozen=True, slots=True)
class SwarmNode:
    """A member of a swarm, as a manager sees it; `name` is its host name."""

    id: str
    name: str
    role: str
    """manager or worker."""
    availability: str
    """active, pause or drain."""
    state: str
    """ready, down, disconnected or unknown."""
    leader: bool
    reachability: str
    """Of a manager: reachable, unreachable or unknown; empty for a worker."""
    address: str
    labels: Mapping[str, str]

    @property
    def takes_tasks(self) -> bool:
        """Whether new tasks may be put on it now."""
        return self.state == "ready" and self.availability == "active"

    @classmethod
    def read(cls, answer: Answer) -> SwarmNode:
        """From an entry of GET /nodes."""
        return cls(
            id=answer.text("ID"),
            name=answer.text("Description", "Hostname", default=""),
            role=answer.text("Spec", "Role", default=""),
            availability=answer.text("Spec", "Availability", default=""),
            state=answer.text("Status", "State", default=""),
            leader=answer.flag("ManagerStatus", "Leader", default=False),
            reachability=answer.text("ManagerStatus", "Reachability", default=""),
            address=answer.text("Status", "Addr", default=""),
            labels=answer.labels("Spec", "Labels"),
        )


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a service: `public` on the nodes leads to `private` in its tasks."""

    private: int
    public: int
    protocol: str
    mode: str
    """ingress: on every node of the swarm; host: only where a task runs."""


@dataclass(frozen=True, slots=True)
class Service:
    """A swarm service: how many tasks it should have and how many run now. On a node that is lost they count with
    the last that was heard of them, so more may run than should.
    """

    id: str
    name: str
    image: str
    mode: str
    """replicated, global, replicated-job or global-job."""
    desired: int
    running: int
    ports: tuple[ServicePort, ...]
    network_ids: tuple[str, ...]
    constraints: tuple[str, ...]
    """Where its tasks may run: "node.role == worker"."""
    update_state: str
    """Of the latest update: updating, completed, paused, rollback_started and so on; empty when there was none."""
    update_message: str
    labels: Mapping[str, str]

    @property
    def converged(self) -> bool:
        """Whether as many tasks run as should, at least one, and no update is under way or stuck."""
        return 0 < self.desired == self.running and self.update_state in {"", "completed", "rollback_completed"}

    @property
    def stack(self) -> str:
        """The name of the stack that it belongs to; empty for a service of its own."""
        return self.labels.get(STACK, "")

    @property
    def short_name(self) -> str:
        """What it is called in its stack's Compose file: web for shop_web."""
        return self.name.removeprefix(f"{self.stack}_") if self.stack else self.name

    @classmethod
    def read(cls, answer: Answer) -> Service:
        """From an entry of GET /services?status=true."""
        mode = next((key for key, _ in answer.entries("Spec", "Mode")), "")
        networks = answer.at("Spec", "TaskTemplate", "Networks")
        where = ("Spec", "TaskTemplate", "Networks") if networks else ("Spec", "Networks")
        return cls(
            id=answer.text("ID"),
            name=answer.text("Spec", "Name"),
            # Docker pins a service's image to a digest; the name before it is what the learner wrote.
            image=answer.text("Spec", "TaskTemplate", "ContainerSpec", "Image", default="").partition("@")[0],
            mode={"ReplicatedJob": "replicated-job", "GlobalJob": "global-job"}.get(mode, mode.lower()),
            desired=answer.integer("ServiceStatus", "DesiredTasks", default=0),
            running=answer.integer("ServiceStatus", "RunningTasks", default=0),
            ports=tuple(
                ServicePort(
                    item.integer("TargetPort", default=0),
                    item.integer("PublishedPort", default=0),
                    item.text("Protocol", default="tcp"),
                    item.text("PublishMode", default="ingress"),
                )
                for item in answer.each("Endpoint", "Ports")
            ),
            network_ids=tuple(item.text("Target") for item in answer.each(*where)),
            constraints=answer.texts("Spec", "TaskTemplate", "Placement", "Constraints"),
            update_state=answer.text("UpdateStatus", "State", default=""),
            update_message=answer.text("UpdateStatus", "Message", default="")[:500],
            labels=answer.labels("Spec", "Labels"),
        )


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a service: where it should run, and how far it is."""

    id: str
    service_id: str
    node_id: str
    node: str
    """The host name of its node; empty before it has one, or when the node has left the swarm."""
    slot: int
    """Which of the service's copies it is, from 1; 0 in a global service."""
    image: str
    state: str
    """new, pending, assigned, preparing, starting, running, complete, shutdown, failed, rejected, orphaned."""
    desired_state: str
    container_id: str
    error: str
    created: datetime | None
    since: datetime | None
    """When it came into its present state."""

    @property
    def current(self) -> bool:
        """Whether it counts: the swarm has not given it up or replaced it."""
        return self.desired_state not in _OVER

    @property
    def running(self) -> bool:
        """Whether it runs and should."""
        return self.state == "running" and self.desired_state == "running"

    @classmethod
    def read(cls, answer: Answer, nodes: Mapping[str, str]) -> Task:
        """From an entry of GET /tasks; `nodes` has the names of the members by id."""
        node_id = answer.text("NodeID", default="")
        return cls(
            id=answer.text("ID"),
            service_id=answer.text("ServiceID", default=""),
            node_id=node_id,
            node=nodes.get(node_id, ""),
            slot=answer.integer("Slot", default=0),
            image=answer.text("Spec", "ContainerSpec", "Image", default="").partition("@")[0],
            state=answer.text("Status", "State", default=""),
            desired_state=answer.text("DesiredState", default=""),
            container_id=answer.text("Status", "ContainerStatus", "ContainerID", default=""),
            error=answer.text("Status", "Err", default="")[:500],
            created=answer.moment("CreatedAt"),
            since=answer.moment("Status", "Timestamp"),
        )


@dataclass(frozen=True, slots=True)
class Stack:
    """Services that were deployed together from one file."""

    name: str
    services: tuple[Service, ...]

    @property
    def converged(self) -> bool:
        """Whether all of its services are."""
        return all(service.converged for service in self.services)

    def service(self, name: str) -> Service | None:
        """The service that the Compose file calls so."""
        return next((service for service in self.services if service.short_name == name), None)
