"""The lab page as a learner uses it: terminals that are typed into and read, steps, checks, questions."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.tab import Tab
from tests.waiting import wait_until

LAB = "docker-networking"
SLOW = 60_000  # ms; two busy cores may take that long for what usually takes one second
_SCREEN = """
panel => [...panel.querySelectorAll('.xterm-rows > div')]
  .map(row => row.textContent.replaceAll('\\u00a0', ' ').trimEnd()).join('\\n').trimEnd()
"""


class LabPage:
    """An open lab page."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.page: Page = tab.page

    @classmethod
    def start_as_guest(cls, tab: Tab, exercise: str = LAB) -> LabPage:
        """Try a lab without an account, from its own page."""
        tab.go(f"/labs/{exercise}/")
        tab.page.get_by_role("button", name="Try without an account").click()
        tab.page.wait_for_url("**/attempts/*/", wait_until="load", timeout=SLOW)
        return cls(tab)

    @property
    def attempt(self) -> str:
        """The attempt's id."""
        found = re.search(r"/attempts/([0-9a-f-]{36})/", self.page.url)
        assert found, self.page.url
        return found[1]

    def ready(self) -> LabPage:
        """Wait until the machines are ready and the shown terminal is live."""
        expect(self.page.locator("#start-panel")).to_be_hidden(timeout=SLOW)
        expect(self.page.locator(".terminal-panel[data-active]")).to_have_attribute("data-state", "live", timeout=SLOW)
        return self

    # Terminals

    def panel(self, node: str, shell: str = "1") -> Locator:
        """One terminal."""
        return self.page.locator(f'.terminal-panel[data-terminal="{node}/{shell}"]')

    def show(self, node: str, shell: str = "1") -> None:
        """Bring a terminal to the front, with the focus in it."""
        self.page.locator(f"#tab-{node}-{shell}").click()
        expect(self.panel(node, shell)).to_have_attribute("data-state", "live", timeout=SLOW)
        expect(self.panel(node, shell).locator("textarea")).to_be_focused()

    def screen(self, node: str, shell: str = "1") -> str:
        """The lines that the terminal shows at the moment."""
        return str(self.panel(node, shell).evaluate(_SCREEN))

    def type(self, text: str) -> None:
        """Type a line into the terminal that has the focus."""
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Enter")

    def wait_for(
        self, node: str, shows: str | Callable[[str], object], *, shell: str = "1", seconds: float = 40
    ) -> str:
        """Wait until the terminal shows a text, wrapped or not, or something else that a function finds in it."""

        def found() -> bool:
            screen = self.screen(node, shell)
            if callable(shows):
                return bool(shows(screen))
            return shows in screen or shows in screen.replace("\n", "")

        try:
            wait_until(found, seconds=seconds, what=f"{shows!r} in the terminal of {node}")
        except BaseException:
            print(self.screen(node, shell))
            raise
        return self.screen(node, shell)

    def wait_for_prompt(self, node: str, *, shell: str = "1", seconds: float = 90) -> str:
        """Wait until the shell asks for the next command, and goes on asking: between two lines it does so briefly."""
        since = 0.0

        def asks(screen: str) -> bool:
            nonlocal since
            if not re.search(r"root@\w+:[^\n]*#$", screen):
                since = 0.0
                return False
            since = since or time.monotonic()
            return time.monotonic() - since > 0.2

        return self.wait_for(node, asks, shell=shell, seconds=seconds)

    def clear(self, node: str) -> None:
        """Bring a terminal to the front and clear it, so that what comes next is all that it shows.

        Whatever an earlier test left half done in it ends.
        """
        self.show(node)
        self.page.keyboard.press("Control+c")
        self.wait_for_prompt(node)
        self.page.keyboard.press("Control+L")
        self.wait_for(node, lambda screen: re.fullmatch(r"root@\w+:.*#", screen))

    def command(self, node: str, text: str, *, seconds: float = 90) -> str:
        """Type a command in a node's terminal and wait for the prompt after it; returns what the terminal shows."""
        self.clear(node)
        self.type(text)
        self.wait_for(node, lambda screen: not re.fullmatch(r"root@\w+:.*#", screen))
        return self.wait_for_prompt(node, seconds=seconds)

    # The picture

    def unplug(self, node: str) -> None:
        """Press Unplug at a machine, and wait until the picture shows it without power."""
        self.page.get_by_role("button", name=f"Unplug {node}", exact=True).click()
        expect(self.page.get_by_role("button", name=f"Plug in {node}", exact=True)).to_be_visible(timeout=SLOW)

    def plug_in(self, node: str) -> None:
        """Press Plug in at a machine, and wait until the picture shows it with power."""
        self.page.get_by_role("button", name=f"Plug in {node}", exact=True).click()
        expect(self.page.get_by_role("button", name=f"Unplug {node}", exact=True)).to_be_visible(timeout=SLOW)

    # The guide and its checks

    def go_to_step(self, number: int) -> None:
        """Open a step from the row at the top."""
        button = self.page.locator(f"#steps li:nth-child({number}) button")
        button.click()
        expect(button).to_have_attribute("aria-current", "step")

    def run_block(self, block: Locator) -> str:
        """Click a command of the guide and wait until it has run; returns what the terminal shows."""
        node = block.get_attribute("data-node") or ""
        self.clear(node)
        block.click()
        self.wait_for(node, lambda screen: not re.fullmatch(r"root@\w+:.*#", screen))
        return self.wait_for_prompt(node)

    def run_blocks(self) -> Locator:
        """The commands of the step that can be clicked."""
        return self.page.locator("#guide-body .run-button")

    def checks(self) -> Locator:
        """The rows of the step's checks."""
        return self.page.locator("#checks > .check")

    def check(self, title: str) -> Locator:
        """One of them, by a part of its title."""
        return self.checks().filter(has_text=title)

    def all_green(self, *, seconds: float = 90) -> None:
        """Wait until every check of the step holds; when one does not, ask for it, and print what was found."""
        open_ones = self.page.locator('#checks > .check:not([data-outcome="passed"])')
        try:
            expect(open_ones).to_have_count(0, timeout=seconds * 1000)
        except AssertionError:
            self.page.locator("#check-now").click()
            expect(open_ones.and_(self.page.locator('[data-outcome="failed"]'))).not_to_have_count(0, timeout=SLOW)
            print(*self.checks().all_inner_texts(), sep="\n")
            raise
        assert self.checks().count() > 0

    def answer(self, quiz: Locator, choice: int) -> None:
        """Answer a question and wait for the verdict."""
        quiz.locator(f'input[value="{choice}"]').check()
        quiz.get_by_role("button").click()
        expect(quiz).to_have_attribute("data-verdict", re.compile("right|wrong"))

    def end_machines(self) -> None:
        """End the machines, as the menu offers it."""
        self.page.get_by_role("banner").locator("details.menu > summary").click()
        self.page.locator("#end-lab").click()
        self.page.get_by_role("dialog").get_by_role("button", name=re.compile("End the machines")).click()
