"""What the order desk remembers, kept in Redis: orders that wait, how many are done, who answered how many visitors.

Web fronts and workers hold nothing themselves, so any of them may come and go. An order is taken by one worker at a
time; when that worker is lost on the way, another one takes it over after a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

_ORDERS = "orders"
_WORKERS = "workers"
_ABANDONED = 10_000  # milliseconds after which a worker that has not finished an order counts as lost
_PATIENCE = 1.0  # seconds


@dataclass(frozen=True)
class Figures:
    """How the desk is doing; `answers` has the number of visits that each task of the web front has answered."""

    visits: int
    placed: int
    done: int
    waiting: int
    answers: Mapping[str, int]


class Desk:
    """The one door to the store. Every method raises `redis.exceptions.RedisError` while the store is away."""

    def __init__(self, store: redis.Redis, *, abandoned: int = _ABANDONED) -> None:
        self._store = store
        self._abandoned = abandoned

    @classmethod
    def at(cls, host: str) -> Desk:
        """The desk whose store is on that host; nothing is asked of it yet."""
        once_more = Retry(NoBackoff(), 1)  # for a connection that the store has lost; visitors do not wait for longer
        return cls(
            redis.Redis(host=host, decode_responses=True, socket_timeout=3, socket_connect_timeout=2, retry=once_more)
        )

    def count_visit(self, task: str) -> None:
        """That task of the web front answers a visitor."""
        together = self._store.pipeline()
        together.incr("visits")
        together.hincrby("answers", task, 1)
        together.execute()

    def place(self) -> int:
        """Put one more order into the queue; returns its number."""
        together = self._store.pipeline()
        together.incr("placed")
        together.xadd(_ORDERS, {"for": "whoever asked"})
        number, _ = together.execute()
        return int(number)

    def take(self, worker: str, *, patience: float = _PATIENCE) -> str | None:
        """The id of an order that is now this worker's; None when there was none for `patience` seconds."""
        try:
            left_behind = self._store.xautoclaim(_ORDERS, _WORKERS, worker, min_idle_time=self._abandoned, count=1)
            if left_behind[1]:
                return str(left_behind[1][0][0])
            found = self._store.xreadgroup(
                _WORKERS, worker, {_ORDERS: ">"}, count=1, block=max(1, round(1000 * patience))
            )
        except redis.exceptions.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._found_group()
            return None
        return str(found[0][1][0][0]) if found else None

    def finish(self, order: str) -> bool:
        """The order is carried out; False when it had been finished by somebody else already."""
        if not self._store.xack(_ORDERS, _WORKERS, order):
            return False
        together = self._store.pipeline()
        together.xdel(_ORDERS, order)
        together.incr("done")
        together.execute()
        return True

    def figures(self) -> Figures:
        """How the desk is doing now."""
        together = self._store.pipeline()
        together.mget("visits", "placed", "done")
        together.xlen(_ORDERS)
        together.hgetall("answers")
        counts, waiting, answers = together.execute()
        visits, placed, done = (int(count or 0) for count in counts)
        return Figures(visits, placed, done, int(waiting), {task: int(count) for task, count in answers.items()})

    def _found_group(self) -> None:
        """A store that has just been started knows nothing of workers yet."""
        try:
            self._store.xgroup_create(_ORDERS, _WORKERS, id="0", mkstream=True)
        except redis.exceptions.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # another worker was quicker
                raise
