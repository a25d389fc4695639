"""A visitor does the whole of the first lab in the browser, as its guide says, and gets all the points."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from slipway.exercises.selectors import draw_parameters, get_exercise, render_step
from tests.browser.lab_page import LAB, SLOW, LabPage
from tests.browser.tab import Tab, keep_picture
from tests.live import LivePlatform

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_visitor_tries_without_an_account_and_does_all_eight_steps(tab: Tab) -> None:
    tab.go("/")
    tab.page.get_by_role("link", name="Docker networking").click()
    tab.page.get_by_role("button", name="Try without an account").click()
    expect(tab.page.locator("#step-title")).to_be_visible()
    lab = LabPage(tab).ready()
    expect(tab.page.locator('#picture [data-state="ready"]')).to_have_count(2, timeout=SLOW)

    for step in get_exercise(LAB).steps:
        if step.number > 1:
            tab.page.locator("#next-step").click()
        expect(tab.page.locator("#step-title")).to_have_text(step.title_in("en"))
        _DOING.get(step.number, run_everything)(lab)
        lab.all_green()
        answer_rightly(lab, step.number)
        expect(tab.page.locator(f"#steps li:nth-child({step.number}) button")).to_have_attribute("data-done", "")
        keep_picture(tab.page, f"whole-lab-{step.number}")

    total = get_exercise(LAB).total_points
    expect(tab.page.locator("#score")).to_have_text(f"{total} of {total} points")
    tab.page.locator("#submit").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Submit").click()
    tab.page.wait_for_url("**/result/", timeout=120_000)
    expect(tab.page.locator(".score-head .big")).to_have_text(f"{total} of {total} points")
    expect(tab.page.locator('.check:not([data-outcome="passed"])')).to_have_count(0)
    expect(tab.page.locator('.result-quiz:not([data-verdict="right"])')).to_have_count(0)
    keep_picture(tab.page, "whole-lab-result")


def test_the_demo_learner_signs_in_with_the_password_that_serve_prints(tab: Tab, live_platform: LivePlatform) -> None:
    tab.go("/")
    tab.page.get_by_role("link", name="Sign in").click()
    tab.page.get_by_label("Username").fill("learner")
    tab.page.get_by_label("Password").fill(live_platform.demo_accounts["learner"])
    tab.page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(tab.page.get_by_role("heading", name="Labs", exact=True)).to_be_visible()
    expect(tab.page.locator(".menu .name")).to_have_text("learner")


def run_everything(lab: LabPage) -> None:
    """Click every command of the step, one after the other."""
    for block in lab.run_blocks().all():
        lab.run_block(block)


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


def answer_rightly(lab: LabPage, number: int) -> None:
    """Answer every question of the step; what is right is known to the exercise alone."""
    exercise = get_exercise(LAB)
    step = exercise.steps[number - 1]
    rendered = render_step(exercise, step, parameters=draw_parameters(exercise, seed="any"))
    for quiz in rendered.quizzes:
        right = next(index for index, choice in enumerate(quiz.choices, start=1) if choice.correct)
        form = lab.page.locator(f'form[data-quiz="{quiz.id}"]')
        lab.answer(form, right)
        expect(form).to_have_attribute("data-verdict", "right")
