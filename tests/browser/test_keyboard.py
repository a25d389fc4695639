"""The main way with the keyboard alone: where the focus goes, that it is seen, and how one leaves a terminal."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.lab_page import SLOW, LabPage
from tests.browser.tab import Tab

pytestmark = pytest.mark.browser

_STOP = """
() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const seen = [one, one.closest('.lab-card'), one.nextElementSibling].filter(Boolean).some(place => {
    const style = getComputedStyle(place);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0);
  }) || one.classList.contains('xterm-helper-textarea');
  const name = one.getAttribute('aria-label') || one.textContent.trim().slice(0, 40) || one.name || one.tagName;
  return {name, seen};
}
"""

_COVERED = """
() => [...document.querySelectorAll('#guide-body :is(button, summary, a, input)')].filter(one => {
  document.getElementById('guide').scrollTop = 0;
  one.focus();
  return one.getBoundingClientRect().bottom > document.querySelector('.step-ways').getBoundingClientRect().top;
}).map(one => one.textContent)
"""


def test_the_first_stop_is_a_link_past_everything_to_the_content(tab: Tab) -> None:
    for path in ("/", "/accounts/login/"):
        tab.go(path)
        tab.page.keyboard.press("Tab")
        link = tab.page.get_by_role("link", name="Skip to the content")
        expect(link).to_be_focused()
        expect(link).to_be_in_viewport()
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("#main")).to_be_focused()


def test_the_focus_is_seen_wherever_it_goes(tabs: OpenTab, lab: LabPage) -> None:
    visitor = tabs()
    for path in ("/", "/labs/docker-networking/", "/accounts/login/", "/accounts/signup/"):
        visitor.go(path)
        assert unseen_stops(visitor.page) == [], path
    lab.page.locator("#guide").focus()
    assert unseen_stops(lab.page) == []


def test_nothing_that_gets_the_focus_in_the_guide_lies_under_the_way_on(lab: LabPage) -> None:
    for number in (1, 4):
        lab.go_to_step(number)
        assert lab.page.evaluate(_COVERED) == []


def test_a_visitor_reaches_and_does_everything_without_a_mouse(tab: Tab) -> None:
    page, keys = tab.page, tab.page.keyboard
    tab.go("/")
    tab_to(page, page.get_by_role("link", name="Docker networking"))
    keys.press("Enter")
    page.wait_for_url("**/labs/docker-networking/")
    tab_to(page, page.get_by_role("button", name="Try without an account"))
    keys.press("Enter")
    page.wait_for_url("**/attempts/*/", timeout=SLOW)
    lab = LabPage(tab).ready()

    # The step is worked on in a terminal, so that is where one is; Escape twice leaves it for its tab.
    terminal = lab.panel("node1").locator("textarea")
    expect(terminal).to_be_focused()
    lab.wait_for_prompt("node1")
    keys.type("echo by-$((1+1))-hands")
    keys.press("Enter")
    lab.wait_for("node1", "\nby-2-hands")
    keys.press("Escape")
    keys.press("Escape")
    expect(page.get_by_role("tab", name="node1")).to_be_focused()
    keys.press("ArrowRight")
    expect(page.get_by_role("tab", name="node2")).to_be_focused()
    expect(lab.panel("node2")).to_have_attribute("data-state", "live", timeout=SLOW)
    keys.press("ArrowLeft")

    # A command of the guide, which brings one back into the terminal.
    tab_to(page, lab.run_blocks().last, backwards=True)
    keys.press("Enter")
    expect(terminal).to_be_focused()
    lab.all_green()
    keys.press("Escape")
    keys.press("Escape")

    # The question, a hint, the way on.
    quiz = page.locator("form.quiz").first
    tab_to(page, quiz.get_by_role("button", name="Answer"), backwards=True)
    keys.press("Shift+Tab")  # into the choices, at their last one
    keys.press("ArrowUp")
    expect(quiz.locator("input").nth(1)).to_be_checked()
    tab_to(page, quiz.get_by_role("button", name="Answer"))
    keys.press("Enter")
    expect(quiz).to_have_attribute("data-verdict", "right")
    hint = page.locator("#guide-body details.hint").first
    tab_to(page, hint.locator("summary"), backwards=True)
    keys.press("Enter")
    expect(hint).to_have_attribute("open", "")
    tab_to(page, page.locator("#next-step"))
    keys.press("Enter")
    expect(page.locator("#steps li:nth-child(2) button")).to_have_attribute("aria-current", "step")
    expect(page.locator("#step-title")).to_be_focused()

    # The dividers, the menu, the question before submitting, which Escape answers with no.
    divider = page.locator("#divider-columns")
    tab_to(page, divider)
    before = divider.get_attribute("aria-valuenow") or ""
    keys.press("ArrowRight")
    expect(divider).not_to_have_attribute("aria-valuenow", before)
    tab_to(page, page.get_by_role("banner").locator("details.menu > summary"), backwards=True)
    keys.press("Enter")
    expect(page.locator("#shortcuts")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    tab_to(page, page.locator("#submit"))
    keys.press("Enter")
    dialog = page.get_by_role("dialog", name=re.compile("Submit this lab"))
    expect(dialog).to_be_visible()
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#submit")).to_be_focused()
    lab.end_machines()


def tab_to(page: Page, target: Locator, *, backwards: bool = False) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(80):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
    pytest.fail(f"Tab does not lead to {target}")


def unseen_stops(page: Page) -> list[str]:
    """Press Tab until the page or a terminal ends it; the stops at which nothing shows where the focus is."""
    unseen: list[str] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is None:
            return unseen
        if not stop["seen"]:
            unseen.append(stop["name"])
        if stop["name"].startswith("Terminal of"):
            return unseen
    return unseen
