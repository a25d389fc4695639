"""How often a sandbox is looked at, and how looks are kept from taking more than their share of this process."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between one thing and the next."""

    settle: float = 0.07  # one command makes a burst of events; one look answers them all
    rest: float = 0.2  # at least, after a look
    longest_rest: float = 5.0
    slow: float = 8.0  # when nothing happens
    unsettled: float = 0.5  # between looks at a swarm with tasks under way, or at a cluster that does not answer
    stuck: float = 2.0  # the same once nothing has moved for `patience`
    patience: float = 30.0
    flood: float = 5.0  # for how long a node counts as loud after it was
    traffic: float = 1.0


_SHARE = 9  # a node that is busy all the time gets a tenth of this process


async def rest(pace: Pace, began: float) -> None:
    """Rest after a look that began when this process had spent so much time: what it spent since is at least what the
    look cost; idle, it is just that.
    """
    cost = time.process_time() - began
    await asyncio.sleep(min(max(pace.rest, _SHARE * cost), pace.longest_rest))


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, at most so long; says whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
