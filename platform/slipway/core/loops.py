"""An event loop in a thread of its own, for processes whose main work is not asynchronous (the worker).

Streams to nodes belong to one loop; keeping it lets one task reuse the streams that the last one opened.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for callers in other threads."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name=name, daemon=True).start()

    def run(self, coroutine: Coroutine[Any, Any, T], *, timeout: float) -> T:
        """Wait for the coroutine's result; cancels it and raises `TimeoutError` after `timeout` seconds."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise


_lock = threading.Lock()
_worker_loop: LoopThread | None = None


def worker_loop() -> LoopThread:
    """This process's shared loop thread, made at first use (after any fork)."""
    global _worker_loop  # noqa: PLW0603 - one a process is the point
    with _lock:
        if _worker_loop is None:
            _worker_loop = LoopThread("worker loop")
        return _worker_loop
