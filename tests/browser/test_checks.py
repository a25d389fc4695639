"""Checks, hints and questions on the lab page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import LabPage
from tests.live import LivePlatform
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


def test_a_check_says_what_it_expected_and_found_when_it_is_asked_and_turns_green_by_itself(lab: LabPage) -> None:
    lab.go_to_step(1)
    row = lab.checks().first
    expect(row).to_have_attribute("data-outcome", "none")
    lab.page.get_by_role("button", name="Check now").click()
    expect(row).to_have_attribute("data-outcome", "failed")
    expect(row.locator("dt")).to_have_text(["Expected", "Observed"])
    for words in row.locator("dd").all():
        expect(words).not_to_be_empty()
    hint = row.locator("details.check-hint")
    if hint.count():
        hint.locator("summary").click()
        expect(hint.locator("p")).to_be_visible()
    expect(lab.page.get_by_role("button", name="Check now")).to_be_enabled()
    lab.run_block(lab.run_blocks().last)
    lab.all_green()
    expect(row.locator("dl")).to_have_count(0)
    expect(row.locator(".check-points")).to_contain_text("3/3")


def test_what_no_longer_holds_is_told_and_keeps_its_points(lab: LabPage) -> None:
    lab.go_to_step(1)
    command = lab.run_blocks().last.get_attribute("data-command") or ""
    name = re.search(r"docker network create (\S+)", command)
    assert name
    lab.command("node1", f"docker network inspect {name[1]} >/dev/null 2>&1 || docker network create {name[1]}")
    lab.all_green()
    lab.command("node1", f"docker network rm {name[1]}")
    lab.page.get_by_role("button", name="Check now").click()
    row = lab.checks().first
    expect(row).to_have_attribute("data-lost", "")
    expect(row).to_contain_text("held before, does not any more")
    expect(row.locator(".check-points")).to_contain_text("3/3")
    expect(lab.page.locator("#notices .notice")).to_contain_text("This held before and does not any more")


def test_an_opened_hint_is_recorded(lab: LabPage, live_platform: LivePlatform) -> None:
    lab.go_to_step(2)
    hint = lab.page.locator("#guide-body details.hint").first
    hint.locator("summary").click()
    expect(hint.locator("p").first).to_be_visible()
    key = lab.attempt.replace("-", "")
    query = "SELECT count(*) FROM attempts_hintopening WHERE attempt_id = ? AND hint = 1"
    wait_until(lambda: live_platform.rows(query, key) == [(1,)], seconds=20, what="a row for the hint")


def test_an_answer_is_explained_and_another_one_may_be_tried(lab: LabPage) -> None:
    lab.go_to_step(1)
    quiz = lab.page.locator("form.quiz").first
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz.locator(".quiz-explanation")).to_have_text("Choose an answer first.")
    lab.answer(quiz, 1)
    expect(quiz).to_have_attribute("data-verdict", "wrong")
    expect(quiz.locator(".quiz-explanation")).to_contain_text("Not quite.")
    expect(quiz.locator(".quiz-explanation")).to_contain_text("The list is sorted by name")
    lab.answer(quiz, 2)
    expect(quiz).to_have_attribute("data-verdict", "right")
    expect(quiz.locator(".quiz-explanation")).to_contain_text("routing table")
    lab.page.reload()
    expect(quiz.locator('input[value="2"]')).to_be_checked()
    expect(quiz.locator(".quiz-explanation")).to_have_text("You answered this: right.")


def test_the_back_button_of_the_browser_goes_back_through_the_steps(lab: LabPage) -> None:
    lab.go_to_step(1)
    title = lab.page.locator("#step-title").inner_text()
    lab.page.locator("#next-step").click()
    expect(lab.page.locator("#step-title")).not_to_have_text(title)
    expect(lab.page.locator("#step-title")).to_be_focused()
    lab.page.go_back()
    expect(lab.page.locator("#step-title")).to_have_text(title)
    lab.page.go_forward()
    expect(lab.page.locator("#step-title")).not_to_have_text(title)
