"""Parts of an installation that die while learners work: each ends in a sentence, and nothing of theirs is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.core.ids import SandboxId
from tests.browsing import Visitor
from tests.engine.rows import ready_attempt, sandbox_row
from tests.live import LivePlatform
from tests.terminal import LiveTerminal
from tests.waiting import wait_until

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def visitor(live_platform: LivePlatform) -> Visitor:
    """One guest for all of these."""
    return Visitor.as_guest(live_platform)


@pytest.fixture(autouse=True)
def _whole_again(live_platform: LivePlatform) -> Iterator[None]:
    """What a test killed is back before the next one begins, whatever came of the first."""
    yield
    live_platform.wait_until_ready()


@pytest.fixture(scope="module")
def attempt(live_platform: LivePlatform, visitor: Visitor) -> str:
    """The guest's running lab."""
    return ready_attempt(live_platform, visitor)


@pytest.fixture
def sandbox(live_platform: LivePlatform, attempt: str) -> SandboxId:
    """The lab's machines."""
    return sandbox_row(live_platform, attempt).sandbox


async def test_a_shell_survives_the_engine_being_killed(
    live_platform: LivePlatform, visitor: Visitor, sandbox: SandboxId
) -> None:
    async with LiveTerminal(live_platform, visitor, sandbox, "node1") as terminal:
        await terminal.type("kept=yes; echo started-$kept\r")
        await terminal.read_until("started-yes")
    os.kill(engine_pid(live_platform), signal.SIGKILL)
    async with LiveTerminal.after_retries(live_platform, visitor, sandbox, "node1", seconds=40) as terminal:
        await terminal.read_until("started-yes")
        await terminal.type("echo still-$kept\r")
        await terminal.read_until("still-yes")


async def test_a_shell_survives_a_restart_of_the_web_process(
    live_platform: LivePlatform, visitor: Visitor, sandbox: SandboxId
) -> None:
    async with LiveTerminal(live_platform, visitor, sandbox, "node1") as terminal:
        await terminal.type("mark=web; echo before-$mark\r")
        await terminal.read_until("before-web")
        live_platform.kill("web")
        assert await terminal.ended()
    async with LiveTerminal.after_retries(live_platform, visitor, sandbox, "node1", seconds=40) as terminal:
        await terminal.type("echo after-$mark\r")
        await terminal.read_until("after-web")


async def test_terminals_do_not_notice_that_redis_and_the_worker_are_killed(
    live_platform: LivePlatform, visitor: Visitor, sandbox: SandboxId
) -> None:
    async with LiveTerminal(live_platform, visitor, sandbox, "node2") as terminal:
        for program in ("redis", "worker"):
            old = live_platform.pid(program)
            live_platform.kill(program)
            await terminal.type(f"echo without-$((1+1))-{program}\r")
            await terminal.read_until(f"without-2-{program}")
            live_platform.wait_for_restart(program, old)


def test_a_lab_starts_after_redis_was_restarted(live_platform: LivePlatform) -> None:
    old = live_platform.pid("redis")
    live_platform.kill("redis")
    live_platform.wait_for_restart("redis", old)
    newcomer = Visitor.as_guest_after_retries(live_platform, seconds=20)
    attempt = ready_attempt(live_platform, newcomer)
    newcomer.post(f"/attempts/{attempt}/stop", {})


def test_while_redis_is_away_pages_say_so_and_come_back(live_platform: LivePlatform, visitor: Visitor) -> None:
    os.kill(live_platform.pid("redis"), signal.SIGSTOP)
    try:
        assert visitor.get("/").status == 200
    finally:
        os.kill(live_platform.pid("redis"), signal.SIGCONT)


def test_a_database_locked_for_a_moment_only_makes_people_wait(
    live_platform: LivePlatform, visitor: Visitor, attempt: str
) -> None:
    connection = sqlite3.connect(live_platform.var / "slipway.sqlite3", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    threading.Timer(2, lambda: connection.execute("ROLLBACK")).start()
    answer = visitor.post(f"/attempts/{attempt}/extend", {})
    assert answer.status in {200, 409}
    connection.close()


def test_a_database_locked_for_long_ends_in_a_sentence(
    live_platform: LivePlatform, visitor: Visitor, attempt: str
) -> None:
    connection = sqlite3.connect(live_platform.var / "slipway.sqlite3", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        answer = visitor.post(f"/attempts/{attempt}/extend", {})
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    assert answer.status == 503
    assert "Nothing was lost" in str(answer.json())


def test_a_killed_observer_comes_back_and_follows_again(live_platform: LivePlatform) -> None:
    old = live_platform.pid("observer")
    live_platform.kill("observer")
    live_platform.wait_for_restart("observer", old)


def engine_pid(platform: LivePlatform) -> int:
    """The pid of the engine's dockerd: the descendant of that name of the engine program."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [pid for pid in _descendants(platform.pid("engine")) if _name(pid) == "dockerd"]
        return bool(found)

    wait_until(look, seconds=10, what="dockerd")
    return found[0]


def _descendants(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for path in lists for child in path.read_text().split()]
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
