"""The Kubernetes cluster of a lab as a check sees it: objects as the API server has them.

Objects come as they are written in manifests, with typed ways to the parts that checks ask for most. Like everything
that comes out of a node, they are read by `Answer`, which trusts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from slipway.checks.authoring.answers import JSON, Answer, CommandResult
from slipway.checks.authoring.asking import Refused
from slipway.checks.authoring.expectations import NotAsExpected
from slipway.checks.authoring.kube_answers import Event, Revision, revisions_of
from slipway.checks.authoring.visits import Visits

if TYPE_CHECKING:
    from slipway.checks.authoring.lab import Node

_CORE = "/api/v1"
_APPS = "/apis/apps/v1"
# Where the API has each kind, and whether it lies in a namespace.
_KINDS: dict[str, tuple[str, bool]] = {
    "configmap": (_CORE, True),
    "endpoints": (_CORE, True),
    "event": (_CORE, True),
    "namespace": (_CORE, False),
    "node": (_CORE, False),
    "persistentvolume": (_CORE, False),
    "persistentvolumeclaim": (_CORE, True),
    "pod": (_CORE, True),
    "secret": (_CORE, True),
    "service": (_CORE, True),
    "serviceaccount": (_CORE, True),
    "daemonset": (_APPS, True),
    "deployment": (_APPS, True),
    "replicaset": (_APPS, True),
    "statefulset": (_APPS, True),
    "cronjob": ("/apis/batch/v1", True),
    "job": ("/apis/batch/v1", True),
    "endpointslice": ("/apis/discovery.k8s.io/v1", True),
    "ingress": ("/apis/networking.k8s.io/v1", True),
    "networkpolicy": ("/apis/networking.k8s.io/v1", True),
}
_OK = 200
_BAD_REQUEST = 400
_NOT_FOUND = 404
_CONTROL = "node-role.kubernetes.io/control-plane"
_MOST_LINES = 2000


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of an object: `holds` when its status is True."""

    type: str
    status: str
    reason: str
    message: str
    since: datetime | None = None
    """When the status became what it is."""

    @property
    def holds(self) -> bool:
        """Whether the condition is true now."""
        return self.status == "True"


@dataclass(frozen=True, slots=True)
class KubeObject:
    """An object of the cluster. `at("spec", "replicas")` reaches whatever has no name of its own here."""

    kind: str
    name: str
    namespace: str
    labels: Mapping[str, str]
    raw: Mapping[str, JSON]
    conditions: tuple[Condition, ...]
    owner: str
    """What made it, as "ReplicaSet/web-5f6d"; empty for what a person made."""

    def at(self, *path: str | int) -> JSON:
        """The part that this path of keys and indexes leads to; None when it leads nowhere."""
        found: JSON = dict(self.raw)
        for step in path:
            if isinstance(found, Mapping) and isinstance(step, str):
                found = found.get(step)
            elif isinstance(found, Sequence) and not isinstance(found, str) and isinstance(step, int):
                found = found[step] if -len(found) <= step < len(found) else None
            else:
                return None
        return found

    def number(self, *path: str | int) -> int:
        """The whole number there; 0 when there is none, as Kubernetes leaves zeros out."""
        found = self.at(*path)
        return found if isinstance(found, int) and not isinstance(found, bool) else 0

    def text(self, *path: str | int) -> str:
        """The text there; empty when there is none."""
        found = self.at(*path)
        return found if isinstance(found, str) else ""

    def moment(self, *path: str | int) -> datetime | None:
        """The point in time there, in UTC; None when there is none."""
        try:
            return datetime.fromisoformat(self.text(*path)[:40]).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def condition(self, type_: str) -> Condition | None:
        """The condition of that type: "Ready", "Available"."""
        return next((condition for condition in self.conditions if condition.type == type_), None)

    @property
    def ready(self) -> bool:
        """Whether a pod or a node is Ready, or all replicas wanted of a deployment or the like are."""
        condition = self.condition("Ready")
        if condition is not None:
            return condition.holds
        wanted = self.at("spec", "replicas")
        return isinstance(wanted, int) and self.number("status", "readyReplicas") == wanted

    @property
    def node(self) -> str:
        """The node that a pod runs on; empty while it has none."""
        return self.text("spec", "nodeName")

    @property
    def deleting(self) -> bool:
        """Whether it has been told to go: a pod that is Terminating."""
        return bool(self.text("metadata", "deletionTimestamp"))

    @property
    def address(self) -> str:
        """The address of a pod, or the cluster address of a service; empty while it has none."""
        found = self.text("status", "podIP") or self.text("spec", "clusterIP")
        return "" if found == "None" else found

    @property
    def node_ports(self) -> tuple[int, ...]:
        """The ports on which every node passes visitors on to a service."""
        ports = self.at("spec", "ports")
        many = len(ports) if isinstance(ports, Sequence) and not isinstance(ports, str) else 0
        found = (self.number("spec", "ports", index, "nodePort") for index in range(many))
        return tuple(port for port in found if port)

    @property
    def phase(self) -> str:
        """Of a pod: Pending, Running, Succeeded, Failed."""
        return self.text("status", "phase")

    @property
    def images(self) -> tuple[str, ...]:
        """The images of a pod's containers, or of the pods that a deployment or the like makes."""
        containers = self.at("spec", "containers") or self.at("spec", "template", "spec", "containers")
        if not isinstance(containers, Sequence) or isinstance(containers, str):
            return ()
        return tuple(str(one.get("image", "")) for one in containers if isinstance(one, Mapping))

    @classmethod
    def read(cls, answer: Answer, kind: str) -> KubeObject:
        """From an object of the API."""
        owners = tuple(answer.each("metadata", "ownerReferences"))
        return cls(
            kind=kind,
            name=answer.text("metadata", "name", default=""),
            namespace=answer.text("metadata", "namespace", default=""),
            labels=answer.labels("metadata", "labels"),
            raw={key: item.value for key, item in answer.entries()},
            conditions=tuple(
                Condition(
                    item.text("type", default=""),
                    item.text("status", default=""),
                    item.text("reason", default=""),
                    item.text("message", default=""),
                    item.moment("lastTransitionTime"),
                )
                for item in answer.each("status", "conditions")
            ),
            owner=f"{owners[0].text('kind', default='')}/{owners[0].text('name', default='')}" if owners else "",
        )


class Kube:
    """The lab's cluster, asked through its API and never changed."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._member: Node | None = None

    def get(self, kind: str, name: str, *, namespace: str = "default") -> KubeObject | None:
        """The object of that kind and name; None when there is none."""
        one = _one_kind(kind)
        answer = self._ask(f"{_path(one, namespace)}/{quote(name, safe='')}")
        return KubeObject.read(answer, one) if answer else None

    def list(
        self, kind: str, *, namespace: str | None = "default", labels: Mapping[str, str] | None = None
    ) -> tuple[KubeObject, ...]:
        """All objects of that kind in a namespace, or everywhere with None; only those with the `labels`."""
        one = _one_kind(kind)
        selector = ",".join(f"{name}={value}" for name, value in (labels or {}).items())
        query = f"?{urlencode({'labelSelector': selector})}" if selector else ""
        answer = self._ask(_path(one, namespace) + query)
        return tuple(KubeObject.read(item, one) for item in answer.each("items")) if answer else ()

    def nodes(self) -> tuple[KubeObject, ...]:
        """The cluster's nodes."""
        return self.list("node")

    def pods(
        self, *, namespace: str | None = "default", labels: Mapping[str, str] | None = None
    ) -> tuple[KubeObject, ...]:
        """The pods of a namespace."""
        return self.list("pod", namespace=namespace, labels=labels)

    def events(
        self, *, namespace: str | None = "default", reason: str | None = None, name: str | None = None
    ) -> tuple[Event, ...]:
        """What has happened of late; only with that `reason`, only to the object of that `name`."""
        found = (Event.read(one) for one in self.list("event", namespace=namespace))
        return tuple(one for one in found if reason in {None, one.reason} and name in {None, one.name})

    def revisions(self, deployment: str, *, namespace: str = "default") -> tuple[Revision, ...]:
        """The versions of a deployment's pods that its history has kept; the last one is what it wants now."""
        return revisions_of(deployment, self.list("replicaset", namespace=namespace))

    def logs(
        self, pod: str, *, container: str = "", namespace: str = "default", lines: int = _MOST_LINES
    ) -> str | None:
        """The last lines that a container of a pod has printed, at most 2,000; None when there is no such pod, and
        empty before it has been started.
        """
        query = {"tailLines": str(min(max(lines, 1), _MOST_LINES)), **({"container": container} if container else {})}
        answer = self._put(f"{_path('pod', namespace)}/{quote(pod, safe='')}/log?{urlencode(query)}")
        status, body = answer.integer("status"), answer.at("body")
        if status == _OK:
            return body if isinstance(body, str) else json.dumps(body)  # a log that happens to be JSON
        if status in {_NOT_FOUND, _BAD_REQUEST}:
            return None if status == _NOT_FOUND else ""
        raise _silent(f"It answered {status} when asked for a log: {json.dumps(body)[:200]}")

    def visits(self, pod: str, *, namespace: str = "default") -> Visits | None:
        """What a pod of the image `slipway/load` tells about its visits; None when there is no such pod."""
        log = self.logs(pod, namespace=namespace)
        return None if log is None else Visits.told(log)

    def exec(
        self, pod: str, argv: Sequence[str], *, container: str = "", namespace: str = "default", timeout: float = 10
    ) -> CommandResult:
        """Run a program in a pod, by the kubectl of the control plane; a list of words, never a shell line."""
        if isinstance(argv, str):
            raise TypeError(f"exec() takes a list of words: {argv.split()!r}")
        choice = ["--container", container] if container else []
        words = ["kubectl", "exec", "--namespace", namespace, pod, *choice, "--", *map(str, argv)]
        return self._control().run(words, timeout=timeout)

    def _control(self) -> Node:
        names = {one.name for one in self.nodes() if _CONTROL in one.labels}
        found = next((node for node in self._nodes if node.name in names), None)
        if found is None:
            raise _silent("No machine of the cluster says that it is the control plane.")
        return found

    def _ask(self, path: str) -> Answer | None:
        return _body(self._put(path))

    def _put(self, path: str) -> Answer:
        """The answer of the first node that belongs to the cluster and has power."""
        unavailable = ""
        for node in [self._member] if self._member else self._nodes:
            try:
                said = node._asker.ask(node.name, "kubernetes", {"path": path})  # noqa: SLF001 - one package
            except Refused as refusal:
                if refusal.code == "not-found":
                    continue  # not a node of the cluster
                if refusal.code == "bad-request":
                    raise ValueError(f"{node.name} did not accept {path}: {refusal.message}") from None
                if refusal.code == "unavailable":  # without power, say; another one may answer
                    unavailable = refusal.message
                    continue
                raise _silent(refusal.message) from None
            self._member = node
            return Answer(said, node.name, f"kubernetes {path.partition('?')[0]}")
        if unavailable:
            raise _silent(unavailable)
        raise LookupError("No machine of this lab is part of a Kubernetes cluster.")


def _body(answer: Answer) -> Answer | None:
    status, body = answer.integer("status"), answer.at("body")
    if isinstance(body, str):
        raise _silent("Its answer is too long to read." if status == _OK else body[:200])
    if status == _NOT_FOUND:
        return None
    if status != _OK:
        raise _silent(f"It answered {status}: {json.dumps(body)[:200]}")
    return Answer(body, answer.node, answer.place)


def _silent(observed: str) -> NotAsExpected:
    return NotAsExpected(
        expected="The cluster's API server answers.",
        observed=observed,
        hint="The control plane may be starting again; if it stays away, look at what stopped it.",
    )


def _one_kind(kind: str) -> str:
    """The kind in the singular and in small letters; authors write `pods`, `Pod` or `pod`."""
    small = kind.lower()
    for candidate in (small, small.removesuffix("s"), small.removesuffix("es"), small.removesuffix("ies") + "y"):
        if candidate in _KINDS:
            return candidate
    raise ValueError(f"lab.kube knows {', '.join(_KINDS)}, not {kind!r}")


def _path(kind: str, namespace: str | None) -> str:
    group, namespaced = _KINDS[kind]
    plural = {"endpoints": "endpoints", "ingress": "ingresses", "networkpolicy": "networkpolicies"}.get(
        kind, f"{kind}s"
    )
    if not namespaced or namespace is None:
        return f"{group}/{plural}"
    return f"{group}/namespaces/{quote(namespace, safe='')}/{plural}"
