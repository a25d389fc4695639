"""The one door through which news leaves for pages: groups of the channel layer, after the transaction commits.

A message may be lost (the layer delivers at most once); whoever listens asks for the whole state when it connects.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from slipway.core.json import JSON
from slipway.core.logs import get_logger

_log = get_logger(__name__)


def sandbox_group(sandbox: UUID) -> str:
    """The group that hears of changes of one sandbox."""
    return f"sandbox.{sandbox}"


def attempt_group(attempt: UUID) -> str:
    """The group that hears of changes of one attempt."""
    return f"attempt.{attempt}"


def publish(group: str, kind: str, event: Mapping[str, JSON]) -> None:
    """Send `event` to everyone in the group once the running transaction has committed.

    `kind` names the consumer's handler (`sandbox.event`). A layer that is down costs the page a moment of news,
    never the caller its work.
    """

    transaction.on_commit(lambda: async_to_sync(publish_now)(group, kind, event))


async def publish_now(group: str, kind: str, event: Mapping[str, JSON]) -> None:
    """As `publish`, at once: for news that no row knows of."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        await layer.group_send(group, {"type": kind, "event": dict(event)})
    except Exception as error:  # noqa: BLE001 - whatever the layer's driver raises
        _log.warning("news not delivered", group=group, error=repr(error))
