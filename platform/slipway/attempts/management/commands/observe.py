"""Runs the observer until interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import signal
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand

from slipway.attempts.observer import Observer
from slipway.core.standby import stand_by
from slipway.sandboxes.backends import get_backend

# What is imported only at its first use otherwise, after the fork: the channel layer, the way to the broker, checks.
_USED_LATER = ("channels_redis.core", "kombu.transport.redis", "celery.app.amqp", "redis.asyncio")


class Command(BaseCommand):
    """`manage.py observe`."""

    help = "Follow every live sandbox and ask for its checks when something changes. Ends on SIGTERM or Ctrl-C."

    def handle(self, *_: Any, **__: Any) -> None:
        """Run until a signal says otherwise, in a child that is replaced at once when it dies."""
        for module in _USED_LATER:
            importlib.import_module(module)
        current_app.finalize(auto=True)
        backend = get_backend()
        stand_by()
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_observe(Observer(backend)))


async def _observe(observer: Observer) -> None:
    observing = asyncio.create_task(observer.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, observing.cancel)
    await observing
