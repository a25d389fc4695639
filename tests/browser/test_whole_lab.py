"""A visitor does the whole of the first lab in the browser, as its guide says, and gets all the points."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import LAB, LabPage
from tests.browser.tab import Tab
from tests.browser.whole_lab import do_every_step, run_everything, submit_for_all_points, try_without_an_account
from tests.live import LivePlatform

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_visitor_tries_without_an_account_and_does_all_eight_steps(tab: Tab) -> None:
    lab = try_without_an_account(tab, LAB)
    do_every_step(lab, LAB, _DOING)
    submit_for_all_points(lab, LAB)


def test_the_demo_learner_signs_in_with_the_password_that_serve_prints(tab: Tab, live_platform: LivePlatform) -> None:
    tab.go("/")
    tab.page.get_by_role("link", name="Sign in").click()
    tab.page.get_by_label("Username").fill("learner")
    tab.page.get_by_label("Password").fill(live_platform.demo_accounts["learner"])
    tab.page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(tab.page.get_by_role("heading", name="Labs", exact=True)).to_be_visible()
    expect(tab.page.locator(".menu .name")).to_have_text("learner")


def ping_the_box(lab: LabPage) -> None:
    """Step 2: what is left to the learner is to ping the container."""
    run_everything(lab)
    lab.command("node1", "ping -c 3 172.17.0.2")


def join_by_copying(lab: LabPage) -> None:
    """Step 4: the join command is copied out of one terminal and pasted into the other."""
    first, *others = lab.run_blocks().all()
    lab.run_block(first)
    lab.wait_for("node1", "docker swarm join --token")
    row = lab.panel("node1").locator(".xterm-rows > div").filter(has_text="docker swarm join --token").first
    row.click(click_count=3, force=True)  # a layer for selections lies over the letters
    lab.page.keyboard.press("Control+Shift+C")
    lab.show("node2")
    lab.wait_for_prompt("node2")
    lab.page.keyboard.press("Control+Shift+V")
    lab.wait_for("node2", ":2377")
    lab.page.keyboard.press("Enter")
    lab.wait_for("node2", "This node joined a swarm as a worker")
    for block in others:
        lab.run_block(block)


def ping_by_address(lab: LabPage) -> None:
    """Step 6: the learner puts the address in for themselves."""
    blocks = lab.run_blocks().all()
    for block in blocks[:-1]:
        lab.run_block(block)
    (address,) = re.findall(r"^(\d+\.\d+\.\d+\.\d+)$", lab.screen("node2"), re.MULTILINE)[-1:]
    lab.run_block(blocks[-1])
    template = lab.page.locator(".copy-button").get_attribute("data-text") or ""
    lab.command("node1", template.strip().replace("ADDRESS", address))


def work_on_ones_own(lab: LabPage) -> None:
    """Step 8: no commands are given; the names are those of the guide."""
    own, first, second = lab.page.locator("#guide-body li").nth(0).locator("strong").all_inner_texts()
    stranger = lab.page.locator("#guide-body li").nth(2).locator("strong").first.inner_text()
    for command in (
        f"docker network create {own}",
        f"docker run -d --name {first} --network {own} busybox sleep 86400",
        f"docker run -d --name {second} --network {own} busybox sleep 86400",
        f"docker run -d --name {stranger} busybox sleep 86400",
    ):
        lab.command("node1", command)


_DOING: dict[int, Callable[[LabPage], None]] = {
    2: ping_the_box,
    4: join_by_copying,
    6: ping_by_address,
    8: work_on_ones_own,
}
