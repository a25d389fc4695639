"""Clusters to look at, in the shape of docs/cluster-snapshot.md: small builders and a few scenes made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Entry = dict[str, object]
Snapshot = dict[str, object]


def node(name: str, *, swarm: str = "", leader: bool = False, state: str = "up", engine: str = "ready") -> Entry:
    """A node; `swarm` is its role there."""
    role: Entry | None = None
    if swarm:
        away = state != "up"
        role = {"role": swarm, "leader": leader, "state": "down" if away else "ready", "availability": "active"}
        role["reachable"] = not away
    return {"id": name, "state": state, "address": f"10.128.0.{1 + int(name[-1])}", "engine": engine, "swarm": role}


def network(identity: str, name: str, nodes: Sequence[str], *, driver: str = "bridge", ingress: bool = False) -> Entry:
    """A network; those whose id begins with `swarm/` are the swarm's."""
    scope = "swarm" if identity.startswith("swarm/") else "local"
    subnet = "10.0.1.0/24" if scope == "swarm" else "" if name in ("host", "none") else "172.17.0.0/16"
    traits = {"internal": False, "attachable": False, "ingress": ingress}
    names = {"id": identity, "name": name, "driver": driver, "scope": scope, "nodes": list(nodes), "subnet": subnet}
    return {**names, **traits}


def container(
    identity: str, where: str, name: str, networks: Sequence[str], *, image: str = "nginx:latest", **more: object
) -> Entry:
    """A container, running if nothing else is said."""
    joined = [{"network": one, "address": f"10.0.1.{len(identity)}"} for one in networks]
    usual: Entry = {"state": "running", "health": "", "exit_code": None, "ports": [], "service": "", "task": ""}
    return {"id": identity, "node": where, "name": name, "image": image, "networks": joined, **usual, **more}


def published(port: int, target: int = 80) -> list[Entry]:
    """A port of a container on all addresses of its node."""
    return [{"address": "0.0.0.0", "published": port, "target": target, "protocol": "tcp"}]


def snapshot(nodes: Sequence[Entry], **more: Sequence[Entry]) -> Snapshot:
    """All of it; what is not given is empty. Every node has the networks that every engine has."""
    names = [str(one["id"]) for one in nodes]
    defaults = [
        network(f"{name}/{kind}", kind, [name], driver="null" if kind == "none" else kind)
        for name in names
        for kind in ("bridge", "host", "none")
    ]
    empty: Snapshot = {"containers": [], "services": [], "tasks": [], "problems": [], "left_out": {}}
    networks = [*defaults, *more.pop("networks", [])]
    return {"version": 1, "nodes": list(nodes), **empty, **more, "networks": networks}


class Swarm:
    """A swarm with services whose tasks are dealt out over its nodes in turn."""

    def __init__(self, names: Sequence[str], *, down: Sequence[str] = ()) -> None:
        self.names = list(names)
        self.alive = [name for name in names if name not in down]
        self.nodes = [
            node(
                name,
                swarm="manager" if name == names[0] else "worker",
                leader=name == names[0],
                state="unplugged" if name in down else "up",
            )
            for name in names
        ]
        self.networks = [network("swarm/ingress", "ingress", self.names, driver="overlay", ingress=True)]
        self.containers: list[Entry] = []
        self.services: list[Entry] = []
        self.tasks: list[Entry] = []

    def overlay(self, name: str, nodes: Sequence[str] = ()) -> str:
        """An overlay network on these nodes, or on all; returns its id."""
        self.networks.append(network(f"swarm/{name}", name, nodes or self.names, driver="overlay"))
        return f"swarm/{name}"

    def service(
        self, name: str, replicas: int, *, networks: Sequence[str] = (), port: int = 0, states: Mapping[int, str] = {}
    ) -> None:
        """A replicated service; `states` says which slots are not running."""
        identity = f"s-{name}"
        joined = [*networks, *(["swarm/ingress"] if port else [])]
        for slot in range(1, replicas + 1):
            where = self.alive[slot % len(self.alive)]
            state = states.get(slot, "running")
            task: Entry = {"id": f"t-{name}-{slot}", "service": identity, "slot": slot, "node": where, "state": state}
            task |= {"container": "", "desired": "running", "error": ""}
            if state == "running":
                task["container"] = f"c-{name}-{slot}"
                made = container(f"c-{name}-{slot}", where, f"{name}.{slot}.x7k2", joined)
                self.containers.append({**made, "service": identity, "task": task["id"]})
            self.tasks.append(task)
        ports = [{"published": port, "target": 80, "protocol": "tcp", "mode": "ingress"}] if port else []
        described: Entry = {"id": identity, "name": name, "image": "nginx:latest", "mode": "replicated"}
        described |= {"desired": replicas, "running": replicas - len(states), "stack": "", "networks": list(joined)}
        self.services.append({**described, "ports": ports, "update": ""})

    def snapshot(self, **more: Sequence[Entry]) -> Snapshot:
        """The cluster as it is."""
        joined = {"networks": self.networks, "services": self.services, "tasks": self.tasks}
        return snapshot(self.nodes, **joined, containers=[*self.containers, *more.pop("containers", [])], **more)


def idle() -> Snapshot:
    """Two nodes on which nothing was done yet."""
    return snapshot([node("node1"), node("node2")])


def first_containers() -> Snapshot:
    """Two nodes; on the first, a container on the default bridge, two on a bridge of their own, one that has ended."""
    containers = [
        container("c1", "node1", "web", ["node1/bridge"], ports=published(8080)),
        container("c2", "node1", "app", ["node1/b0", "node1/bridge"], image="alpine:latest"),
        container("c3", "node1", "db", ["node1/b0"], image="redis:7"),
        container("c4", "node2", "job", ["node2/bridge"], image="busybox", state="exited", exit_code=1),
    ]
    return snapshot(
        [node("node1"), node("node2")], networks=[network("node1/b0", "bridge0", ["node1"])], containers=containers
    )


def swarm_of_three() -> Snapshot:
    """Three nodes, a published web service on an overlay, a worker that is short of a task, one container besides."""
    swarm = Swarm(["node1", "node2", "node3"])
    front, back = swarm.overlay("front"), swarm.overlay("back")
    swarm.service("shop_web", 4, networks=[front], port=8080)
    swarm.service("shop_worker", 3, networks=[front, back], states={2: "preparing"})
    alone = container("c-tools", "node1", "tools", ["node1/bridge"], image="alpine:latest", ports=published(9000))
    return swarm.snapshot(containers=[alone])


def forty_containers() -> Snapshot:
    """Three nodes with forty containers: three services with many tasks, and ten containers besides."""
    swarm = Swarm(["node1", "node2", "node3"])
    front, back = swarm.overlay("front"), swarm.overlay("back")
    swarm.service("shop_web", 18, networks=[front], port=8080, states={7: "starting"})
    swarm.service("shop_api", 9, networks=[front, back])
    swarm.service("shop_store", 4, networks=[back])
    words = ("tools", "a-container-whose-name-is-much-longer-than-any-box", "db", "cache", "mail")
    alone = [
        container(f"c-{where}-{word}", where, word, [f"{where}/bridge"], ports=published(9000) if word == "db" else [])
        for where in ("node1", "node3")
        for word in words
    ]
    return swarm.snapshot(containers=alone)


def node_unplugged() -> Snapshot:
    """The swarm of three after its last node was unplugged."""
    swarm = Swarm(["node1", "node2", "node3"], down=["node3"])
    front = swarm.overlay("front")
    swarm.service("shop_web", 4, networks=[front], port=8080, states={3: "pending"})
    lost = {"id": "quorum-lost", "sentence": "The swarm has lost most of its managers and cannot decide anything."}
    return swarm.snapshot(problems=[lost])
