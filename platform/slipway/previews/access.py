"""Who may look at which port: tickets, passes, and whether their reasons still hold. Rows are read, Redis is written.

A label names one port of one node of one person's sandbox. A page gets a ticket for it, good once and for a minute;
the preview's origin exchanges it for a pass, which a cookie carries. A pass is worth as much as the sign-in it came
from: it ends with the session, with the machines, or after hours.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

from django.conf import settings

from slipway.accounts.selectors import still_signed_in
from slipway.core.errors import LearnerError
from slipway.core.ids import SandboxId
from slipway.core.json import JSON, as_int, as_mapping, as_text
from slipway.core.locks import connection
from slipway.previews.hosts import new_label
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.services import touch_sandbox
from slipway.sandboxes.states import Reason, State

_TICKET_SECONDS = 60
_BELIEVED_SECONDS = 2.0  # how long a look at session and sandbox is good for; a page of fifty pictures is one look
_TOUCH_SECONDS = 60.0
_MOST_REMEMBERED = 2000


@dataclass(frozen=True)
class Target:
    """What a label leads to."""

    owner: int
    sandbox: SandboxId
    node: str
    port: int


@dataclass(frozen=True)
class Entry:
    """Under which sign-in a preview was opened, from a page of which origin, in which language."""

    label: str
    session: str
    origin: str
    language: str


@dataclass(frozen=True)
class Visit:
    """A pass that holds: where it leads, and where it came from."""

    target: Target
    entry: Entry


def label_for(target: Target) -> str:
    """The target's label: a new one, or the one it has, so that a reload finds the same origin with its storage."""
    lifetime = settings.SLIPWAY_LEASE_MAX + 3600
    key = f"preview:of:{target.owner}:{target.sandbox}:{target.node}:{target.port}"
    connection().set(key, new_label(), nx=True, ex=lifetime)
    label = _text(key)
    connection().expire(key, lifetime)
    _put(f"preview:label:{label}", {**asdict(target), "sandbox": str(target.sandbox)}, lifetime)
    return label


def issue_ticket(entry: Entry) -> str:
    """A ticket that opens the label once. Whoever calls has seen that the person may."""
    ticket = secrets.token_urlsafe(32)
    _put(f"preview:ticket:{ticket}", asdict(entry), _TICKET_SECONDS)
    return ticket


def redeem(ticket: str, label: str) -> tuple[Visit, str]:
    """Exchange a ticket, which is used up, for a pass; returns its secret as well. Raises `LearnerError`."""
    raw = connection().getdel(f"preview:ticket:{ticket[:64]}")
    entry = _entry(_parsed(raw))
    if entry is None or entry.label != label:
        raise _not_open()
    visit = _look(entry)
    secret = secrets.token_urlsafe(32)
    _put(f"preview:pass:{secret}", asdict(entry), settings.SLIPWAY_LEASE_MAX + 3600)
    return visit, secret


def visit(label: str, secret: str) -> Visit:
    """What this pass opens on this label's origin, now. Raises `LearnerError` with the reason when nothing."""
    known = _seen.get((label, secret))
    if known and known[1] > time.monotonic():
        return known[0]
    _seen.pop((label, secret), None)
    entry = _entry(_get(f"preview:pass:{secret[:64]}"))
    if entry is None or entry.label != label:
        raise _not_open()
    found = _look(entry)
    _touch(found.target.sandbox)
    if len(_seen) >= _MOST_REMEMBERED:
        _seen.clear()
    _seen[label, secret] = (found, time.monotonic() + _BELIEVED_SECONDS)
    return found


def _touch(sandbox: SandboxId) -> None:
    """A sandbox that somebody looks at is not idle; written down once a minute at most."""
    now = time.monotonic()
    if _touched.get(sandbox, now) > now:
        return
    if len(_touched) >= _MOST_REMEMBERED:
        _touched.clear()
    _touched[sandbox] = now + _TOUCH_SECONDS
    touch_sandbox(sandbox_id=sandbox)


_seen: dict[tuple[str, str], tuple[Visit, float]] = {}
_touched: dict[SandboxId, float] = {}


def _look(entry: Entry) -> Visit:
    """Look at the rows: the session must be there, and the sandbox its person's own and running."""
    target = _target(_get(f"preview:label:{entry.label}"))
    if target is None:
        raise _not_open()
    if not still_signed_in(session=entry.session, person=target.owner):
        raise LearnerError("signed-out", "You are signed out. Sign in again, then open this preview from the lab page.")
    sandbox = Sandbox.objects.filter(pk=target.sandbox, owner=target.owner).first()
    if sandbox is None:
        raise _not_open()
    if sandbox.current is not State.READY:
        raise LearnerError("ended", str(Reason(sandbox.reason).label) or "These machines have ended.")
    return Visit(target, entry)


def _not_open() -> LearnerError:
    return LearnerError("not-open", "This preview is not open in this browser. Open it from the lab page.")


def _put(key: str, value: Mapping[str, JSON], seconds: int) -> None:
    connection().set(key, json.dumps(value), ex=seconds)


def _text(key: str) -> str:
    value = connection().get(key)
    return value.decode() if isinstance(value, bytes) else ""


def _get(key: str) -> Mapping[str, JSON]:
    return _parsed(connection().get(key))


def _parsed(value: object) -> Mapping[str, JSON]:
    return as_mapping(json.loads(value)) if isinstance(value, bytes) else {}


def _entry(value: Mapping[str, JSON]) -> Entry | None:
    label, session, origin, language = (as_text(value.get(name)) for name in ("label", "session", "origin", "language"))
    return Entry(label, session, origin, language) if label and session else None


def _target(value: Mapping[str, JSON]) -> Target | None:
    if not value:
        return None
    sandbox = SandboxId(UUID(as_text(value.get("sandbox"))))
    return Target(as_int(value.get("owner")), sandbox, as_text(value.get("node")), as_int(value.get("port")))
