"""Everything that reads rows of sandboxes for others. Writes nothing, talks to no engine."""

from __future__ import annotations

import statistics
from uuid import UUID

from slipway.accounts.models import User
from slipway.core.errors import LearnerError
from slipway.core.json import JSON
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.states import Reason, State

_NODE_WORDS = {
    State.REQUESTED: "waiting",
    State.STARTING: "starting",
    State.READY: "ready",
    State.STOPPING: "down",
    State.GONE: "gone",
    State.FAILED: "gone",
}


def get_sandbox(*, sandbox_id: UUID, owner: User) -> Sandbox:
    """The owner's sandbox of that id. Raises `LearnerError` when there is none or it is somebody else's."""
    sandbox = Sandbox.objects.filter(pk=sandbox_id, owner=owner).first()
    if sandbox is None:
        raise LearnerError("no-such-sandbox", "There are no such machines, or they are not yours.")
    return sandbox


def place_in_queue(sandbox: Sandbox) -> int | None:
    """How many sandboxes start before this one, counting itself: 1 is next. None when it does not wait."""
    if sandbox.current is not State.REQUESTED:
        return None
    return Sandbox.objects.filter(state=State.REQUESTED, requested_at__lt=sandbox.requested_at).count() + 1


def usual_start_seconds(node_count: int) -> float | None:
    """The median time lately from admission to ready for sandboxes of that many nodes; None when unknown."""
    recent = (
        Sandbox.objects.filter(node_count=node_count, ready_at__isnull=False, starting_at__isnull=False)
        .order_by("-ready_at")
        .values_list("starting_at", "ready_at")[:20]
    )
    times = [(ready - started).total_seconds() for started, ready in recent if ready and started]
    return round(statistics.median(times), 1) if times else None


def sandbox_news(sandbox: Sandbox) -> dict[str, JSON]:
    """What pages are told about a sandbox."""
    state = sandbox.current
    starting = state in {State.REQUESTED, State.STARTING}
    return {
        "type": "sandbox",
        "sandbox": str(sandbox.pk),
        "state": state.value,
        "phase": sandbox.phase,
        "phases": list(sandbox.phases),
        "place": place_in_queue(sandbox),
        "usual_seconds": usual_start_seconds(sandbox.node_count) if starting else None,
        "reason": sandbox.reason,
        "sentence": str(Reason(sandbox.reason).label),
        "expires_at": sandbox.expires_at.isoformat() if sandbox.expires_at else None,
        "nodes": [
            {"name": node.name, "kind": node.kind.value, "state": _node_word(sandbox, node.name)}
            for node in sandbox.topology.nodes
        ],
    }


def _node_word(sandbox: Sandbox, node: str) -> str:
    if sandbox.current is State.READY and node in sandbox.unplugged:
        return "unplugged"
    return _NODE_WORDS[sandbox.current]
