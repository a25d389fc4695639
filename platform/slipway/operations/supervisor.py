"""Starts the processes of an installation in order, keeps them running, and ends them all, in reverse, when asked to.

Each process has its own log and a file with its pid. One that ends is started again after a pause that grows. No
process outlives the supervisor, not even when that is killed outright.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
_STEADY_SECONDS = 30.0  # a process that ran this long starts again with the first pause
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.1


@dataclass
class Program:
    """One process: its name, its command, and how to tell that it does its work."""

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool] = lambda: True
    environment: Mapping[str, str] = field(default_factory=dict)


class ProgramFailed(Exception):
    """A process could not be brought up; the message says which and where its log is."""


class Supervisor:
    """Runs programs until `stop`. Use it from the main thread: children are told when that ends."""

    def __init__(self, folder: Path, *, say: Callable[[str], None]) -> None:
        """Logs go to `folder`/log, pids to `folder`/pids; `say` tells the operator a sentence."""
        self._folder = folder
        self._say = say
        self._running: list[_Running] = []
        for name in ("log", "pids"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def start(self, program: Program, *, within: float) -> None:
        """Start a program and wait until it is ready. Raises `ProgramFailed` when it is not within so many seconds."""
        running = _Running(program, self._folder)
        self._running.append(running)
        running.start()
        deadline = time.monotonic() + within
        while not program.is_ready():
            if running.has_ended or time.monotonic() > deadline:
                raise ProgramFailed(f"{program.name} did not come up; its last lines:\n{running.last_lines()}")
            time.sleep(_POLL_SECONDS)

    def watch(self, *, until: Callable[[], bool]) -> None:
        """Start again whatever ends, until the condition holds."""
        while not until():
            for running in self._running:
                if running.has_ended and running.may_start:
                    self._say(f"{running.program.name} ended with {running.status}; starting it again")
                    running.start()
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End all programs, the last started first; kills what does not end in time."""
        for running in reversed(self._running):
            if not running.stop():
                self._say(f"{running.program.name} did not end in {_STOP_SECONDS:.0f} s and was killed")
        self._running.clear()


class _Running:
    """A program and its current process."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self._log = folder / "log" / f"{program.name}.log"
        self._pid = folder / "pids" / f"{program.name}.pid"
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._ended: float | None = None
        self._pause = _FIRST_PAUSE

    @property
    def has_ended(self) -> bool:
        """Whether the process is over."""
        return self._process is not None and self._process.poll() is not None

    @property
    def may_start(self) -> bool:
        """Whether the pause after the end is over."""
        now = time.monotonic()
        if self._ended is None:
            self._ended = now
            self._pause = _FIRST_PAUSE if now - self._started > _STEADY_SECONDS else self._pause
        return now - self._ended >= self._pause

    @property
    def status(self) -> str:
        """How the process ended, in words."""
        code = self._process.returncode if self._process else 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"

    def start(self) -> None:
        """Start the process in a session of its own, so that a Ctrl-C reaches the supervisor alone."""
        if self._ended is not None:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._started, self._ended = time.monotonic(), None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *self.program.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.program.environment},
                start_new_session=True,
            )
        # Replaced in one step: whoever reads it finds a pid, the old or the new one.
        fresh = self._pid.with_suffix(".new")
        fresh.write_text(f"{self._process.pid}\n")
        fresh.replace(self._pid)

    def stop(self) -> bool:
        """End the process; returns whether it ended by itself in time."""
        self._pid.unlink(missing_ok=True)
        if self._process is None or self._process.poll() is not None:
            return True
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            return False
        return True

    def last_lines(self, count: int = 15) -> str:
        """The end of the log."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-count:])


def python_command(*arguments: str) -> list[str]:
    """A command of `manage.py`, by the interpreter that runs this one."""
    return [sys.executable, str(Path(__file__).resolve().parents[3] / "manage.py"), *arguments]
