"""How long machines live, how they end, who has to wait: on an installation with room for one lab and short leases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from playwright.sync_api import expect

from slipway.sandboxes.backends.docker_node import NODE_IMAGE
from tests.browser.conftest import OpenTab
from tests.browser.lab_page import SLOW, LabPage
from tests.browser.tab import keep_picture
from tests.live import LivePlatform

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

_SETTINGS = {
    "SLIPWAY_CAPACITY_NODES": "2",
    "SLIPWAY_LEASE": "40",
    "SLIPWAY_LEASE_EXTENSION": "8",
    "SLIPWAY_LEASE_MAX": "50",
    "SLIPWAY_START_LIMIT": "20",
    "SLIPWAY_EXERCISES": str(Path(__file__).resolve().parents[1] / "fixtures" / "exercises"),
}
_LAB = "two-nodes"
Start = Callable[[], LabPage]


@pytest.fixture(scope="module")
def small_platform() -> Iterator[LivePlatform]:
    """An installation of its own."""
    platform = LivePlatform(_SETTINGS)
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()
        platform.remove()


@pytest.fixture
def start(tabs: OpenTab, small_platform: LivePlatform) -> Iterator[Start]:
    """Start the small lab as a new guest; whoever still runs machines at the end of the test ends them."""
    opened: list[LabPage] = []

    def start_as_guest() -> LabPage:
        opened.append(LabPage.start_as_guest(tabs(base=small_platform.url), _LAB))
        return opened[-1]

    yield start_as_guest
    for lab in opened:
        if lab.page.locator("#end-lab").is_enabled():
            lab.end_machines()
            expect(lab.page.locator("#end-lab")).to_be_disabled(timeout=SLOW)


def test_the_time_is_counted_down_extended_up_to_the_limit_and_over_with_a_reason(start: Start) -> None:
    lab = start().ready()
    page = lab.page
    expect(page.locator("#time-left")).to_have_text(re.compile(r"^0:\d\d left$"))
    expect(page.locator("#time-left")).to_have_attribute("data-level", "error")
    expect(page.locator("#notices .notice").first).to_contain_text("The machines end within a minute.")
    page.get_by_role("button", name="Extend").click()
    expect(page.locator("#announcer")).to_have_text(re.compile("You have more time now"))
    page.get_by_role("button", name="Extend").click()
    lab.tab.may_complain("status of 409")
    page.get_by_role("button", name="Extend").click()
    expect(page.locator('#notices [data-level="error"]')).not_to_have_count(0)
    lab.command("node1", "echo it-was-$((1+1))")
    keep_picture(page, "time-warning")

    panel = page.locator("#start-panel")
    expect(panel).to_have_attribute("data-state", "gone", timeout=120_000)
    expect(panel).to_contain_text("The time for these machines was over.")
    expect(panel).to_contain_text("Your results and your place in the guide are kept.")
    assert "it-was-2" in lab.screen("node1")
    expect(page.locator("#notices")).not_to_contain_text("The machines end")
    keep_picture(page, "time-over")
    panel.get_by_role("button", name="Start new machines").click()
    lab.ready()
    assert "it-was-2" not in lab.wait_for_prompt("node1")


def test_who_has_to_wait_sees_their_place_and_gets_machines_without_a_click(start: Start) -> None:
    first = start().ready()
    second = start()
    panel = second.page.locator("#start-panel")
    expect(panel).to_contain_text("Waiting for a place")
    expect(panel).to_contain_text("Your place in the queue: 1")
    expect(second.page.locator("#guide-body .run-button").first).to_be_visible()
    keep_picture(second.page, "queue")
    first.end_machines()
    expect(first.page.locator("#start-panel")).to_contain_text("You ended these machines.", timeout=SLOW)
    second.ready()


def test_a_failed_start_says_so_and_can_be_tried_again(start: Start, small_platform: LivePlatform) -> None:
    engine = docker.DockerClient(base_url=small_platform.docker_host)
    image = engine.images.get(NODE_IMAGE)
    assert image.tag("slipway/put-aside", "for-a-test")
    engine.images.remove(NODE_IMAGE, noprune=True)
    try:
        lab = start()
        panel = lab.page.locator("#start-panel")
        expect(panel).to_have_attribute("data-state", "failed", timeout=120_000)
    finally:
        image.tag(*NODE_IMAGE.split(":"))
        engine.close()
    expect(panel).to_contain_text("The machines could not be started")
    expect(panel).to_contain_text("The machines of this lab are still being built.")
    keep_picture(lab.page, "start-failed")
    panel.get_by_role("button", name="Try again").click()
    lab.ready()


def test_a_check_that_must_keep_holding_tells_at_once_when_it_does_not(start: Start) -> None:
    lab = start().ready()
    row = lab.check("exists")
    lab.run_block(lab.run_blocks().first)
    expect(row).to_have_attribute("data-outcome", "passed", timeout=SLOW)
    name = (lab.run_blocks().first.get_attribute("data-command") or "").split()[-1]
    lab.command("node1", f"docker network rm {name}")
    expect(row).to_have_attribute("data-lost", "", timeout=SLOW)
    expect(lab.page.locator("#notices")).to_contain_text("This held before and does not any more")
