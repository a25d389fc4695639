"""The process that stands by, with a real one of it: what dies comes back, and what ends takes the rest along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import wait_until

WORKS = """
import os, pathlib, signal, sys, time
from slipway.core.standby import stand_by
stand_by(steady_seconds=0)
seen = pathlib.Path(sys.argv[1])
def end(*_):
    (seen / "ended").touch()
    sys.exit(7)
signal.signal(signal.SIGTERM, end)
(seen / str(os.getpid())).touch()
time.sleep(60)
"""
FAILS = "from slipway.core.standby import stand_by; stand_by(); raise SystemExit(3)"


def children_of(folder: Path) -> list[int]:
    """Those that have worked, the oldest first."""
    paths = [path for path in folder.iterdir() if path.name.isdigit()]
    return [int(path.name) for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns)]


def program(body: str, folder: Path) -> subprocess.Popen[bytes]:
    """A Python program of these lines."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", body, str(folder)], env=environment, stdout=subprocess.DEVNULL)


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that stands by, its first child at work."""
    process = program(WORKS, tmp_path)
    wait_until(lambda: children_of(tmp_path), seconds=20, what="a first child")
    yield process
    process.kill()
    process.wait()


def is_alive(pid: int) -> bool:
    """Whether the process runs."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_child_that_dies_is_replaced(parent: subprocess.Popen[bytes], tmp_path: Path) -> None:
    os.kill(children_of(tmp_path)[0], signal.SIGKILL)
    wait_until(lambda: len(children_of(tmp_path)) == 2, seconds=10, what="a second child")
    assert parent.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_asked_to_end_ends_the_child_too_and_its_status_is_passed_on(
    parent: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
) -> None:
    parent.send_signal(number)
    assert parent.wait(10) == 7
    assert (tmp_path / "ended").exists()


def test_a_child_does_not_outlive_a_parent_that_is_killed(parent: subprocess.Popen[bytes], tmp_path: Path) -> None:
    parent.kill()
    parent.wait()
    (child,) = children_of(tmp_path)
    wait_until(lambda: not is_alive(child), seconds=10, what="the child's end")


def test_a_child_that_cannot_work_ends_the_parent_with_its_status(tmp_path: Path) -> None:
    process = program(FAILS, tmp_path)
    assert process.wait(20) == 3
