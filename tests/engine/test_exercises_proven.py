"""Every exercise of this repository is proven on real machines, by the command that authors use."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.engine.clusters import wait_for_image
from tests.live import LivePlatform

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]


def test_every_exercise_fails_before_its_solution_and_passes_after_it(
    live_platform: LivePlatform, tmp_path: Path
) -> None:
    wait_for_image(live_platform)
    report = tmp_path / "exercises.xml"
    # Fails the test, with the report, unless all pass.
    live_platform.manage("exercise", "test", "--parallel", "2", "--junit", str(report))
    suites = ET.fromstring(report.read_text()).findall("testsuite")
    proven = [case for suite in suites for case in suite.findall("testcase")]
    assert proven
    assert not live_platform.rows("SELECT id FROM sandboxes_sandbox WHERE state = 'ready' AND owner_id IN"
                                  " (SELECT id FROM accounts_user WHERE username LIKE 'selftest-%')")  # fmt: skip
