"""From what a Kubernetes API server answers to the cluster's part of the snapshot. Pure and strict, as `node_reading`.

States of pods are the words that `kubectl get pods` has for them. What belongs together is found by the unique ids that
Kubernetes gives, never by names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from slipway.clusters.node_reading import image_name
from slipway.clusters.snapshot import Endpoint, KubePort, KubeService, Pod, Workload
from slipway.clusters.untrusted import flag, items, number, port, text, unique, within
from slipway.core.json import JSON, as_mapping, as_text

OBJECTS_READ = 250  # of a kind
KINDS: Mapping[str, str] = {
    "nodes": "/api/v1/nodes",
    "pods": "/api/v1/pods",
    "services": "/api/v1/services",
    "deployments": "/apis/apps/v1/deployments",
    "replicasets": "/apis/apps/v1/replicasets",
    "daemonsets": "/apis/apps/v1/daemonsets",
    "statefulsets": "/apis/apps/v1/statefulsets",
    "jobs": "/apis/batch/v1/jobs",
    "endpointslices": "/apis/discovery.k8s.io/v1/endpointslices",
    "clusterroles": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "clusterrolebindings": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}
"""The kinds that are looked at, as the agent names them when they change, and where the API has them."""

_CONTROLLERS = "system:kube-controller-manager"
SELECTORS: Mapping[str, str] = dict.fromkeys(
    ("clusterroles", "clusterrolebindings"), f"fieldSelector=metadata.name={_CONTROLLERS}"
)
"""Which objects are asked for, of kinds of which the picture shows none: one of those without which nothing works."""

_NODES_READ = 64
_CONDITIONS_READ = 24
_CONTAINERS_A_POD = 12
_OWNERS_READ = 4
_PORTS_A_SERVICE = 12
_ENDPOINTS_A_SERVICE = 100
_NAME_LENGTH = 80
_REASON_LENGTH = 200
_WORKLOADS = {
    "deployments": "Deployment",
    "replicasets": "ReplicaSet",
    "daemonsets": "DaemonSet",
    "statefulsets": "StatefulSet",
    "jobs": "Job",
}
_SYSTEM = "kube-system"
_SERVICE_LABEL = "kubernetes.io/service-name"

Lists = Mapping[str, JSON]
"""The list of each of `KINDS` as it was last answered."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the API server says of a node."""

    state: str
    schedulable: bool


@dataclass(frozen=True, slots=True)
class KubeView:
    """One cluster as its API server sees it. `silent` says that it does not answer now, and the rest is as it was.

    `dns` and `roles` tell whether the cluster still has its DNS, and the roles by which its own parts may act.
    """

    nodes: Mapping[str, Standing] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    services: tuple[KubeService, ...] = ()
    silent: bool = False
    dns: bool = True
    roles: bool = True
    unread: Mapping[str, int] = field(default_factory=dict)  # how many there are beyond those read, by collection


def read_cluster(lists: Lists) -> KubeView:
    """The view that these lists make."""
    workloads = {each.id: each for kind in _WORKLOADS for each in _read_workloads(kind, lists.get(kind))}
    pods = _read_pods(lists.get("pods"), workloads)
    used = {pod.workload for pod in pods}
    return KubeView(
        nodes=_read_nodes(lists.get("nodes")),
        pods=pods,
        workloads=tuple(each for each in workloads.values() if each.id in used or not _is_spent(each)),
        services=_read_services(lists.get("services"), lists.get("endpointslices"), {pod.id for pod in pods}),
        dns=_has(lists.get("deployments"), _SYSTEM, "coredns") and _has(lists.get("services"), _SYSTEM, "kube-dns"),
        roles=all(_has(lists.get(kind), "", _CONTROLLERS) for kind in SELECTORS),
        unread={
            "pods": _beyond(lists.get("pods")),
            "workloads": sum(_beyond(lists.get(kind)) for kind in _WORKLOADS),
            "kube_services": _beyond(lists.get("services")),
        },
    )


def _is_spent(workload: Workload) -> bool:
    """A deployment's former replica set, kept by it for a way back."""
    return workload.kind == "ReplicaSet" and workload.owner != "" and workload.desired == workload.ready == 0


def _beyond(answer: JSON) -> int:
    """How many objects there are beyond those that one answer holds."""
    found = within(answer, "items")
    unsent = number(within(answer, "metadata", "remainingItemCount"))
    return unsent + max(0, len(found) - OBJECTS_READ) if isinstance(found, list) else unsent


def _objects(answer: JSON, limit: int = OBJECTS_READ) -> Iterator[tuple[str, str, str, Mapping[str, JSON]]]:
    """The unique id, name and namespace of each object in a list, and the object; what has no unique id is none."""
    for item in items(within(answer, "items"), limit=limit):
        metadata = as_mapping(item.get("metadata"))
        if key := unique(metadata.get("uid")):
            yield key, _name(metadata.get("name")), _name(metadata.get("namespace")), item


def _has(answer: JSON, namespace: str, name: str) -> bool:
    """Whether the list has this object; also while it was not answered, or not as a whole."""
    if not isinstance(within(answer, "items"), list) or _beyond(answer) > 0:
        return True
    return any((found, where) == (name, namespace) for _, found, where, _ in _objects(answer))


def _name(value: JSON) -> str:
    return text(value, limit=_NAME_LENGTH)


def _owner(item: Mapping[str, JSON]) -> str:
    """The unique id of what manages the object."""
    owners = items(within(item, "metadata", "ownerReferences"), limit=_OWNERS_READ)
    return next((unique(owner.get("uid")) for owner in owners if owner.get("controller") is True), "")


def _read_nodes(answer: JSON) -> dict[str, Standing]:
    found: dict[str, Standing] = {}
    for _, name, _, item in _objects(answer, _NODES_READ):
        ready = _condition(item, "Ready")
        state = "unknown" if ready is None else "ready" if ready == "True" else "not-ready"
        found[name] = Standing(state, not flag(within(item, "spec", "unschedulable")))
    return found


def _condition(item: Mapping[str, JSON], kind: str) -> str | None:
    """The status of a condition of the object; None where it has none of that kind."""
    for condition in items(within(item, "status", "conditions"), limit=_CONDITIONS_READ):
        if condition.get("type") == kind:
            return as_text(condition.get("status"), limit=10)
    return None


def _read_workloads(kind: str, answer: JSON) -> Iterator[Workload]:
    for key, name, namespace, item in _objects(answer):
        status, spec = as_mapping(item.get("status")), as_mapping(item.get("spec"))
        match kind:
            case "daemonsets":
                desired, ready = status.get("desiredNumberScheduled"), status.get("numberReady")
            case "jobs":
                desired, ready = spec.get("completions", spec.get("parallelism")), status.get("succeeded")
            case _:
                desired, ready = spec.get("replicas"), status.get("readyReplicas")
        yield Workload(
            id=key,
            kind=_WORKLOADS[kind],
            name=name,
            namespace=namespace,
            owner=_owner(item),
            desired=number(desired),
            ready=number(ready),
            images=_images(within(spec, "template", "spec", "containers")),
        )


def _images(containers: JSON) -> tuple[str, ...]:
    return tuple(image_name(each.get("image")) for each in items(containers, limit=_CONTAINERS_A_POD))


def _read_pods(answer: JSON, workloads: Mapping[str, Workload]) -> tuple[Pod, ...]:
    found: dict[str, Pod] = {}
    for key, name, namespace, item in _objects(answer):
        owner = _owner(item)
        state, reason = _pod_state(item)
        statuses = [*items(within(item, "status", "containerStatuses"), limit=_CONTAINERS_A_POD)]
        found[key] = Pod(
            id=key,
            name=name,
            namespace=namespace,
            node=_name(within(item, "spec", "nodeName")),
            workload=owner if owner in workloads else "",
            state=state,
            ready=_condition(item, "Ready") == "True",
            restarts=sum(number(each.get("restartCount")) for each in statuses),
            address=text(within(item, "status", "podIP"), limit=45),
            images=_images(within(item, "spec", "containers")),
            reason=reason,
        )
    return tuple(found.values())


def _pod_state(item: Mapping[str, JSON]) -> tuple[str, str]:
    """One word for how a pod is, and what there is to say of it: the first container that is not well has the word."""
    status = as_mapping(item.get("status"))
    if within(item, "metadata", "deletionTimestamp") is not None:
        return "Terminating", ""
    for group, prefix in (("initContainerStatuses", "Init:"), ("containerStatuses", "")):
        for container in items(status.get(group), limit=_CONTAINERS_A_POD):
            waiting = as_mapping(within(container, "state", "waiting"))
            ended = as_mapping(within(container, "state", "terminated"))
            if word := text(waiting.get("reason"), limit=40):
                if prefix and word == "PodInitializing":
                    continue
                return f"{prefix}{word}", text(waiting.get("message"), limit=_REASON_LENGTH)
            word = text(ended.get("reason"), limit=40)
            if word and not (prefix and word == "Completed"):
                # Of a pod that was evicted the container says only that it was killed.
                why = ended.get("message") or status.get("message")
                return f"{prefix}{word}", text(why, limit=_REASON_LENGTH)
    word = text(status.get("reason"), limit=40) or text(status.get("phase"), limit=40)
    return word, text(status.get("message"), limit=_REASON_LENGTH) or _why_unscheduled(item)


def _why_unscheduled(item: Mapping[str, JSON]) -> str:
    for condition in items(within(item, "status", "conditions"), limit=_CONDITIONS_READ):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return text(condition.get("message"), limit=_REASON_LENGTH)
    return ""


def _read_services(answer: JSON, slices: JSON, pods: set[str]) -> tuple[KubeService, ...]:
    behind = _read_endpoints(slices, pods)
    found: dict[str, KubeService] = {}
    for key, name, namespace, item in _objects(answer):
        spec = as_mapping(item.get("spec"))
        endpoints = behind.get((namespace, name), {})
        found[key] = KubeService(
            id=key,
            name=name,
            namespace=namespace,
            type=text(spec.get("type"), limit=24),
            address=text(spec.get("clusterIP"), limit=45),
            ports=_read_ports(spec.get("ports")),
            endpoints=tuple(Endpoint(pod, ready) for pod, ready in sorted(endpoints.items()))[:_ENDPOINTS_A_SERVICE],
        )
    return tuple(found.values())


def _read_ports(answer: JSON) -> tuple[KubePort, ...]:
    found: dict[KubePort, None] = {}
    for item in items(answer, limit=_PORTS_A_SERVICE):
        if own := port(item.get("port")):
            target = item.get("targetPort")
            named = str(port(target)) if isinstance(target, int) else text(target, limit=24)
            found[KubePort(own, named, text(item.get("protocol"), limit=8), port(item.get("nodePort")))] = None
    return tuple(found)


def _read_endpoints(answer: JSON, pods: set[str]) -> dict[tuple[str, str], dict[str, bool]]:
    """By namespace and name of a service, the pods behind it and whether they are sent anything."""
    found: dict[tuple[str, str], dict[str, bool]] = {}
    for _, _, namespace, item in _objects(answer):
        service = _name(within(item, "metadata", "labels", _SERVICE_LABEL))
        known = found.setdefault((namespace, service), {})
        for endpoint in items(item.get("endpoints"), limit=_ENDPOINTS_A_SERVICE):
            pod = unique(within(endpoint, "targetRef", "uid"))
            if pod in pods:
                known[pod] = known.get(pod, False) or flag(within(endpoint, "conditions", "ready"))
    return found
