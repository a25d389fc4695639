"""Builds the images of nodes, examiner, registry and learners, as far as they are missing."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from slipway.operations.images.rootfs import BuildError
from slipway.operations.images.service import ensure_images, image_status
from slipway.operations.installation import image_place


class Command(BaseCommand):
    """`manage.py images`."""

    help = "Build the images that are missing and put them into the engine, if that runs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which images, and how to tell."""
        parser.add_argument(
            "--only", metavar="NAME", help="one image or root file system; conformance: what Kubernetes' own tests need"
        )
        parser.add_argument("--fresh", action="store_true", help="build anew, with the newest packages")
        parser.add_argument("--status", action="store_true", help="only say what is there")
        parser.add_argument("--json", action="store_true", help="print what is there as JSON")

    def handle(self, *_: Any, only: str | None, fresh: bool, status: bool, **options: Any) -> None:
        """Build, then say what is there."""
        from slipway.operations.programs import engine_answers  # noqa: PLC0415 - asks the engine only when run

        docker_host = settings.SLIPWAY_DOCKER_HOST if engine_answers() else None
        console = Console(highlight=False, stderr=options["json"])
        if not status:
            try:
                ensure_images(
                    image_place(),
                    docker_host=docker_host,
                    only=only,
                    fresh=fresh,
                    progress=lambda name, doing, **_: console.print(f"  {name}: {doing}"),
                )
            except BuildError as error:
                raise CommandError(str(error)) from error
        found = image_status(image_place(), docker_host=docker_host)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(image) for image in found], indent=2))
            return
        for image in found:
            console.print(f"{'✓' if image.ready else '✗'} {image.name}: {image.detail}, {image.size / 1e6:.0f} MB")
