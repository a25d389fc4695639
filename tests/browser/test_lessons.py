"""A watched lesson in the page: it plays, is driven from the keyboard, moves the picture, and can be read instead."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab_page import LabPage
from tests.browser.tab import PHONE, Tab, keep_picture
from tests.browser.test_pages import suits_everyone

pytestmark = pytest.mark.browser

LESSON = "kubernetes-in-five-minutes"
WORKER_DIES = "A worker dies"


@pytest.fixture
def lesson(tab: Tab) -> Page:
    """The lesson, opened by a guest."""
    page = LabPage.start_as_guest(tab, LESSON).page
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    return page


def position(page: Page) -> int:
    """Where the recording is, in seconds."""
    return int(page.get_by_role("slider", name="Position").input_value())


def screen(page: Page) -> str:
    """What the recorded terminal shows."""
    return page.locator(".cast-screen .xterm-rows").inner_text().replace("\xa0", " ")


def test_a_lesson_plays_and_what_was_played_counts(lesson: Page) -> None:
    lesson.get_by_role("combobox", name="Speed").select_option("2")
    expect(lesson.locator(".cast-stage")).to_have_attribute("data-untouched", "")
    lesson.get_by_role("button", name="Play").click()
    expect(lesson.locator(".cast-stage")).to_be_in_viewport(ratio=1)
    expect(lesson.locator(".cast-stage")).not_to_have_attribute("data-untouched", "")
    expect(lesson.locator(".cast-caption")).to_contain_text("start containers by hand")
    expect(lesson.get_by_role("slider", name="Position")).not_to_have_value("0")
    expect(lesson.get_by_role("slider", name="Position")).to_have_value(re.compile(r"[89]|\d\d"))
    lesson.get_by_role("button", name="Pause").click()
    expect(lesson.locator(".cast-progress")).to_contain_text("% of it watched")
    lesson.reload()
    expect(lesson.locator(".cast-progress")).not_to_contain_text(" 0 %")
    expect(lesson.locator(".cast-progress")).to_contain_text("% of it watched")


def test_the_keyboard_alone_is_enough(lesson: Page) -> None:
    lesson.get_by_role("slider", name="Position").focus()
    lesson.keyboard.press("]")
    second = position(lesson)
    assert second > 5
    expect(lesson.get_by_role("button", name="Who does the work")).to_have_attribute("aria-current", "true")
    lesson.keyboard.press("ArrowRight")
    assert position(lesson) == second + 5
    lesson.keyboard.press("ArrowLeft")
    lesson.keyboard.press("[")
    assert position(lesson) == 0
    lesson.keyboard.press("Space")
    expect(lesson.get_by_role("button", name="Pause")).to_be_visible()
    lesson.keyboard.press("Space")
    expect(lesson.get_by_role("button", name="Play")).to_be_visible()


def test_terminal_and_picture_show_the_moment_in_both_directions(lesson: Page) -> None:
    down = lesson.locator("#picture-tables").get_by_text("unplugged")
    expect(down).to_have_count(0)
    lesson.get_by_role("button", name="And comes back").click()
    expect(down.first).to_be_attached()
    expect(lesson.locator(".cast-screen")).to_contain_text("web")
    keep_picture(lesson, "lesson-unplugged")
    lesson.get_by_role("button", name="A Deployment, taken apart").click()
    expect(down).to_have_count(0)
    lesson.keyboard.press("ArrowRight")
    lesson.keyboard.press("ArrowRight")
    expect(lesson.locator(".cast-screen")).to_contain_text("containerPort: 80")
    assert "NotReady" not in screen(lesson)


def test_who_cannot_watch_reads_and_the_step_is_done_when_answered(lesson: Page) -> None:
    lesson.get_by_text("Transcript of the recording").click()
    transcript = lesson.locator(".cast-transcript")
    expect(transcript.get_by_role("heading", name=WORKER_DIES)).to_be_visible()
    expect(transcript).to_contain_text("NotReady")
    lesson.get_by_role("button", name="I have read the transcript").click()
    expect(lesson.locator(".cast-progress")).to_contain_text("Watched.")
    first = lesson.locator("#steps [data-step='five-minutes']")
    assert first.get_attribute("data-done") is None
    lesson.get_by_text("The kubelet of worker1").first.click()
    lesson.get_by_role("button", name="Answer").click()
    expect(lesson.locator(".quiz-explanation")).to_contain_text("bear its machine's name")
    expect(first).to_have_attribute("data-done", "")


def test_a_lesson_suits_everyone(tab: Tab) -> None:
    page = LabPage.start_as_guest(tab, LESSON).page
    page.get_by_role("button", name="A Deployment, taken apart").click()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".cast-screen")).to_contain_text("containerPort: 80")
    suits_everyone(tab, "lesson")
    page.set_viewport_size(dict(zip(("width", "height"), PHONE, strict=True)))
    page.locator(".cast-frame").scroll_into_view_if_needed()
    screen, stage = (
        page.locator(".cast-screen .xterm-screen").bounding_box(),
        page.locator(".cast-stage").bounding_box(),
    )
    assert screen
    assert stage
    assert screen["width"] <= stage["width"]
