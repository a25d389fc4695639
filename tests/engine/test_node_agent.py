"""slipway-node as process 1 of real nodes: the agent's own tests, written in Go beside it, on the live engine."""

from __future__ import annotations

import os
import subprocess

import pytest

from slipway.operations import toolchains
from tests.live import ROOT, LivePlatform
from tests.settings import SLIPWAY_CACHE

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def test_the_agent_holds_real_nodes_together(live_platform: LivePlatform) -> None:
    environment = {**toolchains.environment(SLIPWAY_CACHE), "DOCKER_HOST": live_platform.docker_host}
    done = subprocess.run(
        ["go", "test", "-count=1", "-tags", "node", "-timeout", "10m", "./nodetest"],
        cwd=ROOT / "platform" / "node" / "agent",
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
