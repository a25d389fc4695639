"""Locks across processes, held in Redis and lost within seconds when their holder dies.

A lock keeps two workers from doing the same work at the same time; it is never what makes the work correct, for Redis
may be restarted: everything done under a lock is idempotent.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from django.conf import settings
from redis.exceptions import LockError, RedisError

from slipway.core.logs import get_logger

_log = get_logger(__name__)
_LIFETIME = 6.0  # seconds a lock outlives its holder
_RENEWAL = 2.0


@functools.cache
def connection() -> redis.Redis:
    """This process's connection pool to Redis."""
    return redis.Redis.from_url(settings.SLIPWAY_REDIS_URL)


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Try to take the lock `name`; yields whether it was had. Never waits; renews itself while the block runs."""
    lock = connection().lock(f"lock:{name}", timeout=_LIFETIME, blocking=False, thread_local=False)
    if not lock.acquire():
        yield False
        return
    done = threading.Event()

    def renew() -> None:
        while not done.wait(_RENEWAL):
            try:
                lock.reacquire()
            except (LockError, RedisError) as error:
                _log.warning("lock not renewed", lock=name, error=repr(error))
                return

    renewer = threading.Thread(target=renew, name=f"renew {name}", daemon=True)
    renewer.start()
    try:
        yield True
    finally:
        done.set()
        renewer.join()
        try:
            lock.release()
        except (LockError, RedisError) as error:
            _log.warning("lock not released", lock=name, error=repr(error))


def is_held(name: str) -> bool:
    """Whether somebody holds the lock `name` right now."""
    return bool(connection().exists(f"lock:{name}"))
