"""Makes the README's picture of the lab page, out of the Swarm lab while its application is scaled under load.

Only on request: SLIPWAY_LAB_PICTURE=docs/lab-page.png python -m pytest tests/browser/test_lab_picture.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.browser.lab_page import LabPage
from tests.browser.tab import Tab

_TARGET = os.environ.get("SLIPWAY_LAB_PICTURE", "")
_SHOWN = 5  # the step that is shown: more copies, under load
_JOIN = re.compile(r"docker swarm join --token\s+\S+\s+\S+:2377")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not _TARGET, reason="makes a picture for the README; see the module"),
]


def test_the_picture_of_the_readme(tab: Tab) -> None:
    lab = LabPage.start_as_guest(tab, "swarm-mode").ready()
    page = lab.page
    for number in range(1, _SHOWN):
        lab.go_to_step(number)
        for block in lab.run_blocks().all():
            join = _JOIN.search(lab.run_block(block).replace("\n", ""))
            for node in ("node2", "node3") if join else ():
                lab.command(node, join[0])
        if lab.checks().count():
            lab.all_green()
        for question in page.locator("form.quiz").all():
            lab.answer(question, 1)

    lab.go_to_step(_SHOWN)
    load, scale, *_ = lab.run_blocks().all()
    lab.clear("node2")
    load.click()
    lab.wait_for("node2", re.compile(r"\d+ s +\w+_web\.1").search)
    lab.run_block(scale)
    lab.all_green()
    lab.show("node2")
    lab.wait_for("node2", lambda screen: re.search(r"_web\.4", screen.rpartition("\n")[2]))
    for dismiss in page.locator(".notice-dismiss").all():
        dismiss.click()
    page.mouse.move(640, 2)
    page.screenshot(path=Path(_TARGET), animations="disabled", caret="initial")
    assert Path(_TARGET).stat().st_size < 250_000
    lab.end_machines()
