"""Installs and builds what is missing, and starts nothing."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from slipway.operations import preparation


class Command(BaseCommand):
    """`manage.py prepare`."""

    help = "Install packages and build the pages and the nodes' images, as far as they are missing or out of date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--for-tests` adds the browser, the Kubernetes nodes' image and Kubernetes' own tests."""
        parser.add_argument(
            "--for-tests", action="store_true", help="also what only the tests need, and what `serve` builds later"
        )

    def handle(self, *_: Any, for_tests: bool, **__: Any) -> None:
        """Prepare."""
        try:
            preparation.prepare(Console(highlight=False), for_tests=for_tests)
        except preparation.PreparationFailed as failure:
            raise CommandError(str(failure)) from failure
        self.stdout.write(f"Everything is there; builds are kept in {settings.SLIPWAY_CACHE}.")
