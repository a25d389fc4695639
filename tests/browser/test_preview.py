"""Previews in a real Chromium: beside the guide, in a window, and what their pages cannot reach."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browsing import Visitor
from tests.engine.rows import ready_attempt, sandbox_row
from tests.live import LivePlatform
from tests.previewing import Looking, start_servers
from tests.waiting import wait_until

pytestmark = [pytest.mark.engine, pytest.mark.browser]


@pytest.fixture(scope="module")
def visitor(live_platform: LivePlatform) -> Visitor:
    """A guest whose sandbox runs the fixture's server."""
    return Visitor.as_guest(live_platform)


@pytest.fixture(scope="module")
def attempt(live_platform: LivePlatform, visitor: Visitor) -> str:
    """Their lab, with servers on 8080 and 8090 of node1."""
    attempt = ready_attempt(live_platform, visitor)
    sandbox = sandbox_row(live_platform, attempt).sandbox
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright has a loop running in this thread
        elsewhere.submit(asyncio.run, start_servers(live_platform, visitor, sandbox)).result()
    app = Looking.at(live_platform, visitor, attempt, "node1", 8090)

    def answers() -> bool:
        try:
            return app.ask("/").status == 200
        except OSError:
            return False

    wait_until(answers, seconds=120, what="the server in its preview")
    return attempt


@pytest.fixture
def context(chromium: Browser, live_platform: LivePlatform, visitor: Visitor, attempt: str) -> Iterator[BrowserContext]:
    """A browser with the guest's session."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    for pair in visitor.cookies.split("; "):
        name, _, value = pair.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": live_platform.url, "sameSite": "Lax"}])
    yield context
    context.close()


@pytest.fixture
def lab(context: BrowserContext, live_platform: LivePlatform, attempt: str) -> Page:
    """The lab page, ready."""
    page = context.new_page()
    page.goto(f"{live_platform.url}/attempts/{attempt}/")
    page.get_by_text("Ports", exact=True).wait_for()
    return page


def open_port(page: Page, node: str, port: int) -> None:
    """Through the menu, by keyboard alone."""
    page.get_by_text("Ports", exact=True).press("Enter")
    page.locator("#ports-node").select_option(node)
    page.locator("#ports-port").fill(str(port))
    page.locator("#ports-port").press("Enter")


def test_a_port_opens_in_a_tab_beside_the_guide_and_in_a_window(lab: Page, context: BrowserContext) -> None:
    open_port(lab, "node1", 8090)
    frame = lab.frame_locator("iframe[title='Port 8090 of node1']")
    expect(frame.locator("h1")).to_have_text("the app is here")
    tab = lab.get_by_role("tab", name=":8090 node1")
    expect(tab).to_have_attribute("aria-selected", "true")
    with context.expect_page() as opening:
        lab.get_by_role("link", name="Open node1:8090 in a window of its own").click()
    window = opening.value
    expect(window.locator("h1")).to_have_text("the app is here")
    assert window.evaluate("window.opener") is None
    window.close()
    lab.reload()
    expect(tab).to_be_visible()
    tab.click()
    expect(frame.locator("h1")).to_have_text("the app is here")
    tab.press("Delete")
    expect(tab).to_have_count(0)
    expect(lab.get_by_role("tab", name="node1").first).to_be_focused()


def test_a_port_without_a_server_says_so_in_its_tab(lab: Page) -> None:
    open_port(lab, "node2", 5000)
    frame = lab.frame_locator("iframe[title='Port 5000 of node2']")
    expect(frame.locator("h1")).to_have_text("Nothing listens on port 5000 of node2 yet.")


def test_ports_are_opened_on_a_phone_too(lab: Page) -> None:
    lab.set_viewport_size({"width": 390, "height": 844})
    lab.locator('#pane-tabs [data-pane="terminal"]').click()
    lab.get_by_text("Ports", exact=True).press("Enter")
    for field in ("#ports-node", "#ports-port"):
        expect(lab.locator(field)).to_be_in_viewport(ratio=1)
    lab.keyboard.press("Escape")
    open_port(lab, "node1", 8090)
    expect(lab.frame_locator("iframe[title='Port 8090 of node1']").locator("h1")).to_be_visible()
    assert lab.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_page_in_a_sandbox_reaches_neither_the_platform_nor_its_page(
    lab: Page, live_platform: LivePlatform, context: BrowserContext
) -> None:
    open_port(lab, "node1", 8090)
    frame = lab.frame_locator("iframe[title='Port 8090 of node1']")
    expect(frame.locator("h1")).to_be_visible()
    inner = next(one for one in lab.frames if one.parent_frame and "localhost" in one.url)
    inner.goto(f"{inner.url}attack?platform={live_platform.url}")
    out = frame.locator("#out")
    expect(out).to_contain_text("echo=", timeout=15_000)
    seen = dict(line.split("=", 1) for line in out.inner_text().splitlines())
    assert seen == {
        "cookies": "none",
        "parent": "refused",
        "top": "refused",
        "fetch": "refused",
        "post": "refused",
        "frame": "refused",
        "socket": "refused",
        "plant": "done",
        "echo": "hello",
    }
    planted = [cookie for cookie in context.cookies() if cookie.get("value") == "planted"]
    assert planted == []
    assert lab.url.startswith(live_platform.url)


def test_the_same_page_in_a_window_reaches_no_more(
    context: BrowserContext, live_platform: LivePlatform, attempt: str
) -> None:
    window = context.new_page()
    window.goto(f"{live_platform.url}/attempts/{attempt}/previews/node1/8090")
    expect(window.locator("h1")).to_have_text("the app is here")
    window.goto(f"{window.url}attack?platform={live_platform.url}")
    out = window.locator("#out")
    expect(out).to_contain_text("echo=", timeout=15_000)
    text = out.inner_text()
    for refused in ("fetch=refused", "post=refused", "frame=refused", "socket=refused"):
        assert refused in text
    assert [cookie for cookie in context.cookies() if cookie.get("value") == "planted"] == []


def test_another_persons_browser_is_not_let_in(
    chromium: Browser, live_platform: LivePlatform, visitor: Visitor, attempt: str
) -> None:
    host = Looking.at(live_platform, visitor, attempt, "node1", 8090).host
    stranger = chromium.new_context()
    page = stranger.new_page()
    page.goto(f"http://{host}/")
    expect(page.locator("h1")).to_contain_text("not open in this browser")
    stranger.close()
