"""Builds the images that take minutes while everything else runs already, and tells the operator how far it has come.

The build is a process of its own that gives way to everything else. When it fails, only the labs that need it miss it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from slipway.operations.images.service import image_status
from slipway.operations.installation import image_place
from slipway.operations.supervisor import python_command

_TELL_EVERY = 30.0  # seconds
_STOP_SECONDS = 10.0


def missing() -> list[str]:
    """The later images that the engine does not have in their current state."""
    place = image_place()
    later = {image.name for image in place.recipes.engine.values() if image.later}
    found = image_status(place, docker_host=settings.SLIPWAY_DOCKER_HOST)
    return [status.name for status in found if status.name in later and not status.ready]


class LaterImages:
    """One build under way. `say` tells the operator a sentence; it is called from a thread of its own."""

    def __init__(self, folder: Path, *, say: Callable[[str], None]) -> None:
        """The whole output goes to `folder`/log/images.log."""
        self._log = folder / "log" / "images.log"
        self._say = say
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to build what is missing; returns at once."""
        if not settings.SLIPWAY_LATER_IMAGES:
            return
        self._thread = threading.Thread(target=self._build_missing, name="later-images", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End a build that is under way; what is compiled stays compiled."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _build_missing(self) -> None:
        for name in missing():
            self._say(f"The machines for {name} are built in the background; labs that need them say so until then.")
            began = time.monotonic()
            if self._run(name):
                self._say(f"The machines for {name} are ready ({time.monotonic() - began:.0f} s).")
            else:
                self._say(f"The machines for {name} could not be built; {self._log} says why.")

    def _run(self, name: str) -> bool:
        """Build one image, passing on what it says now and then; returns whether it is there."""
        told = time.monotonic()
        with self._log.open("a") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", "nice", "-n", "15", *python_command("images", "--only", name)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            self._process = process
            for line in process.stdout or ():
                log.write(line)
                log.flush()
                if time.monotonic() - told > _TELL_EVERY:
                    told = time.monotonic()
                    self._say(line.strip())
        return process.wait() == 0
