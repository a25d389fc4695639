"""A whole installation for tests: `manage.py serve` on a var folder and a port of its own, ended with Ctrl-C."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 1800  # the first run on a new machine builds everything


def free_port() -> int:
    """A port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LivePlatform:
    """A running installation. `stop` ends it as an operator would."""

    def __init__(self, extra: Mapping[str, str] | None = None) -> None:
        self.var = Path(tempfile.mkdtemp(prefix="slw-live-"))
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.output = self.var / "serve.out"
        settings = {
            "SLIPWAY_VAR": str(self.var),
            "SLIPWAY_PORT": str(self.port),
            "SLIPWAY_SECRET_KEY": secrets.token_hex(),
            "SLIPWAY_GUESTS_PER_HOUR": "1000",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "DJANGO_"))}
        cache = {"SLIPWAY_CACHE": os.environ["SLIPWAY_CACHE"]} if "SLIPWAY_CACHE" in os.environ else {}
        self.environment = {**kept, **cache, **settings, **(extra or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until the address has been printed."""
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "serve"],
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while "Slipway is ready" not in self.output.read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the installation did not come up:\n{self.output.read_text()[-4000:]}\n{self.logs()}")
            time.sleep(0.1)

    def stop(self) -> int:
        """Ctrl-C; returns the exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGINT)
        status = self._process.wait(60)
        self._process = None
        return status

    def remove(self) -> None:
        """Remove the var folder."""
        shutil.rmtree(self.var, ignore_errors=True)

    def pid(self, program: str) -> int:
        """The pid of one of the installation's programs, as its pid file has it."""
        return int((self.var / "pids" / f"{program}.pid").read_text())

    def child_pid(self, program: str) -> int:
        """The pid of the only child of a program that stands by."""
        pid = self.pid(program)
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(child)

    def kill(self, program: str) -> None:
        """SIGKILL a program; the supervisor starts it again."""
        os.kill(self.pid(program), signal.SIGKILL)

    def wait_for_restart(self, program: str, old: int) -> None:
        """Wait until a killed program runs again."""
        wait_until(lambda: self.pid(program) != old, seconds=20, what=f"a new {program}")

    def wait_until_ready(self) -> None:
        """Wait until the web process says that it can do its work."""

        def ready() -> bool:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        wait_until(ready, seconds=60, what="a platform that is ready")

    def rows(self, query: str, *arguments: object) -> list[tuple[object, ...]]:
        """Read the installation's database."""
        connection = sqlite3.connect(f"file:{self.var / 'slipway.sqlite3'}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(query, arguments).fetchall()
        finally:
            connection.close()

    def manage(self, *arguments: str) -> str:
        """Run a management command of the installation; returns what it prints."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=1500,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def logs(self) -> str:
        """The ends of all logs, for the report of a failed test."""
        ends = (f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in self.var.glob("log/*.log"))
        return "\n".join(ends)

    @property
    def docker_host(self) -> str:
        """The address of the installation's engine."""
        return f"unix://{self.var / 'run' / 'docker.sock'}"

    @property
    def demo_accounts(self) -> dict[str, str]:
        """Names and passwords of the demo accounts, as printed at the start."""
        return dict(re.findall(r"demo \w+: (\w+) / (\S+)", self.output.read_text()))
