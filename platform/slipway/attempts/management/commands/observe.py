"""Runs the observer until interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any

from django.core.management.base import BaseCommand

from slipway.attempts.observer import Observer
from slipway.sandboxes.backends import get_backend


class Command(BaseCommand):
    """`manage.py observe`."""

    help = "Follow every live sandbox and ask for its checks when something changes. Ends on SIGTERM or Ctrl-C."

    def handle(self, *_: Any, **__: Any) -> None:
        """Run until a signal says otherwise."""
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_observe())


async def _observe() -> None:
    observing = asyncio.create_task(Observer(get_backend()).run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, observing.cancel)
    await observing
