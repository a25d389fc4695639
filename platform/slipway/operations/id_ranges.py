"""Chooses the range of user ids that nodes run under.

The engine reads it from files of its own namespace, so the host's /etc/subuid and /etc/subgid are read, to stay
clear of what is there, and never written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

REMAP_USER = "slipway-remap"

# 1,000 ranges of 65,536 ids. The start lies in the part of the id space that systemd's allocation leaves unused.
_SIZE = 65_536_000
_FIRST = 0x7000_0000
_LAST = 0x7FFF_0000


@dataclass(frozen=True)
class IdRange:
    """`size` consecutive ids from `start`; id 0 of a node is `start` on the host."""

    start: int
    size: int = _SIZE

    def overlaps(self, start: int, size: int) -> bool:
        """Whether any id lies in both ranges."""
        return start < self.start + self.size and self.start < start + size


def choose_range(tables: Iterable[str]) -> IdRange:
    """The first range that no line of the given subuid and subgid tables touches.

    Raises `LookupError` when the host has handed out everything.
    """
    taken = [entry for table in tables for line in table.splitlines() if (entry := _entry(line))]
    start = _FIRST
    while start + _SIZE <= _LAST:
        candidate = IdRange(start)
        clash = next((other for other in taken if candidate.overlaps(*other)), None)
        if clash is None:
            return candidate
        start = clash[0] + clash[1]
    raise LookupError(f"no free range of {_SIZE:,} user ids between {_FIRST:,} and {_LAST:,}")


def _entry(line: str) -> tuple[int, int] | None:
    """Start and size of one `name:start:size` line; None for comments and what cannot be read."""
    parts = line.strip().split(":")
    if len(parts) != 3 or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return None
    return int(parts[1]), int(parts[2])
