"""A person's browser window in tests: real Chromium with a session of its own, and what its console complained about.

A window that complains (an error in the console, an uncaught exception, a violation of the Content-Security-Policy)
fails its test, unless the test has said that it will.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

_SCREENSHOTS = os.environ.get("SLIPWAY_SCREENSHOTS", "")
DESKTOP = (1280, 800)
PHONE = (390, 844)


@dataclass
class Tab:
    """One window; `page` is Playwright's."""

    context: BrowserContext
    page: Page
    base: str
    console: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _allowed: list[re.Pattern[str]] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open an address of the installation."""
        self.page.goto(self.base + path, wait_until="load")

    def may_complain(self, pattern: str) -> None:
        """Complaints that the pattern is found in are what this test provokes."""
        self._allowed.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """Complaints that the test did not provoke."""
        return [line for line in self.complaints if not any(pattern.search(line) for pattern in self._allowed)]

    def cookies(self) -> Sequence[Mapping[str, object]]:
        """The session, to come back with in another window."""
        return self.context.cookies()

    def hear(self, message: ConsoleMessage) -> None:
        """Keep what the console says."""
        line = f"{message.type}: {message.text} ({message.location.get('url', '')})"
        self.console.append(line)
        if message.type in {"error", "warning"} and not _is_about_the_machine(message.text):
            self.complaints.append(line)


def open_tab(
    browser: Browser,
    base: str,
    *,
    size: tuple[int, int] = DESKTOP,
    scheme: str = "light",
    locale: str = "en-GB",
    cookies: Sequence[Mapping[str, object]] = (),
    reduced_motion: bool = False,
    touch: bool = False,
) -> Tab:
    """A new window of somebody who has been here with these cookies, or never."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        locale=locale,
        reduced_motion="reduce" if reduced_motion else "no-preference",
        has_touch=touch,
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base)
    context.set_default_timeout(20_000)
    if cookies:
        context.add_cookies(list(cookies))
    tab = Tab(context=context, page=context.new_page(), base=base)
    tab.page.on("console", tab.hear)
    tab.page.on("pageerror", lambda error: tab.complaints.append(f"uncaught: {error}"))
    return tab


def keep_picture(page: Page, name: str) -> None:
    """Save a picture of the page in the folder that the environment names, if it names one."""
    if not _SCREENSHOTS:
        return
    folder = Path(_SCREENSHOTS)
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", animations="disabled")


def _is_about_the_machine(text: str) -> bool:
    """Whether Chromium talks of this machine's graphics, and not of the page."""
    return "GPU stall" in text or "WebGL" in text
