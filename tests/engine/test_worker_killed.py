"""The worker killed outright in every phase of a start: the sandbox is ready or has cleanly failed, nothing is left."""

from __future__ import annotations

import json
import os
import signal

import docker
import pytest

from tests.browsing import Visitor
from tests.engine.rows import LAB, ready_attempt, sandbox_row
from tests.live import LivePlatform
from tests.waiting import wait_until

pytestmark = pytest.mark.engine


def containers_of(platform: LivePlatform, sandbox: str) -> list[str]:
    """What the engine holds of a sandbox."""
    client = docker.DockerClient(platform.docker_host)
    try:
        return [c.name for c in client.containers.list(all=True, filters={"label": f"slipway.sandbox={sandbox}"})]
    finally:
        client.close()


@pytest.mark.parametrize("phase", ["network", "nodes", "engine"])
def test_a_start_survives_the_worker_being_killed(live_platform: LivePlatform, phase: str) -> None:
    visitor = Visitor.as_guest(live_platform)
    worker = live_platform.pid("worker")
    attempt = _frozen_in(phase, live_platform, visitor)
    live_platform.kill("worker")
    sandbox = str(sandbox_row(live_platform, attempt).sandbox)
    live_platform.wait_for_restart("worker", worker)
    wait_until(
        lambda: sandbox_row(live_platform, attempt).state in {"ready", "failed"},
        seconds=60,
        what="the end of the start",
    )
    expected = 2 if sandbox_row(live_platform, attempt).state == "ready" else 0
    assert len(containers_of(live_platform, sandbox)) == expected
    _end(live_platform, visitor, attempt)
    assert not containers_of(live_platform, sandbox)


def _frozen_in(phase: str, platform: LivePlatform, visitor: Visitor) -> str:
    """Start labs until the worker is caught, and stopped dead, in this phase, which lasts a moment."""
    for _ in range(20):
        attempt = visitor.start_lab(LAB)
        while (row := sandbox_row(platform, attempt)).state in {"requested", "starting"} and row.phase != phase:
            pass
        os.kill(platform.pid("worker"), signal.SIGSTOP)
        if sandbox_row(platform, attempt).phase == phase:
            return attempt
        os.kill(platform.pid("worker"), signal.SIGCONT)
        _end(platform, visitor, attempt)
    pytest.fail(f"in 20 starts the worker was never caught in {phase}")


def _end(platform: LivePlatform, visitor: Visitor, attempt: str) -> None:
    wait_until(lambda: sandbox_row(platform, attempt).state in {"ready", "failed"}, seconds=60, what="a start")
    visitor.post(f"/attempts/{attempt}/stop", {})
    wait_until(lambda: sandbox_row(platform, attempt).state in {"gone", "failed"}, seconds=30, what="the end")


def test_a_stop_survives_the_worker_being_killed(live_platform: LivePlatform) -> None:
    visitor = Visitor.as_guest(live_platform)
    attempt = ready_attempt(live_platform, visitor)
    sandbox = str(sandbox_row(live_platform, attempt).sandbox)
    worker = live_platform.pid("worker")
    assert visitor.post(f"/attempts/{attempt}/stop", {}).status == 200
    live_platform.kill("worker")
    live_platform.wait_for_restart("worker", worker)
    wait_until(lambda: sandbox_row(live_platform, attempt).state == "gone", seconds=60, what="the end")
    assert not containers_of(live_platform, sandbox)


def test_what_the_engine_reports_is_what_doctor_says(live_platform: LivePlatform) -> None:
    report = json.loads(live_platform.manage("doctor", "--json"))
    assert report["labs_can_run"], report
    assert {finding["subject"] for finding in report["findings"]} >= {"kernel", "cgroups", "engine", "isolation"}
