"""The life of a sandbox as one explicit machine: states, what may follow what, and why machines ended.

Nothing else decides whether a transition is legal. Every end has a reason that the learner can read.
"""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    """Where a sandbox is in its life."""

    REQUESTED = "requested", _("waiting for a place")
    STARTING = "starting", _("starting")
    READY = "ready", _("ready")
    STOPPING = "stopping", _("stopping")
    GONE = "gone", _("ended")
    FAILED = "failed", _("failed")

    @property
    def is_live(self) -> bool:
        """Whether the engine may hold something of this sandbox."""
        return self in LIVE

    @property
    def is_over(self) -> bool:
        """Whether nothing will ever happen to this sandbox again."""
        return self in OVER

    def may_become(self, other: State) -> bool:
        """Whether the machine allows this transition."""
        return other in _TRANSITIONS[self]


LIVE = frozenset({State.STARTING, State.READY, State.STOPPING})
OVER = frozenset({State.GONE, State.FAILED})

_TRANSITIONS: dict[State, frozenset[State]] = {
    State.REQUESTED: frozenset({State.STARTING, State.GONE, State.FAILED}),
    State.STARTING: frozenset({State.READY, State.STOPPING, State.FAILED}),
    State.READY: frozenset({State.STOPPING}),
    State.STOPPING: frozenset({State.GONE}),
    State.GONE: frozenset(),
    State.FAILED: frozenset(),
}


class Phase(StrEnum):
    """What a starting sandbox is busy with; reported as it happens, measured on the way."""

    QUEUED = "queued"
    NETWORK = "network"
    NODES = "nodes"
    ENGINE = "engine"
    CLUSTER = "cluster"
    READY = "ready"


class Reason(TextChoices):
    """Why the machines ended, as a sentence for the learner."""

    NONE = "", ""
    EXPIRED = "expired", _("The time for these machines was over.")
    IDLE = "idle", _("Nobody had used these machines for a while.")
    STOPPED_BY_OWNER = "stopped-by-owner", _("You ended these machines.")
    STOPPED_BY_INSTRUCTOR = "stopped-by-instructor", _("Your instructor ended these machines.")
    SUBMITTED = "submitted", _("You submitted the lab, so its machines were ended.")
    NODE_ENDED = "node-ended", _("One of the machines was switched off from inside.")
    OUT_OF_MEMORY = "out-of-memory", _("One of the machines ran out of memory and was ended.")
    ENGINE_LOST = "engine-lost", _("Our engine lost these machines. That was not your doing.")
    START_FAILED = (
        "start-failed",
        _("The machines could not be started. That was not your doing, and nothing was lost."),
    )
    IMAGE_MISSING = (
        "image-missing",
        _("The machines of this lab are still being built. Try again in a few minutes."),
    )
    START_TOO_SLOW = (
        "start-too-slow",
        _("The machines took too long to start. That was not your doing, and nothing was lost."),
    )


class IllegalTransition(RuntimeError):
    """A programming error: the state machine was asked for a step it does not have."""

    def __init__(self, current: State, wanted: State) -> None:
        super().__init__(f"a sandbox that is {current.value} cannot become {wanted.value}")
