"""Waiting on conditions with deadlines; no test waits in any other way."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


def wait_until(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Wait for a condition with a deadline; fails with a sentence."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come about within {seconds} s")
        time.sleep(0.02)
