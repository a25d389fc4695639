"""From what one node answers to its part of the snapshot. Pure, and strict: what is not of the shape Docker gives is
left out, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from slipway.clusters.snapshot import Attachment, Component, Container, Network, Port
from slipway.clusters.untrusted import flag, identity, items, mac, number, port, text, within, word
from slipway.core.json import JSON, as_mapping, as_text

CONTAINERS_READ = 250
_NETWORKS_READ = 200
_LINKS_READ = 500
_NETWORKS_A_CONTAINER = 12
_PORTS_A_CONTAINER = 16
_SERVICES_READ = 16

_EXITED = re.compile(r"(?:Exited|Dead) \((\d{1,3})\)")
_HEALTH = re.compile(r"\((?:health: )?(healthy|unhealthy|starting)\)$")
# What a node runs for its Kubernetes cluster, in the order in which one needs the other.
_COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "containerd",
    "kubelet",
    "kube-proxy",
)
_CONTROL = "kube-apiserver"
_MEMBER = "kubelet"
_LEADERLESS = "does not have a leader"  # Docker's own words for a lost quorum


@dataclass(frozen=True, slots=True)
class NodeAnswers:
    """What a node's agent and engine answered; None for what was not answered."""

    status: JSON = None
    links: JSON = None
    info: JSON = None
    networks: JSON = None
    containers: JSON = None


@dataclass(frozen=True, slots=True)
class Membership:
    """What a node says of its own place in a swarm; `cluster` is "" where it cannot say which."""

    id: str
    cluster: str
    manages: bool
    state: str
    leaderless: bool


@dataclass(frozen=True, slots=True)
class NodePart:
    """What one node holds. `cards` tells from a container and an Ethernet address which network that card is on."""

    node: str
    state: str = "unknown"
    engine: str = "down"
    address: str = ""
    membership: Membership | None = None
    networks: tuple[Network, ...] = ()
    containers: tuple[Container, ...] = ()
    unread: int = 0  # containers beyond those read
    cards: Mapping[tuple[str, str], str] = field(default_factory=dict)
    components: tuple[Component, ...] = ()  # of Kubernetes; none on other nodes

    @property
    def is_kubernetes(self) -> bool:
        """Whether it is a node of a Kubernetes cluster."""
        return any(component.name == _MEMBER for component in self.components)

    @property
    def controls(self) -> bool:
        """Whether the control plane of a Kubernetes cluster is here."""
        return any(component.name == _CONTROL for component in self.components)


def read_node(node: str, answers: NodeAnswers, before: NodePart | None) -> NodePart:
    """The part of a node that answered. What it did not answer this time is as it was before."""
    old = before or NodePart(node)
    networks = old.networks if answers.networks is None else _read_networks(node, answers.networks)
    containers, cards, unread = old.containers, old.cards, old.unread
    if answers.containers is not None:
        containers, cards = _read_containers(node, answers.containers, networks)
        unread = max(0, number(within(answers.info, "Containers")) - len(containers))
    unplugged = within(answers.status, "plugged") is False
    if unplugged:
        containers = tuple(_without_power(container) for container in containers)
    return NodePart(
        node=node,
        state="unplugged" if unplugged else "up",
        engine=_read_engine(answers.status),
        address=old.address if answers.links is None else _read_address(answers.links),
        membership=old.membership if answers.info is None else _read_membership(answers.info, old.membership),
        networks=networks,
        containers=containers,
        unread=unread,
        cards=cards,
        components=old.components if answers.status is None else _read_components(answers.status),
    )


def runs_kubernetes(status: JSON) -> bool:
    """Whether a node says that it runs a kubelet, which such nodes do in the place of Docker's engine."""
    return any(component.name == _MEMBER for component in _read_components(status))


def _read_components(status: JSON) -> tuple[Component, ...]:
    """The programs of Kubernetes among the node's services; none where no kubelet is among them."""
    found = {
        as_text(service.get("name"), limit=40): _state(service.get("state"))
        for service in items(within(status, "services"), limit=_SERVICES_READ)
    }
    names = [name for name in _COMPONENTS if name in found]
    return tuple(Component(name, found[name]) for name in names) if _MEMBER in names else ()


def _without_power(container: Container) -> Container:
    """A container whose machine has lost its power: its engine cannot say so, but it runs no more."""
    return container if container.state in {"created", "dead"} else replace(container, state="exited", health="")


def says_leaderless(message: JSON) -> bool:
    """Whether an engine's error says that its swarm has no leader."""
    return _LEADERLESS in as_text(message)


def _read_engine(status: JSON) -> str:
    """The state of the node's Docker, or of its Kubernetes where that is what it runs."""
    found = {
        as_text(service.get("name"), limit=40): service.get("state")
        for service in items(within(status, "services"), limit=_SERVICES_READ)
    }
    return _state(found.get("dockerd", found.get("kubernetes")))


def _state(value: JSON) -> str:
    return value if isinstance(value, str) and value in {"ready", "starting"} else "down"


def _read_address(links: JSON) -> str:
    """The node's address among the other nodes: that of its card, eth0."""
    for link in items(within(links, "links"), limit=_LINKS_READ):
        addresses = link.get("addresses")
        if link.get("name") == "eth0" and isinstance(addresses, list):
            found = (text(each, limit=45).partition("/")[0] for each in addresses[:8])
            return next((address for address in found if ":" not in address), "")
    return ""


def _read_membership(info: JSON, before: Membership | None) -> Membership | None:
    swarm = as_mapping(within(info, "Swarm"))
    state = word(swarm.get("LocalNodeState"))
    if state in {"", "inactive"}:
        return None
    own = identity(swarm.get("NodeID"))
    cluster = identity(within(swarm, "Cluster", "ID"))
    if not cluster and before and before.id == own:
        cluster = before.cluster  # without a leader a manager cannot say
    return Membership(
        id=own,
        cluster=cluster,
        manages=flag(swarm.get("ControlAvailable")),
        state=state,
        leaderless=says_leaderless(swarm.get("Error")),
    )


def _read_networks(node: str, answer: JSON) -> tuple[Network, ...]:
    found: dict[str, Network] = {}
    for item in items(answer, limit=_NETWORKS_READ):
        key = identity(item.get("Id"))
        if not key:
            continue
        scope = "swarm" if item.get("Scope") == "swarm" else "local"
        identifier = f"swarm/{key}" if scope == "swarm" else f"{node}/{key}"
        subnets = [text(each.get("Subnet"), limit=50) for each in items(within(item, "IPAM", "Config"), limit=4)]
        found[identifier] = Network(
            id=identifier,
            name=text(item.get("Name")),
            driver=word(item.get("Driver")),
            scope=scope,
            nodes=(node,),
            subnet=next(filter(None, subnets), ""),
            internal=flag(item.get("Internal")),
            attachable=flag(item.get("Attachable")),
            ingress=flag(item.get("Ingress")),
        )
    return tuple(found.values())


def _read_containers(
    node: str, answer: JSON, networks: tuple[Network, ...]
) -> tuple[tuple[Container, ...], dict[tuple[str, str], str]]:
    by_id = {network.id.partition("/")[2]: network.id for network in networks}
    by_name = {network.name: network.id for network in networks}
    found: dict[str, Container] = {}
    cards: dict[tuple[str, str], str] = {}
    for item in items(answer, limit=CONTAINERS_READ):
        key = identity(item.get("Id"))
        if not key or key in found:
            continue
        attachments = []
        attached = as_mapping(within(item, "NetworkSettings", "Networks"))
        for name, endpoint in list(attached.items())[:_NETWORKS_A_CONTAINER]:
            # A container that was never started has names of networks only.
            network = by_id.get(identity(within(endpoint, "NetworkID"))) or by_name.get(text(name))
            if network is None:
                continue  # made after the networks were listed; the look that its event asks for finds both
            attachments.append(Attachment(network, text(within(endpoint, "IPAddress"), limit=45)))
            if address := mac(within(endpoint, "MacAddress")):
                cards[key, address] = network
        found[key] = _read_container(node, key, item, tuple(attachments))
    return tuple(found.values()), cards


def _read_container(node: str, key: str, item: Mapping[str, JSON], attachments: tuple[Attachment, ...]) -> Container:
    status, state = text(item.get("Status")), word(item.get("State"))
    exited, health = _EXITED.match(status), _HEALTH.search(status)
    return Container(
        id=key,
        node=node,
        name=_read_name(item.get("Names")),
        image=image_name(item.get("Image")),
        state=state,
        health=health[1] if health and state in {"running", "paused"} else "",
        exit_code=int(exited[1]) if exited and state in {"exited", "dead"} else None,
        networks=tuple(dict.fromkeys(attachments)),
        ports=_read_ports(item.get("Ports")),
        service=identity(within(item, "Labels", "com.docker.swarm.service.id")),
        task=identity(within(item, "Labels", "com.docker.swarm.task.id")),
    )


def _read_name(names: JSON) -> str:
    """The container's own name; further ones, with a second slash, come from links to it."""
    found = [text(each).removeprefix("/") for each in names[:8]] if isinstance(names, list) else []
    return min(found, key=lambda name: name.count("/"), default="")


def image_name(value: JSON) -> str:
    """An image's name without the digest that a swarm appends to it."""
    return text(value, limit=160).partition("@")[0]


def _read_ports(ports: JSON) -> tuple[Port, ...]:
    found: dict[Port, None] = {}
    for item in items(ports, limit=4 * _PORTS_A_CONTAINER):
        published, target = port(item.get("PublicPort")), port(item.get("PrivatePort"))
        if published and target:
            address = text(item.get("IP"), limit=45)
            found[Port("0.0.0.0" if address == "::" else address, published, target, word(item.get("Type")))] = None  # noqa: S104 - as Docker says it
    return tuple(found)[:_PORTS_A_CONTAINER]
