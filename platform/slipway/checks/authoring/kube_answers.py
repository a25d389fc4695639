"""What a cluster tells of its past: events, and the revisions of a deployment.

They are made of a `KubeObject`, which has read them and trusted nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.checks.authoring.kube import KubeObject

_REVISION = "deployment.kubernetes.io/revision"
_FORMER = "deployment.kubernetes.io/revision-history"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an object, kept for an hour; `reason` is one word: Scheduled, Killing, BackOff."""

    reason: str
    message: str
    kind: str
    """Of the object that it happened to: Pod, ReplicaSet, Node."""
    name: str
    warning: bool
    count: int
    last: datetime | None

    @classmethod
    def read(cls, found: KubeObject) -> Event:
        """From an object of the API."""
        return cls(
            reason=found.text("reason"),
            message=found.text("message"),
            kind=found.text("involvedObject", "kind"),
            name=found.text("involvedObject", "name"),
            warning=found.text("type") == "Warning",
            count=max(1, found.number("count"), found.number("series", "count")),
            last=found.moment("series", "lastObservedTime")
            or found.moment("lastTimestamp")
            or found.moment("eventTime"),
        )


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a deployment's pods, as `kubectl rollout history` lists them."""

    number: int
    former: tuple[int, ...]
    """The numbers it had before it was rolled back to; empty for one that was never left."""
    replica_set: str
    images: tuple[str, ...]
    wanted: int
    """How many pods of it there shall be now: none, once a later one has replaced it."""
    ready: int
    created: datetime | None


def revisions_of(deployment: str, replica_sets: Iterable[KubeObject]) -> tuple[Revision, ...]:
    """The revisions among the replica sets, the oldest number first."""
    found = [
        Revision(
            number=_number(one.text("metadata", "annotations", _REVISION)),
            former=_numbers(one.text("metadata", "annotations", _FORMER)),
            replica_set=one.name,
            images=one.images,
            wanted=one.number("spec", "replicas"),
            ready=one.number("status", "readyReplicas"),
            created=one.moment("metadata", "creationTimestamp"),
        )
        for one in replica_sets
        if one.owner == f"Deployment/{deployment}"
    ]
    return tuple(sorted(found, key=lambda revision: revision.number))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(_number(part) for part in text[:200].split(",") if part)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
