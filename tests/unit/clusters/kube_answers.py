"""Answers as the API server of Kubernetes 1.36 gives them, cut to the fields that matter, for tests of the picture."""

from __future__ import annotations

import uuid

from slipway.core.json import JSON


def uid(name: str) -> str:
    """The unique id of the object of that name, always the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def key(name: str) -> str:
    """The id that the picture has for it."""
    return uid(name).replace("-", "")[:12]


def listed(*objects: JSON, more: int = 0) -> JSON:
    """A list of objects."""
    return {"metadata": {"remainingItemCount": more} if more else {}, "items": list(objects)}


def metadata(name: str, *, owner: str = "", namespace: str = "default", **more: JSON) -> JSON:
    """An object's metadata; `owner` is the name of the object that manages it."""
    owners: JSON = [{"kind": "ReplicaSet", "name": owner, "uid": uid(owner), "controller": True}] if owner else []
    return {"name": name, "namespace": namespace, "uid": uid(name), "ownerReferences": owners, **more}


def node(name: str, *, ready: str = "True", cordoned: bool = False) -> JSON:
    """An entry of /api/v1/nodes."""
    spec: JSON = {"unschedulable": True} if cordoned else {}
    conditions: JSON = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}]
    return {"metadata": metadata(name), "spec": spec, "status": {"conditions": conditions}}


def pod(name: str, *, owner: str = "web-5f6d", on: str = "worker1", ready: bool = True, **changed: JSON) -> JSON:
    """An entry of /api/v1/pods: one of nginx that runs."""
    conditions: JSON = [{"type": "Ready", "status": str(ready)}]
    running: JSON = {"name": "web", "restartCount": 1, "state": {"running": {"startedAt": "2026-11-24T20:30:17Z"}}}
    return {
        "metadata": metadata(name, owner=owner),
        "spec": {"nodeName": on, "containers": [{"name": "web", "image": "nginx:1.26"}]},
        "status": {
            "phase": "Running",
            "podIP": "10.244.1.5",
            "conditions": conditions,
            "containerStatuses": [running],
            **changed,
        },
    }


def workload(name: str, *, owner: str = "", replicas: int = 2, ready: int = 2) -> JSON:
    """An entry of /apis/apps/v1/deployments and the like."""
    template: JSON = {"spec": {"containers": [{"name": "web", "image": "nginx:1.26"}]}}
    return {
        "metadata": metadata(name, owner=owner),
        "spec": {"replicas": replicas, "template": template},
        "status": {"readyReplicas": ready},
    }


def service(name: str = "web") -> JSON:
    """An entry of /api/v1/services: one that every node publishes."""
    ports: JSON = [{"port": 80, "targetPort": "http", "protocol": "TCP", "nodePort": 30080}]
    return {"metadata": metadata(name), "spec": {"type": "NodePort", "clusterIP": "10.96.12.7", "ports": ports}}


def own_parts() -> dict[str, JSON]:
    """What a cluster needs for itself: its DNS, and the roles of its controllers."""
    dns: list[JSON] = [{"metadata": metadata(name, namespace="kube-system")} for name in ("coredns", "kube-dns")]
    role = listed({"metadata": {"name": "system:kube-controller-manager", "uid": uid("controllers")}})
    return {
        "deployments": listed(dns[0]),
        "services": listed(dns[1]),
        "clusterroles": role,
        "clusterrolebindings": role,
    }


def slice_of(name: str, *pods: str, ready: bool = True) -> JSON:
    """An endpoint slice of the service of that name."""
    endpoints: JSON = [{"targetRef": {"kind": "Pod", "uid": uid(one)}, "conditions": {"ready": ready}} for one in pods]
    labels: JSON = {"kubernetes.io/service-name": name}
    return {"metadata": metadata(f"{name}-x1", labels=labels), "endpoints": endpoints}


def cluster() -> dict[str, JSON]:
    """Three nodes, a deployment with two pods behind a service."""
    return {
        "nodes": listed(node("control"), node("worker1"), node("worker2", cordoned=True)),
        "pods": listed(pod("web-5f6d-aaaaa"), pod("web-5f6d-bbbbb", on="worker2")),
        "deployments": listed(workload("web")),
        "replicasets": listed(workload("web-5f6d", owner="web"), workload("web-0ld", owner="web", replicas=0, ready=0)),
        "services": listed(service()),
        "endpointslices": listed(slice_of("web", "web-5f6d-aaaaa"), slice_of("web", "web-5f6d-bbbbb", ready=False)),
    }
