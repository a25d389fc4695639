"""The time, as the platform sees it. Tests move it; nothing else may.

Everything that compares or stores a moment asks here, so that a lease of an hour is tested in a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone

_offset = timedelta()


def now() -> datetime:
    """The current moment, with a time zone."""
    return timezone.now() + _offset


@contextmanager
def moved_by(**amount: float) -> Iterator[None]:
    """For tests: within the block it is that much later (`hours=1`, as for `timedelta`)."""
    global _offset  # noqa: PLW0603 - one clock for the whole process is the point
    before = _offset
    _offset += timedelta(**amount)
    try:
        yield
    finally:
        _offset = before
