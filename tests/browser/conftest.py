"""Real Chromium in front of the live installation; a picture and the console of every window when a test fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.lab_page import LabPage
from tests.browser.tab import Tab, open_tab
from tests.live import LivePlatform

_CHROMIUM = "/usr/bin/chromium"
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_REPORT = pytest.StashKey[pytest.TestReport]()

OpenTab = Callable[..., Tab]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let fixtures know how the test ended."""
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, one a module: Playwright keeps an event loop running that tests elsewhere must not meet."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tabs(
    request: pytest.FixtureRequest, chromium: Browser, live_platform: LivePlatform, tmp_path: Path
) -> Iterator[OpenTab]:
    """Open windows. All must have been content with the pages; those of a failed test are kept as pictures."""
    opened: list[Tab] = []

    def new(**options: object) -> Tab:
        base = str(options.pop("base", live_platform.url))
        opened.append(open_tab(chromium, base, **options))
        return opened[-1]

    yield new
    report = request.node.stash.get(_REPORT, None)
    unexpected = [line for tab in opened for line in tab.unexpected()]
    if report is None or report.failed or unexpected:
        for number, tab in enumerate(opened, start=1):
            _keep(tab, tmp_path / f"window-{number}")
    for tab in opened:
        tab.context.close()
    assert not unexpected, "\n".join(unexpected)


@pytest.fixture
def tab(tabs: OpenTab) -> Tab:
    """The window of somebody who has never been here."""
    return tabs()


@pytest.fixture(scope="module")
def guest(chromium: Browser, live_platform: LivePlatform) -> Iterator[tuple[str, Sequence[Mapping[str, object]]]]:
    """A guest whose lab runs while the module's tests do: the page's path, and the cookies to come with."""
    tab = open_tab(chromium, live_platform.url)
    lab = LabPage.start_as_guest(tab).ready()
    path = f"/attempts/{lab.attempt}/"
    cookies = tab.cookies()
    tab.context.close()
    yield path, cookies
    tab = open_tab(chromium, live_platform.url, cookies=cookies)
    tab.go(path)
    LabPage(tab).end_machines()
    tab.page.locator("#start-panel[data-state='stopping'], #start-panel[data-state='gone']").wait_for()
    tab.context.close()


@pytest.fixture
def lab(tabs: OpenTab, guest: tuple[str, Sequence[Mapping[str, object]]]) -> LabPage:
    """The guest's lab page, freshly opened, its terminal live."""
    path, cookies = guest
    tab = tabs(cookies=cookies)
    tab.go(path)
    return LabPage(tab).ready()


def _keep(tab: Tab, place: Path) -> None:
    """A picture of a window and what its console said; prints where."""
    try:
        tab.page.screenshot(path=place.with_suffix(".png"), animations="disabled")
    except Exception as error:  # noqa: BLE001 - a window that is gone must not hide why the test failed
        print(f"no picture: {error}")
    place.with_suffix(".txt").write_text("\n".join([tab.page.url, *tab.console, *tab.complaints]))
    print(f"\nthe window as it was: {place.with_suffix('.png')}, its console: {place.with_suffix('.txt')}")
