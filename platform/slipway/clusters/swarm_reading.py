"""From what a manager answers to the swarm's part of the snapshot. Pure and strict, as `node_reading`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.clusters.node_reading import image_name
from slipway.clusters.snapshot import Service, ServicePort, SwarmSeat, Task
from slipway.clusters.untrusted import flag, identity, items, number, port, text, within, word
from slipway.core.json import JSON, as_mapping

_NODES_READ = 64
_SERVICES_READ = 200
_TASKS_READ = 2000  # five ended ones are kept for each slot
_PORTS_A_SERVICE = 16
_NETWORKS_A_SERVICE = 12
_MODES = {
    "Replicated": "replicated",
    "Global": "global",
    "ReplicatedJob": "replicated-job",
    "GlobalJob": "global-job",
}
_ERROR_LENGTH = 200


@dataclass(frozen=True, slots=True)
class SwarmView:
    """One swarm as one of its managers sees it. `node` of a task is the swarm's id of the node here.

    `leaderless` says that no manager could answer now, and the rest is as it was when one last could.
    """

    cluster: str
    leader: str = ""  # the swarm's id of the leading manager
    seats: Mapping[str, SwarmSeat] = field(default_factory=dict)
    services: tuple[Service, ...] = ()
    tasks: tuple[Task, ...] = ()
    leaderless: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether nothing is under way, for the swarm would not report its end."""
        services = all(service.running == service.desired and not service.update for service in self.services)
        return services and not self.leaderless and all(task.is_settled for task in self.tasks)


def read_swarm(cluster: str, *, nodes: JSON, services: JSON, tasks: JSON) -> SwarmView:
    """The view that these answers of one manager make."""
    seats: dict[str, SwarmSeat] = {}
    for item in items(nodes, limit=_NODES_READ):
        if key := identity(item.get("ID")):
            seats[key] = _read_seat(item)
    return SwarmView(
        cluster=cluster,
        leader=next((key for key, seat in seats.items() if seat.leader), ""),
        seats=seats,
        services=_read_services(services),
        tasks=_read_tasks(tasks),
    )


def _read_seat(item: Mapping[str, JSON]) -> SwarmSeat:
    state = word(within(item, "Status", "State"))
    manager = item.get("ManagerStatus")
    reachability = within(manager, "Reachability") == "reachable"
    return SwarmSeat(
        role="manager" if within(item, "Spec", "Role") == "manager" else "worker",
        leader=flag(within(manager, "Leader")),
        state=state,
        availability=word(within(item, "Spec", "Availability")),
        reachable=reachability if manager else state == "ready",
    )


def _read_services(answer: JSON) -> tuple[Service, ...]:
    found: dict[str, Service] = {}
    for item in items(answer, limit=_SERVICES_READ):
        key = identity(item.get("ID"))
        if not key:
            continue
        mode = as_mapping(within(item, "Spec", "Mode"))
        targets = [*items(within(item, "Spec", "TaskTemplate", "Networks"), limit=_NETWORKS_A_SERVICE)]
        addresses = [*items(within(item, "Endpoint", "VirtualIPs"), limit=_NETWORKS_A_SERVICE)]
        networks = [identity(each.get("Target")) for each in targets]
        networks += [identity(each.get("NetworkID")) for each in addresses]
        update = word(within(item, "UpdateStatus", "State"))
        found[key] = Service(
            id=key,
            name=text(within(item, "Spec", "Name")),
            image=image_name(within(item, "Spec", "TaskTemplate", "ContainerSpec", "Image")),
            mode=next((name for docker, name in _MODES.items() if docker in mode), "replicated"),
            desired=number(within(item, "ServiceStatus", "DesiredTasks")),
            running=number(within(item, "ServiceStatus", "RunningTasks")),
            stack=text(within(item, "Spec", "Labels", "com.docker.stack.namespace")),
            networks=tuple(f"swarm/{network}" for network in dict.fromkeys(networks) if network)[:_NETWORKS_A_SERVICE],
            ports=_read_ports(within(item, "Endpoint", "Ports")),
            update="" if update in {"completed", "rollback_completed"} else update,
        )
    return tuple(found.values())


def _read_ports(answer: JSON) -> tuple[ServicePort, ...]:
    found: dict[ServicePort, None] = {}
    for item in items(answer, limit=_PORTS_A_SERVICE):
        published, target = port(item.get("PublishedPort")), port(item.get("TargetPort"))
        if published and target:
            found[ServicePort(published, target, word(item.get("Protocol")), word(item.get("PublishMode")))] = None
    return tuple(found)


def _read_tasks(answer: JSON) -> tuple[Task, ...]:
    """Tasks that are current, and of each slot the one that last ended with an error."""
    current: dict[str, Task] = {}
    failed: dict[tuple[str, int, str], tuple[str, Task]] = {}
    for item in items(answer, limit=_TASKS_READ):
        key, service = identity(item.get("ID")), identity(item.get("ServiceID"))
        if not key or not service:
            continue
        task = Task(
            id=key,
            service=service,
            slot=number(item.get("Slot")),
            node=identity(item.get("NodeID")),
            container=identity(within(item, "Status", "ContainerStatus", "ContainerID")),
            state=word(within(item, "Status", "State")),
            desired=word(item.get("DesiredState")),
            error=text(within(item, "Status", "Err"), limit=_ERROR_LENGTH),
        )
        if task.desired not in {"shutdown", "remove"} or not task.is_over:
            current[key] = task
        elif task.error or task.state in {"failed", "rejected"}:
            place = (service, task.slot, "" if task.slot else task.node)  # a global service's slots are its nodes
            moment = text(within(item, "Status", "Timestamp"), limit=40)
            if place not in failed or failed[place][0] < moment:
                failed[place] = (moment, task)
    ended = {task.id: task for _, task in failed.values()}
    return tuple({**ended, **current}.values())
