"""Answers as Docker 26 gives them, cut to the fields that matter, for tests of the picture."""

from __future__ import annotations

from slipway.core.json import JSON

BRIDGE = "b" * 64
INGRESS = "vom564ltl6jrmef3706tbkmrz"
FRONT = "4dmoe0midnxbynj8o9yetop8g"
NODE1 = "sex72wnjj1rl31pvhu4j7kunf"
NODE2 = "fadbznkxqmomkqtfgzfb960wh"
CLUSTER = "j68j651ao4k06qawdr7q6wm3y"
SERVICE = "ku0cxbuy7l6robb0td4ylxkti"
CONTAINERS = "/containers/json?all=true&limit=250"
SERVICES = "/services?status=true"


def network(
    key: str = BRIDGE, name: str = "bridge", *, driver: str = "bridge", scope: str = "local", subnet: str = ""
) -> dict[str, JSON]:
    """An entry of GET /networks."""
    return {
        "Name": name,
        "Id": key,
        "Scope": scope,
        "Driver": driver,
        "IPAM": {"Driver": "default", "Config": [{"Subnet": subnet}] if subnet else None},
        "Internal": False,
        "Attachable": False,
        "Ingress": name == "ingress",
    }


def container(key: str, name: str = "web", **changed: JSON) -> dict[str, JSON]:
    """An entry of GET /containers/json: one that runs on the bridge and publishes a port."""
    endpoint: JSON = {"MacAddress": "02:42:ac:11:00:02", "NetworkID": BRIDGE, "IPAddress": "172.17.0.2"}
    return {
        "Id": key,
        "Names": [f"/{name}"],
        "Image": "nginx",
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}],
        "Labels": {},
        "State": "running",
        "Status": "Up 2 seconds",
        "NetworkSettings": {"Networks": {"bridge": endpoint}},
        **changed,
    }


def info(node: str = "", *, manager: bool = False, containers: int = 0, error: str = "") -> JSON:
    """GET /info of a node that is in no swarm, or is one's worker or manager."""
    if not node:
        return {"Containers": containers, "Swarm": {"NodeID": "", "LocalNodeState": "inactive"}}
    cluster: JSON = {"ID": CLUSTER} if manager and not error else None
    return {
        "Containers": containers,
        "Swarm": {
            "NodeID": node,
            "LocalNodeState": "active",
            "ControlAvailable": manager,
            "Error": error,
            "Cluster": cluster,
        },
    }


def member(node: str, *, leader: bool | None = None, state: str = "ready") -> dict[str, JSON]:
    """An entry of GET /nodes; `leader` is None for a worker."""
    manager: dict[str, JSON] = {}
    if leader is not None:
        manager = {"ManagerStatus": {"Leader": leader, "Reachability": "reachable", "Addr": "10.128.0.2:2377"}}
    role = "worker" if leader is None else "manager"
    return {"ID": node, "Spec": {"Role": role, "Availability": "active"}, "Status": {"State": state}, **manager}


def service(key: str = SERVICE, *, desired: int = 2, running: int = 2, **changed: JSON) -> dict[str, JSON]:
    """An entry of GET /services?status=true."""
    return {
        "ID": key,
        "Spec": {
            "Name": "shop_web",
            "Labels": {"com.docker.stack.namespace": "shop"},
            "TaskTemplate": {
                "ContainerSpec": {"Image": "nginx:latest@sha256:a065"},
                "Networks": [{"Target": FRONT}],
            },
            "Mode": {"Replicated": {"Replicas": desired}},
        },
        "Endpoint": {
            "Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8081, "PublishMode": "ingress"}],
            "VirtualIPs": [{"NetworkID": INGRESS}, {"NetworkID": FRONT}],
        },
        "ServiceStatus": {"RunningTasks": running, "DesiredTasks": desired},
        **changed,
    }


def task(
    key: str, *, slot: int = 1, node: str = NODE1, state: str = "running", desired: str = "running", **status: JSON
) -> dict[str, JSON]:
    """An entry of GET /tasks."""
    return {
        "ID": key,
        "ServiceID": SERVICE,
        "Slot": slot,
        "NodeID": node,
        "Status": {
            "Timestamp": "2026-11-24T20:30:18Z",
            "State": state,
            "ContainerStatus": {"ContainerID": "c" * 64},
            **status,
        },
        "DesiredState": desired,
    }
