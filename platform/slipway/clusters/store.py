"""What Redis keeps of pictures: the latest of each sandbox, for pages that connect, and who is looking at one.

Both are gone by themselves soon after nobody renews them; a Redis that was restarted is filled again by the followers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from slipway.core import locks
from slipway.core.json import JSON

_KEPT_SECONDS = 60
_WATCHED_SECONDS = 30


def _picture(sandbox: UUID | str) -> str:
    return f"cluster:{sandbox}"


def _watch(sandbox: UUID | str) -> str:
    return f"cluster-watched:{sandbox}"


def keep(sandbox: UUID, event: Mapping[str, JSON]) -> None:
    """Keep a `cluster` event that holds everything. Raises what the Redis client raises, as all here."""
    locks.connection().set(_picture(sandbox), json.dumps(event), ex=_KEPT_SECONDS)


def renew(sandbox: UUID) -> bool:
    """Keep the latest picture for longer; False when there is none any more."""
    return bool(locks.connection().expire(_picture(sandbox), _KEPT_SECONDS))


def latest(sandbox: UUID) -> dict[str, JSON] | None:
    """The latest picture as its `cluster` event; None when nobody has made one lately."""
    kept = locks.connection().get(_picture(sandbox))
    event = json.loads(kept) if isinstance(kept, bytes) else None
    return event if isinstance(event, dict) else None


def watch(sandbox: UUID) -> None:
    """Somebody looks at the picture, and will for the next seconds."""
    locks.connection().set(_watch(sandbox), 1, ex=_WATCHED_SECONDS)


def is_watched(sandbox: UUID) -> bool:
    """Whether somebody looks at the picture."""
    return bool(locks.connection().exists(_watch(sandbox)))


def count() -> tuple[int, int]:
    """How many sandboxes have a picture now, and how many of these somebody looks at."""
    redis = locks.connection()
    pictures, watched = (sum(1 for _ in redis.scan_iter(match=name("*"), count=1000)) for name in (_picture, _watch))
    return pictures, watched
