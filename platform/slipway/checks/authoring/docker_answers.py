"""What a node's Docker says, as values with types. Fields are the ones that checks ask for; `docker.inspect`
has the rest.

Docker's answers reach us through the learner's node, so every field is read by `Answer`, which trusts
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.checks.authoring.answers import Answer
from slipway.checks.authoring.swarm_answers import STACK, Swarm


@dataclass(frozen=True, slots=True)
class Port:
    """A published port of a container: `public` is 0 when it is not published."""

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
    peers: tuple[str, ...]
    """Addresses of the nodes that an overlay spans at the moment; filled by `docker.network(name)`."""
    labels: Mapping[str, str]

    @property
    def stack(self) -> str:
        """The name of the stack that it belongs to; empty for a network of its own."""
        return self.labels.get(STACK, "")

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
            peers=tuple(item.text("IP", default="") for item in answer.each("Peers")),
            labels=answer.labels("Labels"),
        )


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
            swarm=Swarm.read(answer),
        )
