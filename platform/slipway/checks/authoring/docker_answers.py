"""What a node's Docker says, as values with types. Fields are the ones that checks ask for; `docker.inspect`
has the rest.

Docker's answers reach us through the learner's node, so every field is read by `Answer`, which trusts
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.checks.authoring.answers import Answer


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: `public` is 0 when the container's port is not published. `address` is "" for a
    service.
    """

    private: int
    public: int
    protocol: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """A container. `networks` are the names of the networks it is on, with its address in each."""

    id: str
    name: str
    image: str
    command: str
    state: str
    """created, running, paused, restarting, exited or dead."""
    status: str
    """Docker's own words: "Up 3 minutes"."""
    ports: tuple[Port, ...]
    networks: Mapping[str, str]
    labels: Mapping[str, str]

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self.state == "running"

    @property
    def service(self) -> str:
        """The name of the swarm service that it is a task of; empty for an ordinary container."""
        return self.labels.get("com.docker.swarm.service.name", "")

    @classmethod
    def read(cls, answer: Answer) -> Container:
        """From an entry of GET /containers/json."""
        names = answer.texts("Names")
        return cls(
            id=answer.text("Id"),
            name=names[0].removeprefix("/") if names else "",
            image=answer.text("Image", default=""),
            command=answer.text("Command", default=""),
            state=answer.text("State", default=""),
            status=answer.text("Status", default=""),
            ports=tuple(
                Port(
                    item.integer("PrivatePort", default=0),
                    item.integer("PublicPort", default=0),
                    item.text("Type", default="tcp"),
                    item.text("IP", default=""),
                )
                for item in answer.each("Ports")
            ),
            networks={
                name: item.text("IPAddress", default="") for name, item in answer.entries("NetworkSettings", "Networks")
            },
            labels=answer.labels("Labels"),
        )


@dataclass(frozen=True, slots=True)
class Attachment:
    """A container on a network: its name there and its address with prefix length."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Network:
    """A Docker network. `containers` is filled by `docker.network(name)` and empty in the list of
    `docker.networks()`.
    """

    id: str
    name: str
    driver: str
    scope: str
    """local, or swarm for a network that spans nodes."""
    internal: bool
    attachable: bool
    ingress: bool
    subnets: tuple[str, ...]
    containers: tuple[Attachment, ...]
    labels: Mapping[str, str]

    @classmethod
    def read(cls, answer: Answer) -> Network:
        """From an entry of GET /networks or the answer of GET /networks/{id}."""
        return cls(
            id=answer.text("Id"),
            name=answer.text("Name"),
            driver=answer.text("Driver", default=""),
            scope=answer.text("Scope", default=""),
            internal=answer.flag("Internal", default=False),
            attachable=answer.flag("Attachable", default=False),
            ingress=answer.flag("Ingress", default=False),
            subnets=tuple(item.text("Subnet", default="") for item in answer.each("IPAM", "Config")),
            containers=tuple(
                Attachment(item.text("Name", default=""), item.text("IPv4Address", default=""))
                for _, item in answer.entries("Containers")
            ),
            labels=answer.labels("Labels"),
        )


@dataclass(frozen=True, slots=True)
class Service:
    """A swarm service: how many tasks it should have and how many of them run now."""

    id: str
    name: str
    image: str
    mode: str
    """replicated, global, replicated-job or global-job."""
    desired: int
    running: int
    ports: tuple[Port, ...]
    network_ids: tuple[str, ...]
    labels: Mapping[str, str]

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
                Port(
                    item.integer("TargetPort", default=0),
                    item.integer("PublishedPort", default=0),
                    item.text("Protocol", default="tcp"),
                )
                for item in answer.each("Endpoint", "Ports")
            ),
            network_ids=tuple(item.text("Target") for item in answer.each(*where)),
            labels=answer.labels("Spec", "Labels"),
        )


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a service: where it should run, and how far it is."""

    id: str
    service_id: str
    node_id: str
    slot: int
    state: str
    """new, pending, assigned, preparing, starting, running, complete, shutdown, failed, rejected, …"""
    desired_state: str
    container_id: str
    error: str

    @property
    def running(self) -> bool:
        """Whether it runs and should."""
        return self.state == "running" and self.desired_state == "running"

    @classmethod
    def read(cls, answer: Answer) -> Task:
        """From an entry of GET /tasks."""
        return cls(
            id=answer.text("ID"),
            service_id=answer.text("ServiceID", default=""),
            node_id=answer.text("NodeID", default=""),
            slot=answer.integer("Slot", default=0),
            state=answer.text("Status", "State", default=""),
            desired_state=answer.text("DesiredState", default=""),
            container_id=answer.text("Status", "ContainerStatus", "ContainerID", default=""),
            error=answer.text("Status", "Err", default=""),
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
    address: str
    labels: Mapping[str, str]

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
            address=answer.text("Status", "Addr", default=""),
            labels=answer.labels("Spec", "Labels"),
        )


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


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What `docker info` shows."""

    name: str
    version: str
    containers: int
    running: int
    images: int
    swarm: Swarm

    @classmethod
    def read(cls, answer: Answer) -> EngineInfo:
        """From GET /info."""
        return cls(
            name=answer.text("Name", default=""),
            version=answer.text("ServerVersion", default=""),
            containers=answer.integer("Containers", default=0),
            running=answer.integer("ContainersRunning", default=0),
            images=answer.integer("Images", default=0),
            swarm=Swarm(
                state=answer.text("Swarm", "LocalNodeState", default="inactive"),
                manager=answer.flag("Swarm", "ControlAvailable", default=False),
                node_id=answer.text("Swarm", "NodeID", default=""),
                cluster_id=answer.text("Swarm", "Cluster", "ID", default=""),
                managers=tuple(
                    sorted(item.text("Addr", default="") for item in answer.each("Swarm", "RemoteManagers"))
                ),
            ),
        )
