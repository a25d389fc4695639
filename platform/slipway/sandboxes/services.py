"""Everything that writes rows of sandboxes: asking for one, moving it along its life, ending it.

Each service is one transaction that holds the row, its audit event and, on commit, the task and the news. No service
talks to an engine; tasks do, and come back here with the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from slipway.accounts.models import User
from slipway.core import clock
from slipway.core.errors import LearnerError
from slipway.core.events import publish, sandbox_group
from slipway.core.ids import SandboxId
from slipway.core.json import JSON
from slipway.core.logs import get_logger
from slipway.sandboxes import selectors
from slipway.sandboxes.files import NodeFile
from slipway.sandboxes.models import Sandbox, SandboxEvent
from slipway.sandboxes.states import LIVE, OVER, IllegalTransition, Phase, Reason, State
from slipway.sandboxes.topology import Topology

_log = get_logger(__name__)

# How much longer than its lease a node lives, so that the platform ends it first and can say why.
LEASE_MARGIN = timedelta(minutes=3)


def start_sandbox(*, owner: User, topology: Topology, files: Sequence[NodeFile] = ()) -> Sandbox:
    """Ask for a sandbox, with these files on its nodes. It starts when there is room; until then it has a place in
    the queue.

    Raises `LearnerError` when the owner has as many as they may, or the installation could never hold this one.
    """
    count = len(topology.nodes)
    if count > settings.SLIPWAY_CAPACITY_NODES:
        raise LearnerError("lab-too-large", "This installation is too small for the machines of this lab.")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)
        held = Sandbox.objects.filter(owner=owner).exclude(state__in=OVER).exclude(state=State.STOPPING).count()
        if held >= settings.SLIPWAY_SANDBOXES_PER_PERSON:
            raise LearnerError(
                "too-many-sandboxes",
                "You already have as many running labs as you may. End one of them under “My labs” first.",
            )
        now = clock.now()
        sandbox = Sandbox.objects.create(
            owner=owner,
            topology_data=topology.model_dump(mode="json"),
            files_data=[file.model_dump(mode="json") for file in files],
            node_count=count,
            requested_at=now,
            phase_at=now,
            last_used_at=now,
        )
        _record(sandbox, "requested", actor=owner)
        _later(_ask_for_admission)
        _tell(sandbox)
    return sandbox


def admit_waiting() -> list[Sandbox]:
    """Let waiting sandboxes start, in the order in which they were asked for, as far as there is room.

    The first that does not fit keeps those behind it waiting, so that a large one is never overtaken for ever.
    """
    with transaction.atomic():
        waiting = list(Sandbox.objects.select_for_update().filter(state=State.REQUESTED).order_by("requested_at"))
        if not waiting:
            return []
        used = Sandbox.objects.filter(state__in=LIVE).aggregate(total=Sum("node_count"))["total"] or 0
        admitted: list[Sandbox] = []
        for sandbox in waiting:
            if used + sandbox.node_count > settings.SLIPWAY_CAPACITY_NODES:
                break
            used += sandbox.node_count
            sandbox.starting_at = clock.now()
            _move(sandbox, State.STARTING)
            _enter_phase(sandbox, Phase.NETWORK)
            sandbox.save()
            _dispatch_start(sandbox)
            admitted.append(sandbox)
        if admitted:
            for sandbox in waiting[len(admitted) :]:
                _tell(sandbox)  # their place in the queue has changed
    return admitted


def record_phase(*, sandbox_id: SandboxId, phase: Phase) -> None:
    """A starting sandbox has come to this phase."""
    with transaction.atomic():
        sandbox = _locked(sandbox_id)
        if sandbox.current is State.STARTING and sandbox.phase != phase:
            _enter_phase(sandbox, phase)
            sandbox.save()


def record_start_error(*, sandbox_id: SandboxId, error: str) -> int:
    """An attempt to start failed; returns how many have failed so far."""
    with transaction.atomic():
        sandbox = _locked(sandbox_id)
        _record(sandbox, "start-error", detail={"error": error[:2000]})
        return sandbox.events.filter(kind="start-error").count()


def mark_ready(*, sandbox_id: SandboxId) -> Sandbox:
    """All machines answer: the lease begins. Does nothing when it was marked before."""
    with transaction.atomic():
        sandbox = _locked(sandbox_id)
        if sandbox.current is not State.STARTING:
            return sandbox
        now = clock.now()
        _enter_phase(sandbox, Phase.READY)
        sandbox.ready_at = sandbox.last_used_at = now
        sandbox.expires_at = now + timedelta(seconds=settings.SLIPWAY_LEASE)
        _move(sandbox, State.READY)
        sandbox.save()
    return sandbox


def mark_failed(*, sandbox_id: SandboxId, reason: Reason, detail: str = "") -> None:
    """The sandbox could not be started, and nothing of it is left."""
    with transaction.atomic():
        sandbox = _locked(sandbox_id)
        if sandbox.current in OVER:
            return
        _end(sandbox, State.FAILED, reason, detail)
        _later(_ask_for_admission)


def stop_sandbox(*, sandbox_id: SandboxId, reason: Reason, actor: User | None = None, detail: str = "") -> None:
    """Begin to end a sandbox; one that is ending or over is left alone, one that only waits is over at once."""
    with transaction.atomic():
        sandbox = _locked(sandbox_id)
        if sandbox.current in OVER or sandbox.current is State.STOPPING:
            return
        if sandbox.current is State.REQUESTED:
            _end(sandbox, State.GONE, reason, detail, actor=actor)
            return
        sandbox.reason, sandbox.reason_detail = reason, detail
        _move(sandbox, State.STOPPING, actor=actor)
        sandbox.save()
        _dispatch_stop(sandbox)


def stop_sandboxes_of(*, owner: User) -> None:
    """Begin to end everything that its owner has running or waiting."""
    for sandbox in Sandbox.objects.filter(owner=owner).exclude(state__in=OVER):
        stop_sandbox(sandbox_id=sandbox.sandbox_id, reason=Reason.STOPPED_BY_OWNER, actor=owner)


def mark_gone(*, sandbox_id: SandboxId) -> None:
    """Nothing of a stopping sandbox is left."""
    with transaction.atomic():
        sandbox = _locked(sandbox_id)
        if sandbox.current is State.STOPPING:
            _end(sandbox, State.GONE, Reason(sandbox.reason), sandbox.reason_detail)
            _later(_ask_for_admission)


def extend_lease(*, sandbox_id: SandboxId, actor: User) -> Sandbox:
    """Give the machines more time, up to the installation's limit. Raises `LearnerError` at the limit."""
    with transaction.atomic():
        sandbox = _locked(sandbox_id)
        if sandbox.current is not State.READY or sandbox.expires_at is None or sandbox.ready_at is None:
            raise LearnerError("not-running", "There are no running machines to give more time to.")
        limit = sandbox.ready_at + timedelta(seconds=settings.SLIPWAY_LEASE_MAX)
        wanted = min(sandbox.expires_at + timedelta(seconds=settings.SLIPWAY_LEASE_EXTENSION), limit)
        if wanted <= sandbox.expires_at:
            raise LearnerError("lease-at-limit", "These machines already have all the time a lab may have.")
        sandbox.expires_at = wanted
        sandbox.save(update_fields=["expires_at"])
        _record(sandbox, "extended", actor=actor)
        _dispatch_lease(sandbox)
        _tell(sandbox)
    return sandbox


def set_power(*, sandbox_id: SandboxId, node: str, plugged: bool, actor: User | None = None) -> Sandbox:
    """Take a node's power away, or give it back. A node that is so already stays so, and is told once more.

    Raises `LearnerError` when there is no such node or the machines do not run.
    """
    with transaction.atomic():
        sandbox = _locked(sandbox_id)
        if sandbox.current is not State.READY:
            raise LearnerError("not-running", "There are no running machines to plug in or unplug.")
        if node not in sandbox.topology.names:
            raise LearnerError("no-such-node", "There is no such machine in this lab.")
        if plugged is (node in sandbox.unplugged):
            others = [name for name in sandbox.unplugged if name != node]
            sandbox.unplugged = others if plugged else [*others, node]
            sandbox.untold = sorted({*sandbox.untold, node})
            sandbox.save(update_fields=["unplugged", "untold"])
            _record(sandbox, "plugged-in" if plugged else "unplugged", actor=actor, detail={"node": node})
            _tell(sandbox)
        _dispatch_power(sandbox, node)
    return sandbox


def record_power(*, sandbox_id: SandboxId, node: str, plugged: bool) -> bool:
    """A node has been told whether it has power. Returns whether that is still what the row says."""
    with transaction.atomic():
        sandbox = _locked(sandbox_id)
        if plugged is (node in sandbox.unplugged):
            return False
        sandbox.untold = [name for name in sandbox.untold if name != node]
        sandbox.save(update_fields=["untold"])
    return True


def touch_sandbox(*, sandbox_id: SandboxId) -> None:
    """Somebody is using the sandbox right now."""
    Sandbox.objects.filter(pk=sandbox_id).update(last_used_at=clock.now())


def _locked(sandbox_id: SandboxId) -> Sandbox:
    return Sandbox.objects.select_for_update().get(pk=sandbox_id)


def _move(sandbox: Sandbox, state: State, *, actor: User | None = None) -> None:
    if not sandbox.current.may_become(state):
        raise IllegalTransition(sandbox.current, state)
    sandbox.state = state
    _record(sandbox, state.value, actor=actor)
    _log.info("sandbox " + state.value, sandbox=str(sandbox.pk), reason=sandbox.reason or None)
    _tell(sandbox)


def _end(sandbox: Sandbox, state: State, reason: Reason, detail: str, *, actor: User | None = None) -> None:
    sandbox.reason, sandbox.reason_detail = reason, detail[:2000]
    sandbox.ended_at = clock.now()
    _move(sandbox, state, actor=actor)
    sandbox.save()


def _enter_phase(sandbox: Sandbox, phase: Phase) -> None:
    """Close the running phase with its measured length and begin the next."""
    now = clock.now()
    began = sandbox.phase_at or now
    length = round((now - began).total_seconds() * 1000)
    sandbox.phases = [*sandbox.phases, {"name": sandbox.phase, "ms": length}]
    sandbox.phase, sandbox.phase_at = phase.value, now
    _tell(sandbox)


def _record(
    sandbox: Sandbox, kind: str, *, actor: User | None = None, detail: Mapping[str, JSON] | None = None
) -> None:
    SandboxEvent.objects.create(sandbox=sandbox, at=clock.now(), kind=kind, actor=actor, detail=detail or {})


def _tell(sandbox: Sandbox) -> None:
    """On commit, send everyone who watches the sandbox what it has become."""
    transaction.on_commit(lambda: publish(sandbox_group(sandbox.pk), "sandbox.event", selectors.sandbox_news(sandbox)))


def _later(ask: Callable[[], None]) -> None:
    transaction.on_commit(ask)


def _ask_for_admission() -> None:
    from slipway.sandboxes import tasks  # noqa: PLC0415 - tasks call services; the circle is closed here

    tasks.dispatch(tasks.admit)


def _dispatch_start(sandbox: Sandbox) -> None:
    from slipway.sandboxes import tasks  # noqa: PLC0415 - as above

    _later(lambda: tasks.dispatch(tasks.start, str(sandbox.pk)))


def _dispatch_stop(sandbox: Sandbox) -> None:
    from slipway.sandboxes import tasks  # noqa: PLC0415 - as above

    _later(lambda: tasks.dispatch(tasks.stop, str(sandbox.pk)))


def _dispatch_lease(sandbox: Sandbox) -> None:
    from slipway.sandboxes import tasks  # noqa: PLC0415 - as above

    _later(lambda: tasks.dispatch(tasks.renew_lease, str(sandbox.pk)))


def _dispatch_power(sandbox: Sandbox, node: str) -> None:
    from slipway.sandboxes import tasks  # noqa: PLC0415 - as above

    _later(lambda: tasks.dispatch(tasks.apply_power, str(sandbox.pk), node))
