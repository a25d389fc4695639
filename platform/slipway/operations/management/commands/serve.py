"""Runs a whole installation on this machine, in the foreground: what `make run` calls."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from slipway.operations import demo, preparation, programs
from slipway.operations.later_images import LaterImages
from slipway.operations.only_one import SomebodyElse, only_one
from slipway.operations.supervisor import ProgramFailed, Supervisor


class Command(BaseCommand):
    """`manage.py serve`."""

    help = (
        "Install and build what is missing, start Redis, our own Docker Engine, worker, observer, reaper and web, "
        "print one address, and keep everything running until Ctrl-C."
    )
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        """Run until told to stop."""
        os.umask(0o022)
        settings.SLIPWAY_VAR.mkdir(parents=True, exist_ok=True)
        try:
            with only_one(settings.SLIPWAY_VAR / "serve.lock"):
                self._serve(Console(highlight=False))
        except SomebodyElse as other:
            # A second one, on another port, would take the first one's Redis and its learners' machines away.
            raise CommandError(
                f"Slipway runs already on {settings.SLIPWAY_VAR} (process {other}). "
                "End that one first, or give this one a folder of its own: SLIPWAY_VAR=… make run"
            ) from None

    def _serve(self, console: Console) -> None:
        began = time.monotonic()
        if not programs.port_is_free():
            raise CommandError(
                f"Port {settings.SLIPWAY_PORT} is taken. End what listens there, or choose another: "
                f"SLIPWAY_PORT={settings.SLIPWAY_PORT + 1} make run"
            )
        _stop_on_signals()
        supervisor = Supervisor(settings.SLIPWAY_VAR, say=lambda text: console.print(f"[yellow]![/] {text}"))
        later = LaterImages(settings.SLIPWAY_VAR, say=lambda text: console.print(f"[blue]•[/] {text}"))
        try:
            preparation.prepare(console)
            self._start(supervisor, console)
            self._greet(console, began)
            later.start()
            supervisor.watch(until=lambda: False)
        except (ProgramFailed, preparation.PreparationFailed) as failure:
            raise CommandError(str(failure)) from failure
        except KeyboardInterrupt:
            pass  # the way to end it, whenever it comes
        finally:
            _ignore_signals()
            console.print("\nStopping: learners' machines end, results stay.")
            later.stop()
            supervisor.stop()
            console.print("Everything has ended.")

    def _start(self, supervisor: Supervisor, console: Console) -> None:
        settings.SLIPWAY_RUN.mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0, interactive=False)
        with console.status("Starting Redis and the engine"):
            supervisor.start(programs.redis_program(), within=20)
            if settings.SLIPWAY_OWN_ENGINE:
                supervisor.start(programs.engine_program(), within=60)
        preparation.build_images(console, docker_host=settings.SLIPWAY_DOCKER_HOST)
        with console.status("Starting worker, observer, reaper and web"):
            for program in (programs.worker_program(), programs.observer_program(), programs.beat_program()):
                supervisor.start(program, within=20)
            supervisor.start(programs.web_program(), within=60)

    def _greet(self, console: Console, began: float) -> None:
        console.print(f"\n[bold]Slipway is ready:[/] {programs.local_url()}   ({time.monotonic() - began:.0f} s)\n")
        for account in demo.ensure_accounts(settings.SLIPWAY_VAR):
            console.print(f"  sign in as the demo {account.role}: {account.username} / {account.password}")
        if settings.SLIPWAY_GUESTS:
            console.print("  or try it without an account")
        console.print(f"\nLogs are in {settings.SLIPWAY_VAR / 'log'}. Ctrl-C ends everything.\n")


_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _stop_on_signals() -> None:
    """Each way of being asked to end interrupts whatever is being waited for."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in _STOP_SIGNALS:
        signal.signal(number, interrupt)


def _ignore_signals() -> None:
    """From now on signals change nothing: the end is under way and takes seconds."""
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
