"""What a live installation's database says of labs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from slipway.core.ids import SandboxId
from tests.browsing import Visitor
from tests.live import LivePlatform
from tests.waiting import wait_until

LAB = "docker-networking"


@dataclass(frozen=True)
class SandboxRow:
    """A sandbox as the database has it."""

    sandbox: SandboxId
    state: str
    phase: str


def sandbox_row(platform: LivePlatform, attempt: str) -> SandboxRow:
    """The row of an attempt's sandbox."""
    query = (
        "SELECT s.id, s.state, s.phase FROM sandboxes_sandbox s"
        " JOIN attempts_attempt a ON a.sandbox_id = s.id WHERE a.id = ?"
    )
    ((key, state, phase),) = platform.rows(query, attempt.replace("-", ""))
    return SandboxRow(SandboxId(uuid.UUID(str(key))), str(state), str(phase))


def ready_attempt(platform: LivePlatform, visitor: Visitor, lab: str = LAB) -> str:
    """Start the lab and wait until its machines are ready; returns the attempt's id."""
    attempt = visitor.start_lab(lab)
    wait_until(lambda: sandbox_row(platform, attempt).state == "ready", seconds=60, what="a ready sandbox")
    return attempt


@dataclass(frozen=True)
class CheckRow:
    """The latest result of a check as the database has it."""

    held: bool
    outcome: str
    observed: str


def check_row(platform: LivePlatform, attempt: str, check: str) -> CheckRow | None:
    """The record of an attempt's check; None when it has not been looked at."""
    query = "SELECT held, outcome, observed FROM attempts_checkrecord WHERE attempt_id = ? AND check_name = ?"
    found = platform.rows(query, attempt.replace("-", ""), check)
    return CheckRow(bool(found[0][0]), str(found[0][1]), str(found[0][2])) if found else None
