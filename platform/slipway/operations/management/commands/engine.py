"""Runs our own Docker Engine in the foreground."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

from slipway.operations.installation import engine_config


class Command(BaseCommand):
    """`manage.py engine`."""

    help = "Run our own Docker Engine, in namespaces of its own, until SIGTERM or Ctrl-C; leaves nothing behind."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        """Become the engine's launcher: a process without Django, of one thread, as it must be to make namespaces."""
        command = [sys.executable, "-m", "slipway.operations.engine", engine_config().to_json()]
        os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[1:])
        os.execv(sys.executable, command)  # noqa: S606 - there is nothing for a shell to do
