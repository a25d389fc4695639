"""Kubernetes clusters to look at, in the shape of docs/cluster-snapshot.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.browser.picture_scenes import Entry, Snapshot, Swarm

NODES = ("control", "worker1", "worker2")
_CONTROL = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_WORKER = ("containerd", "kubelet", "kube-proxy")


def node(name: str, *, state: str = "ready", schedulable: bool = True, down: Sequence[str] = ()) -> Entry:
    """A node of the cluster: the control plane when it is called so."""
    names = [*(_CONTROL if name == "control" else ()), *_WORKER]
    components = [{"name": one, "state": "down" if one in down else "ready"} for one in names]
    role = "control" if name == "control" else "worker"
    seat: Entry = {"role": role, "state": state, "schedulable": schedulable, "components": components}
    address = f"10.128.0.{2 + NODES.index(name)}"
    return {"id": name, "state": "up", "address": address, "engine": "ready", "swarm": None, "kubernetes": seat}


def pod(identity: str, where: str, of: str = "", *, state: str = "Running", **more: object) -> Entry:
    """A pod, ready if it runs."""
    usual: Entry = {"namespace": "default", "restarts": 0, "address": "10.244.1.5", "images": ["nginx:1.26"]}
    names: Entry = {"id": identity, "name": f"{of}-{identity}" if of else identity, "node": where, "workload": of}
    return {**names, **usual, "state": state, "ready": state == "Running", "reason": "", **more}


def deployment(name: str, desired: int, ready: int, *, namespace: str = "default") -> list[Entry]:
    """A deployment and its replica set, `NAME-5f6d`."""
    usual: Entry = {"namespace": namespace, "desired": desired, "ready": ready, "images": ["nginx:1.26"]}
    made: Entry = {"id": f"{name}-5f6d", "name": f"{name}-5f6d", "kind": "ReplicaSet", "owner": name, **usual}
    return [{"id": name, "name": name, "kind": "Deployment", "owner": "", **usual}, made]


def service(name: str, pods: Mapping[str, bool], *, node_port: int = 0) -> Entry:
    """A service and the pods behind it, each ready or not."""
    port: Entry = {"port": 80, "target": "80", "protocol": "TCP", "node_port": node_port}
    kind = "NodePort" if node_port else "ClusterIP"
    behind = [{"pod": one, "ready": ready} for one, ready in pods.items()]
    names: Entry = {"id": name, "name": name, "namespace": "default", "type": kind, "address": "10.96.12.7"}
    return {**names, "ports": [port], "endpoints": behind}


def snapshot(nodes: Sequence[Entry], **more: Sequence[Entry]) -> Snapshot:
    """All of it, with cluster DNS on the control plane."""
    docker: Snapshot = {"networks": [], "containers": [], "services": [], "tasks": [], "problems": [], "left_out": {}}
    dns = pod("coredns", "control", "coredns-5f6d", namespace="kube-system")
    pods = [*more.pop("pods", []), dns]
    workloads = [*more.pop("workloads", []), *deployment("coredns", 1, 1, namespace="kube-system")]
    return {
        "version": 1,
        "nodes": list(nodes),
        **docker,
        "kube_services": [],
        **more,
        "pods": pods,
        "workloads": workloads,
    }


def web(**states: str) -> list[Entry]:
    """Four pods of `web`, two a worker; `states` says which do not run."""
    names = ("aaaaa", "bbbbb", "ccccc", "ddddd")
    places = ("worker1", "worker2", "worker1", "worker2")
    return [
        pod(name, where, "web-5f6d", state=states.get(name, "Running"))
        for name, where in zip(names, places, strict=True)
    ]


def at_work() -> Snapshot:
    """A deployment behind a published service, one that cannot start, a pod that waits, one that a person made."""
    pods = [
        *web(ddddd="ContainerCreating"),
        pod("xxxxx", "worker1", "api-5f6d", state="CrashLoopBackOff"),
        pod("client", "worker2", images=["alpine"]),
        pod("big", "", state="Pending", reason="0/3 nodes are available: 3 Insufficient memory."),
    ]
    services = [
        service("web", {"aaaaa": True, "bbbbb": True, "ccccc": True, "ddddd": False}, node_port=30080),
        service("lonely", {}),
    ]
    workloads = [*deployment("web", 4, 3), *deployment("api", 1, 0)]
    return snapshot([node(name) for name in NODES], pods=pods, workloads=workloads, kube_services=services)


def worker_lost() -> Snapshot:
    """The second worker has gone silent: its pods are on their way out, others run in their place."""
    gone = web(bbbbb="Terminating", ddddd="Terminating")
    pods = [*gone, pod("eeeee", "worker1", "web-5f6d"), pod("fffff", "worker1", "web-5f6d", state="ContainerCreating")]
    services = [service("web", {"aaaaa": True, "ccccc": True, "eeeee": True}, node_port=30080)]
    nodes = [
        node("control", down=["kube-scheduler"]),
        node("worker1", schedulable=False),
        node("worker2", state="not-ready"),
    ]
    return snapshot(nodes, pods=pods, workloads=deployment("web", 4, 3), kube_services=services)


def forty_pods() -> Snapshot:
    """Forty pods of three deployments on two workers."""
    pods = [
        pod(f"{name[0]}{number:04}", NODES[1 + number % 2], f"{name}-5f6d")
        for name, count in (("shop-web", 24), ("shop-api", 12), ("shop-store", 4))
        for number in range(count)
    ]
    workloads = [*deployment("shop-web", 24, 24), *deployment("shop-api", 12, 12), *deployment("shop-store", 4, 4)]
    services = [service("shop-web", {str(one["id"]): True for one in pods[:24]}, node_port=30080)]
    services.append(service("shop-api", {str(one["id"]): True for one in pods[24:36]}))
    return snapshot([node(name) for name in NODES], pods=pods, workloads=workloads, kube_services=services)


KINDS = {"control": "kubernetes-control", "worker1": "kubernetes-worker", "worker2": "kubernetes-worker"}
SWARM = ("swarm1", "swarm2", "swarm3")


def beside_a_swarm(*, lost: bool = False) -> Snapshot:
    """The cluster and a swarm in one sandbox, with the same application on both; `lost` is a worker of each."""
    swarm = Swarm(SWARM, down=SWARM[2:] if lost else ())
    inside = swarm.overlay("desk_default")
    swarm.service("desk_web", 4, networks=[inside], port=30080)
    swarm.service("desk_store", 1, networks=[inside])
    docker, kube = swarm.snapshot(), worker_lost() if lost else at_work()
    return {**docker, **{kind: kube[kind] for kind in ("pods", "workloads", "kube_services")}} | {
        "nodes": [*swarm.nodes, *_entries(kube["nodes"])]
    }


def _entries(value: object) -> list[Entry]:
    assert isinstance(value, list)
    return value
