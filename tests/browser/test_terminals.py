"""Terminals in the browser: typing, floods, reloads, lost connections, several shells, pastes, search, copies."""

from __future__ import annotations

import hashlib
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import SLOW, LabPage
from tests.live import LivePlatform
from tests.waiting import wait_until

pytestmark = pytest.mark.browser
_TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def test_what_is_typed_runs_and_is_shown(lab: LabPage) -> None:
    lab.clear("node1")
    lab.page.keyboard.type("echo $((6*7))-Grüße-日本")
    lab.page.keyboard.press("Enter")
    lab.wait_for("node1", "\n42-Grüße-日本")


def test_a_flood_leaves_the_page_alive_and_ctrl_c_ends_it_at_once(lab: LabPage) -> None:
    lab.clear("node1")
    lab.type("yes")
    lab.wait_for("node1", lambda screen: screen.count("\ny") > 8)
    for _ in range(5):
        began = time.monotonic()
        lab.page.evaluate(_TWO_FRAMES)
        assert time.monotonic() - began < 2
    lab.page.keyboard.press("Control+c")
    lab.wait_for("node1", lambda screen: "^C" in screen and screen.endswith("#"), seconds=5)


def test_a_reload_brings_the_same_shell_back_with_what_it_showed_and_says_so(lab: LabPage) -> None:
    lab.clear("node1")
    lab.type("kept=of-this-shell; echo before-$kept")
    lab.wait_for("node1", "before-of-this-shell")
    lab.page.reload()
    lab.ready()
    expect(lab.panel("node1").locator(".terminal-status")).to_have_text("Reconnected: the same shell, as you left it.")
    lab.wait_for("node1", "before-of-this-shell")
    lab.show("node1")
    lab.type("echo after-$kept")
    lab.wait_for("node1", "after-of-this-shell")


def test_the_terminal_comes_back_by_itself_after_the_web_process_was_killed(
    lab: LabPage, live_platform: LivePlatform
) -> None:
    lab.tab.may_complain(r"WebSocket connection|Failed to load resource|net::ERR")
    lab.clear("node1")
    lab.type("kept=through-it; echo before-$kept")
    lab.wait_for("node1", "before-through-it")
    old = live_platform.pid("web")
    live_platform.kill("web")
    expect(lab.panel("node1")).to_have_attribute("data-state", "reconnecting", timeout=SLOW)
    live_platform.wait_for_restart("web", old)
    expect(lab.panel("node1")).to_have_attribute("data-state", "live", timeout=SLOW)
    lab.type("echo after-$kept")
    lab.wait_for("node1", "after-through-it")
    expect(lab.page.locator("#connection")).to_have_attribute("data-state", "connected", timeout=SLOW)


def test_a_lost_network_is_told_and_mended_without_a_click(lab: LabPage) -> None:
    lab.tab.may_complain(r"WebSocket connection|Failed to load resource|net::ERR")
    lab.clear("node1")
    lab.tab.context.set_offline(True)
    lab.page.evaluate("dispatchEvent(new Event('offline'))")
    lab.tab.context.set_offline(False)
    lab.page.evaluate("dispatchEvent(new Event('online'))")
    expect(lab.panel("node1")).to_have_attribute("data-state", "live", timeout=SLOW)
    lab.type("echo there-$((1+1))-again")
    lab.wait_for("node1", "there-2-again")


def test_a_node_has_several_shells_which_stand_side_by_side_and_survive_a_reload(lab: LabPage) -> None:
    page = lab.page
    page.get_by_role("button", name="New shell in node1").click()
    second = page.get_by_role("tab", name="node1 · 2")
    expect(second).to_have_attribute("aria-selected", "true")
    expect(lab.panel("node1", "2")).to_have_attribute("data-state", "live", timeout=SLOW)
    lab.wait_for_prompt("node1", shell="2")
    lab.type("echo second-$((1+1))")
    lab.wait_for("node1", "second-2", shell="2")
    page.get_by_role("button", name="Split").click()
    expect(page.locator(".terminal-panel:visible")).to_have_count(2)
    page.reload()
    lab.ready()
    expect(page.locator(".terminal-panel:visible")).to_have_count(2)
    lab.wait_for("node1", "second-2", shell="2")
    page.get_by_role("button", name="Split").click()
    expect(page.locator(".terminal-panel:visible")).to_have_count(1)
    second.focus()
    page.keyboard.press("Delete")
    expect(second).to_have_count(0)
    expect(page.get_by_role("tab", name="node1", exact=True)).to_have_attribute("aria-selected", "true")


def test_several_lines_are_pasted_only_after_a_yes(lab: LabPage) -> None:
    lab.clear("node1")
    paste(lab, "echo one-$((1+1))\necho two-$((1+1))\n")
    dialog = lab.page.get_by_role("dialog", name="Paste several lines?")
    expect(dialog.locator("#paste-preview")).to_contain_text("echo two-")
    dialog.get_by_role("button", name="Cancel").click()
    assert "echo" not in lab.screen("node1")
    paste(lab, "echo one-$((1+1))\necho two-$((1+1))\n")
    dialog.get_by_role("button", name="Paste").click()
    lab.wait_for("node1", "echo two-")
    lab.page.keyboard.press("Enter")
    lab.wait_for("node1", "\none-2")
    lab.wait_for("node1", "two-2")


def test_a_paste_of_a_megabyte_arrives_whole(lab: LabPage) -> None:
    text = "".join(f"{number:07} {'slipway ' * 11}end\n" for number in range(9900))
    assert 980_000 < len(text) < 1_000_000
    lab.clear("node1")
    lab.type("cat > pasted")
    lab.wait_for("node1", "cat > pasted")
    paste(lab, text)
    lab.page.get_by_role("dialog").get_by_role("button", name="Paste").click()
    lab.wait_for("node1", f"{9899:07}", seconds=60)
    lab.page.keyboard.press("Control+d")
    lab.wait_for_prompt("node1", seconds=60)
    assert f"{len(text)} pasted" in lab.command("node1", "wc -c pasted")
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest in lab.command("node1", "sha256sum pasted").replace("\n", "")


def test_a_paste_of_more_than_that_is_refused_with_a_sentence(lab: LabPage) -> None:
    lab.clear("node1")
    paste(lab, "x" * 1_000_001)
    expect(lab.page.locator("#notices .notice")).to_contain_text("That is more than 1 MB.")
    assert lab.screen("node1").endswith("#")


def test_the_shell_follows_the_size_of_its_terminal(lab: LabPage) -> None:
    for width, height in ((1280, 800), (1000, 600)):
        lab.page.set_viewport_size({"width": width, "height": height})
        rows = lab.panel("node1").locator(".xterm-rows > div")
        wait_until(lambda: _stty(lab)[0] == rows.count(), seconds=20, what="a shell of the terminal's size")  # noqa: B023


def test_a_terminal_is_searched(lab: LabPage) -> None:
    lab.command("node1", "for i in 1 2 3; do echo needle-$i; done; seq 300")
    lab.page.keyboard.press("Control+Shift+F")
    search = lab.panel("node1").get_by_role("searchbox")
    expect(search).to_be_focused()
    search.fill("needle-")
    count = lab.panel("node1").locator(".search-count")
    expect(count).to_have_text(re.compile(r"^\d of [34]$"))
    first = count.inner_text()
    search.press("Enter")
    expect(count).not_to_have_text(first)
    lab.wait_for("node1", "needle-2")
    search.fill("nothing like it")
    expect(count).to_have_text("Not found")
    search.press("Escape")
    expect(search).to_be_hidden()
    expect(lab.panel("node1").locator("textarea")).to_be_focused()


def test_what_is_selected_is_copied(lab: LabPage) -> None:
    lab.clear("node1")
    lab.type("echo cop$(echo ied)-word")
    lab.wait_for("node1", "\ncopied-word")
    row = lab.panel("node1").locator(".xterm-rows > div").filter(has_text=re.compile("^copied-word"))
    row.dblclick(position={"x": 20, "y": 6}, force=True)
    read = "() => navigator.clipboard.readText()"
    wait_until(lambda: "copied" in lab.page.evaluate(read), seconds=10, what="the word on the clipboard")


def test_the_end_of_a_shell_is_told_and_another_one_is_a_click_away(lab: LabPage) -> None:
    lab.show("node2")
    lab.wait_for_prompt("node2")
    lab.type("exit 3")
    status = lab.panel("node2").locator(".terminal-status")
    expect(status).to_contain_text("The shell has ended (exit status 3).")
    status.get_by_role("button", name="Start a new shell").click()
    expect(lab.panel("node2")).to_have_attribute("data-state", "live", timeout=SLOW)
    lab.wait_for_prompt("node2")


def test_the_size_of_the_letters_is_remembered(lab: LabPage) -> None:
    rows = lab.panel("node1").locator(".xterm-rows > div")
    usual = rows.count()
    for _ in range(4):
        lab.page.get_by_role("button", name="Larger font").click()
    wait_until(lambda: rows.count() < usual, seconds=10, what="fewer lines")
    larger = rows.count()
    lab.page.reload()
    lab.ready()
    wait_until(lambda: rows.count() == larger, seconds=10, what="as few lines after a reload")


def paste(lab: LabPage, text: str) -> None:
    """Put a text on the clipboard and paste it with the terminal's keys."""
    lab.page.evaluate("text => navigator.clipboard.writeText(text)", text)
    lab.panel("node1").locator("textarea").focus()
    lab.page.keyboard.press("Control+Shift+V")


def _stty(lab: LabPage) -> tuple[int, int]:
    found = re.search(r"^(\d+) (\d+)$", lab.command("node1", "stty size"), re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else (0, 0)
