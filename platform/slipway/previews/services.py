"""Opening previews for pages of the platform: is it theirs, is it set up, and under which address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID

from slipway.accounts.models import User
from slipway.core.errors import LearnerError
from slipway.previews.access import Entry, Target, issue_ticket, label_for
from slipway.previews.addresses import enter_url, preview_origin
from slipway.previews.hosts import host_of_previews, is_loopback
from slipway.sandboxes import selectors
from slipway.sandboxes.states import Reason, State

NOT_SET_UP = (
    "Previews are not set up for the address under which you reached this page. "
    "Whoever runs this installation can give them a name (SLIPWAY_PREVIEW_HOST)."
)


class Mode(StrEnum):
    """How a page can show previews."""

    FRAME = "frame"
    """Beside the guide, and in a window."""
    WINDOW = "window"
    """In a window only: without TLS browsers give a frame of another origin no cookies."""
    NONE = "none"


@dataclass(frozen=True)
class OpenedPreview:
    """An address that opens the preview, once and within a minute."""

    url: str
    mode: Mode


def mode_for(page_origin: str) -> Mode:
    """How a page of this origin (`http://localhost:8000`) can show previews."""
    parts = urlsplit(page_origin)
    if not host_of_previews(parts.netloc):
        return Mode.NONE
    return Mode.FRAME if parts.scheme == "https" or is_loopback(parts.hostname or "") else Mode.WINDOW


def open_preview(
    *, sandbox_id: UUID | None, owner: User, session: str, node: str, port: int, page_origin: str, language: str
) -> OpenedPreview:
    """Let the owner, in this session, look at a port of a node. Raises `LearnerError` when they may not."""
    if sandbox_id is None:
        raise LearnerError("no-such-sandbox", "There are no such machines, or they are not yours.")
    sandbox = selectors.get_sandbox(sandbox_id=sandbox_id, owner=owner)
    mode = mode_for(page_origin)
    if mode is Mode.NONE:
        raise LearnerError("previews-not-set-up", NOT_SET_UP)
    if node not in sandbox.topology.names:
        raise LearnerError("no-such-node", "There is no such machine in this lab.")
    if not 0 < port < 65536:
        raise LearnerError("no-such-port", "A port is a number from 1 to 65535.")
    if sandbox.current in {State.REQUESTED, State.STARTING}:
        raise LearnerError("not-ready", "The machines are still starting.")
    if sandbox.current is not State.READY:
        raise LearnerError("ended", str(Reason(sandbox.reason).label))
    label = label_for(Target(owner.pk, sandbox.sandbox_id, node, port))
    ticket = issue_ticket(Entry(label, session, page_origin, language))
    return OpenedPreview(enter_url(preview_origin(page_origin, label), ticket), mode)
