"""Makes the README's picture of the lab page, out of a real lab half way through.

Only on request: SLIPWAY_LAB_PICTURE=docs/lab-page.png python -m pytest tests/browser/test_lab_picture.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import LabPage
from tests.browser.tab import Tab

_TARGET = os.environ.get("SLIPWAY_LAB_PICTURE", "")
_BEFORE = 4  # steps whose commands are run before the one that is shown
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not _TARGET, reason="makes a picture for the README; see the module"),
]


def test_the_picture_of_the_readme(tab: Tab) -> None:
    lab = LabPage.start_as_guest(tab).ready()
    page = lab.page
    for number in range(1, _BEFORE + 1):
        lab.go_to_step(number)
        for block in lab.run_blocks().all():
            if "ping" not in (block.get_attribute("data-command") or ""):
                screen = lab.run_block(block)
                join = re.search(r"docker swarm join --token\s+\S+\s+\S+:2377", screen.replace("\n", ""))
                if join:
                    lab.command("node2", join[0])
        lab.all_green()
        lab.answer(page.locator("form.quiz").first, 1)
    lab.go_to_step(_BEFORE + 1)
    for block in lab.run_blocks().all():
        lab.run_block(block)
    lab.all_green()

    # Two terminals side by side with what one would look at now, the checks in sight.
    lab.clear("node2")
    lab.type("docker network ls --filter driver=overlay")
    lab.wait_for_prompt("node2")
    page.get_by_role("button", name="Split").click()
    lab.clear("node1")
    for command in (
        "docker node ls --format '{{.Hostname}}: {{.Status}} {{.ManagerStatus}}'",
        "docker service ls --format '{{.Name}}: {{.Replicas}}'",
    ):
        lab.type(command)
        lab.wait_for_prompt("node1")
    expect(page.locator(".terminal-panel:visible")).to_have_count(2)
    for dismiss in page.locator(".notice-dismiss").all():
        dismiss.click()
    page.locator("#checks").evaluate(
        "list => { const guide = document.getElementById('guide');"
        " guide.scrollTop += list.getBoundingClientRect().bottom - guide.getBoundingClientRect().bottom + 76; }"
    )
    page.mouse.move(640, 2)
    page.screenshot(path=Path(_TARGET), animations="disabled", caret="initial")
    assert Path(_TARGET).stat().st_size < 250_000
    lab.end_machines()
