"""How many connections previews may hold: so many a sandbox, so many in all. Counted in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from slipway.core.ids import SandboxId

_A_SANDBOX = 32  # a browser opens six to an origin; a node's agent has 256 for everything
_IN_ALL = 512

_taken: Counter[SandboxId] = Counter()


@contextmanager
def place(sandbox: SandboxId) -> Iterator[bool]:
    """Take a place for one connection; yields whether there was one."""
    if _taken[sandbox] >= _A_SANDBOX or _taken.total() >= _IN_ALL:
        yield False
        return
    _taken[sandbox] += 1
    try:
        yield True
    finally:
        _taken[sandbox] -= 1
        if not _taken[sandbox]:
            del _taken[sandbox]
