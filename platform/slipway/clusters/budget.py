"""How much of a node's event stream is read: what is not read waits in the node, whose agent then drops it."""

from __future__ import annotations

import time
from collections.abc import Callable

EVENTS_A_SECOND = 200


class EventBudget:
    """Counts one stream's events in seconds."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._since = now()
        self._count = 0

    def spend(self) -> float:
        """Count one event; returns how many seconds to wait before the next is read, usually none."""
        moment = self._now()
        if moment - self._since >= 1:
            self._since, self._count = moment, 0
        self._count += 1
        return self._since + 1 - moment if self._count >= EVENTS_A_SECOND else 0
