"""Prints where Go and Node.js are, for scripts that need them."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from slipway.operations import toolchains


class Command(BaseCommand):
    """`manage.py toolchains`."""

    help = "Print the PATH on which go, node and npm are recent enough; installs them when the machine lacks them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--shell` prints a line for `eval`."""
        parser.add_argument("--shell", action="store_true", help="print an export line for eval")

    def handle(self, *_: Any, shell: bool, **__: Any) -> None:
        """Print it."""
        path = toolchains.environment(settings.SLIPWAY_CACHE)["PATH"]
        self.stdout.write(f"export PATH={shlex.quote(path)} GOTOOLCHAIN=local" if shell else path)
