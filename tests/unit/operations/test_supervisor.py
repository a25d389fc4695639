"""The supervisor, with real processes that come up, crash and refuse to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from slipway.operations.supervisor import Program, ProgramFailed, Supervisor
from tests.waiting import wait_until


def script(body: str) -> list[str]:
    """A Python program of these lines."""
    return [sys.executable, "-u", "-c", body]


@pytest.fixture
def said() -> list[str]:
    """What the supervisor told the operator."""
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Supervisor:
    """A supervisor that is stopped at the end."""
    made = Supervisor(tmp_path, say=said.append)
    yield made
    made.stop()


def test_a_program_is_up_when_it_says_so(supervisor: Supervisor, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    body = f"import pathlib, time; time.sleep(0.3); pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    supervisor.start(Program("slow", script(body), is_ready=ready.exists), within=10)
    assert ready.exists()


def test_a_program_that_ends_before_it_is_ready_fails_with_its_last_words(supervisor: Supervisor) -> None:
    program = Program("broken", script("raise SystemExit('no socket for me')"), is_ready=lambda: False)
    with pytest.raises(ProgramFailed, match="no socket for me"):
        supervisor.start(program, within=10)


def test_a_program_that_dies_is_started_again(supervisor: Supervisor, tmp_path: Path, said: list[str]) -> None:
    pids = tmp_path / "seen"
    body = f"import os, time; open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    supervisor.start(Program("mortal", script(body), is_ready=pids.exists), within=10)
    wait_until(pids.read_text, seconds=5, what="the first process")
    os.kill(int(pids.read_text().split()[0]), signal.SIGKILL)
    enough = threading.Event()
    timer = threading.Timer(10, enough.set)
    timer.start()
    supervisor.watch(until=lambda: enough.is_set() or len(pids.read_text().split()) == 2)
    timer.cancel()
    assert len(pids.read_text().split()) == 2
    assert said == ["mortal ended with signal SIGKILL; starting it again"]


def test_programs_end_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("first", "second"):
        up = tmp_path / name
        body = (
            "import signal, sys, time, pathlib\n"
            f"def end(*_): open({str(order)!r}, 'a').write('{name} '); sys.exit()\n"
            "signal.signal(signal.SIGTERM, end)\n"
            f"pathlib.Path({str(up)!r}).touch()\n"
            "time.sleep(60)\n"
        )
        supervisor.start(Program(name, script(body), is_ready=up.exists), within=10)
    supervisor.stop()
    assert order.read_text() == "second first "


def test_nothing_outlives_a_supervisor_that_is_killed_outright(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    child = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    parent = (
        "import sys, time; from pathlib import Path\n"
        "from slipway.operations.supervisor import Program, Supervisor\n"
        f"supervisor = Supervisor(Path({str(tmp_path)!r}), say=print)\n"
        f"supervisor.start(Program('child', [sys.executable, '-c', {child!r}]), within=5)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(script(parent), env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    wait_until(lambda: pid.exists() and pid.read_text(), seconds=10, what="the child")
    process.kill()
    process.wait()
    wait_until(lambda: not _is_alive(int(pid.read_text())), seconds=5, what="the child's end")


def _is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
