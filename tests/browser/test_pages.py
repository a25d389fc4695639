"""Every page for everyone: axe finds nothing, in light and dark, at a desk and on a phone, in English and Spanish."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.lab_page import LAB, SLOW, LabPage
from tests.browser.tab import DESKTOP, PHONE, Tab, keep_picture

pytestmark = pytest.mark.browser

Look = tuple[str, tuple[int, int]]
Guest = tuple[str, Sequence[Mapping[str, object]]]
_AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_RUN_AXE = """
async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(one =>
  one.id + ': ' + one.help + '\\n  ' + one.nodes.map(node => node.target + ' ' + node.failureSummary).join('\\n  '))
"""
_LOOKS: list[Look] = [("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE), ("dark", PHONE)]
_VISITORS_PAGES = {
    "about": f"/labs/{LAB}/",
    "sign-in": "/accounts/login/?next=/my-labs/",
    "sign-up": "/accounts/signup/",
    "password": "/accounts/password/reset/",
}
_GUESTS_PAGES = {
    "catalogue": "/",
    "my-labs": "/my-labs/",
    "result": "RESULT",
    "leave": "/accounts/logout/",
    "nowhere": "/there-is-no-such-page/",
    "not-mine": "/attempts/00000000-0000-4000-8000-000000000000/",
}


@pytest.mark.parametrize("name", _VISITORS_PAGES)
def test_a_visitors_page_suits_everyone(tab: Tab, name: str) -> None:
    tab.go(_VISITORS_PAGES[name])
    suits_everyone(tab, name)


@pytest.mark.parametrize("name", _GUESTS_PAGES)
def test_a_guests_page_suits_everyone(tabs: OpenTab, guest: Guest, name: str) -> None:
    path, cookies = guest
    tab = tabs(cookies=cookies)
    tab.may_complain("status of 404")  # what two of these pages are about
    tab.go(_GUESTS_PAGES[name].replace("RESULT", f"{path}result/"))
    suits_everyone(tab, name)


def test_the_lab_page_suits_everyone(lab: LabPage) -> None:
    suits_everyone(lab.tab, "lab")
    lab.page.set_viewport_size(dict(zip(("width", "height"), PHONE, strict=True)))
    for pane in ("Machines", "Terminal", "Guide"):
        lab.page.locator("#pane-tabs").get_by_role("button", name=pane).click()
        suits_everyone(lab.tab, f"lab-{pane.lower()}", looks=[("dark", PHONE)])
    lab.page.set_viewport_size(dict(zip(("width", "height"), DESKTOP, strict=True)))
    lab.page.get_by_role("banner").locator("details.menu > summary").click()
    suits_everyone(lab.tab, "lab-menu", looks=[("light", DESKTOP)])
    lab.page.locator("#shortcuts").click()
    suits_everyone(lab.tab, "lab-shortcuts", looks=[("dark", DESKTOP)])


def test_nothing_is_wider_than_the_smallest_phones(tabs: OpenTab, guest: Guest) -> None:
    path, cookies = guest
    visitor, known = tabs(size=(360, 740)), tabs(size=(360, 740), cookies=cookies)
    known.may_complain("status of 404")
    for tab, address in [
        *((visitor, address) for address in _VISITORS_PAGES.values()),
        *((known, address.replace("RESULT", f"{path}result/")) for address in _GUESTS_PAGES.values()),
        (known, path),
    ]:
        tab.go(address)
        assert not too_wide(tab.page), address


def test_a_browser_that_speaks_spanish_gets_spanish_pages(tabs: OpenTab) -> None:
    tab = tabs(locale="es-ES")
    tab.go("/")
    expect(tab.page.locator("html")).to_have_attribute("lang", "es")
    expect(tab.page.get_by_role("heading", name="Laboratorios", exact=True)).to_be_visible()
    tab.go("/accounts/login/")
    expect(tab.page.get_by_label("Usuario o correo electrónico")).to_be_visible()
    tab.page.get_by_role("button", name="English").click()
    expect(tab.page.locator("html")).to_have_attribute("lang", "en")
    tab.page.get_by_role("button", name="Español").click()
    expect(tab.page.locator("html")).to_have_attribute("lang", "es")


def test_the_lab_page_speaks_spanish_in_its_scripts_too(tabs: OpenTab, guest: Guest) -> None:
    path, cookies = guest
    tab = tabs(locale="es-ES", cookies=cookies)
    tab.go(path)
    LabPage(tab).ready()
    texts = json.loads(tab.page.locator("#lab-config").text_content() or "{}")["texts"]
    expect(tab.page.locator("#score")).to_contain_text("puntos")
    expect(tab.page.locator("#time-left")).to_contain_text("min")
    expect(tab.page.locator(".terminal-status").first).to_have_text(texts["terminal-reconnected"])
    assert texts["terminal-reconnected"] != "Reconnected: the same shell, as you left it."
    suits_everyone(tab, "lab-spanish", looks=[("light", DESKTOP), ("dark", PHONE)])


def test_nothing_moves_for_those_who_asked_for_that(tabs: OpenTab, guest: Guest) -> None:
    path, cookies = guest
    tab = tabs(reduced_motion=True, cookies=cookies)
    for address in ("/", f"/labs/{LAB}/", path):
        tab.go(address)
        # Those of a hundredth of a millisecond are how the styles say "at once".
        seen = "() => document.getAnimations().filter(one => one.effect.getComputedTiming().endTime > 1).length"
        assert tab.page.evaluate(seen) == 0, address
    LabPage(tab).ready()
    expect(tab.page.locator(".xterm-cursor-blink")).to_have_count(0)


def test_the_theme_is_chosen_with_a_button_and_remembered(tabs: OpenTab) -> None:
    tab = tabs(scheme="light")
    tab.go("/")
    switch = tab.page.locator("[data-theme-switch]")
    for _ in range(3):
        if switch.get_attribute("data-theme-switch") == "dark":
            break
        switch.click()
    expect(switch).to_have_attribute("aria-label", "Theme: dark")
    tab.page.reload()
    expect(tab.page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(tab.page.locator("body")).to_have_css("color-scheme", "dark", timeout=SLOW)


def suits_everyone(tab: Tab, name: str, looks: Sequence[Look] = _LOOKS) -> None:
    """Axe finds nothing, and nothing has to be scrolled to the side, in any of these looks."""
    tab.page.evaluate(_AXE.read_text())
    for scheme, (width, height) in looks:
        tab.page.emulate_media(color_scheme=scheme)
        tab.page.set_viewport_size({"width": width, "height": height})
        finish_animations(tab.page)
        look = f"{name}-{scheme}-{width}"
        keep_picture(tab.page, look)
        found = tab.page.evaluate(_RUN_AXE)
        assert not found, f"{look}:\n" + "\n".join(found)
        assert not too_wide(tab.page), look


def finish_animations(page: Page) -> None:
    """Colours on their way from one look to the other are nobody's contrast."""
    page.evaluate("() => document.getAnimations().forEach(one => { try { one.finish() } catch { one.cancel() } })")


def too_wide(page: Page) -> bool:
    """Whether the page can be scrolled to the side."""
    return bool(page.evaluate("() => document.documentElement.scrollWidth > innerWidth"))
