"""One process at a time on a folder: a lock that its holder's death gives back, however it dies.

Knows nothing of Django, since the engine's process uses it as well.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SomebodyElse(Exception):
    """Another process holds the lock; the message is its pid, or "?" while it writes that down."""


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold the lock file for as long as the context lasts. Raises `SomebodyElse` when another process does."""
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise SomebodyElse(file.read().strip() or "?") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
