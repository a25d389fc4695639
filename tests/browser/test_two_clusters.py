"""A swarm and a Kubernetes cluster in one sandbox, in a real browser: each has its place, its name and its terminal."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import kube_scenes as scenes
from tests.browser.picture_page import PicturePage
from tests.browser.tab import keep_picture
from tests.browser.test_picture import OpenPicture, open_picture, picture_browser

pytestmark = pytest.mark.browser

__all__ = ["open_picture", "picture_browser"]  # fixtures

_NODES = (*scenes.SWARM, *scenes.NODES)
_LARGE = {"width": 1280, "height": 800}
_WIDE = {"width": 2560, "height": 1440}
_PHONE = {"width": 390, "height": 844}


def both(open_picture: OpenPicture, **options: object) -> PicturePage:
    """A page that shows the two."""
    picture = open_picture(_NODES, kinds=scenes.KINDS, unplug=True, **options)
    picture.tell(scenes.beside_a_swarm())
    return picture


def box(page: Page, text: str) -> dict[str, float]:
    """Where a cluster's name stands in the picture."""
    found = page.locator("#picture-view .cluster-name").filter(has_text=text).bounding_box()
    assert found
    return dict(found)


def test_each_cluster_stands_below_its_name_with_what_runs_on_it(open_picture: OpenPicture) -> None:
    picture = both(open_picture)
    page = picture.page
    expect(page.locator("#picture-view h3")).to_have_text(["Swarm", "Kubernetes"])
    picture.settle()
    swarm, kube = box(page, "Swarm"), box(page, "Kubernetes")
    assert swarm["y"] == kube["y"]
    assert swarm["x"] + swarm["width"] <= kube["x"]
    for name in scenes.SWARM:
        node = page.locator(".node").filter(has_text=name).bounding_box()
        assert node
        assert swarm["x"] <= node["x"]
        assert node["x"] + node["width"] <= kube["x"]
    rows = page.locator(".services:visible")
    expect(rows.nth(0)).to_contain_text("Swarm")
    expect(rows.nth(0).locator(".service-name")).to_have_text(["desk_store", "desk_web"])
    expect(rows.nth(1)).to_contain_text("Kubernetes")
    expect(rows.nth(1).locator(".service-name")).to_have_text(["api", "web", "lonely"])


def test_machines_have_their_place_before_their_engines_say_anything(open_picture: OpenPicture) -> None:
    page = open_picture(_NODES, kinds=scenes.KINDS).page
    expect(page.locator("#picture-view h3")).to_have_text(["Docker", "Kubernetes"])
    expect(page.locator(".node .node-name")).to_have_text(list(_NODES))


def test_the_tables_are_those_of_each_cluster(open_picture: OpenPicture) -> None:
    page = both(open_picture).page
    page.get_by_role("button", name="Table").click()
    swarm = page.locator("#picture-tables section").filter(has=page.get_by_role("heading", name="Swarm"))
    kube = page.locator("#picture-tables section").filter(has=page.get_by_role("heading", name="Kubernetes"))
    expect(swarm.get_by_role("table", name="Nodes").locator("tbody th")).to_have_text(list(scenes.SWARM))
    expect(kube.get_by_role("table", name="Nodes").locator("tbody th")).to_have_text(list(scenes.NODES))
    expect(swarm.get_by_role("columnheader", name="Swarm")).to_have_count(1)
    expect(kube.get_by_role("columnheader", name="Swarm")).to_have_count(0)
    expect(swarm.get_by_role("table", name="Tasks")).to_be_visible()
    expect(kube.get_by_role("table", name="Pods")).to_be_visible()
    expect(page.get_by_role("region", name="Kubernetes: Pods")).to_be_visible()


def test_a_terminal_of_each_cluster_stands_beside_the_other_and_that_is_remembered(open_picture: OpenPicture) -> None:
    page = both(open_picture).page
    shown = page.locator("#terminal-tabs .tab[data-visible]")
    expect(shown).to_have_text(["swarm1", "control"])
    page.get_by_role("tab", name="worker1").click()
    expect(shown).to_have_text(["swarm1", "worker1"])
    page.get_by_role("tab", name="swarm2").click()
    expect(shown).to_have_text(["swarm2", "worker1"])
    page.reload()
    expect(shown).to_have_text(["swarm2", "worker1"])
    split = page.get_by_role("button", name="Split")
    split.focus()
    page.keyboard.press("Enter")
    expect(shown).to_have_text(["swarm2"])
    page.reload()
    expect(shown).to_have_text(["swarm2"])


def test_a_new_shell_is_chosen_from_a_menu_where_there_are_many_machines(open_picture: OpenPicture) -> None:
    page = both(open_picture).page
    tabs = page.get_by_role("tablist", name="Terminals")
    expect(tabs.get_by_role("tab", name="worker2")).to_be_in_viewport(ratio=1)
    menu = page.get_by_role("group", name="New shell")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    menu.get_by_role("button", name="New shell in swarm3").click()
    expect(tabs.get_by_role("tab", selected=True)).to_contain_text("swarm3")
    expect(menu.get_by_role("button")).to_have_count(0)


def test_a_phone_shows_one_terminal_and_the_clusters_below_each_other(open_picture: OpenPicture) -> None:
    picture = both(open_picture, viewport=_PHONE)
    page = picture.page
    page.get_by_role("button", name="Terminal", exact=True).click()
    expect(page.locator(".terminal-panel:visible")).to_have_count(1)
    expect(page.get_by_role("button", name="Split")).to_be_hidden()
    page.get_by_role("button", name="Machines").first.click()
    picture.settle()
    assert box(page, "Swarm")["x"] == box(page, "Kubernetes")["x"]


def test_the_picture_is_lent_to_a_recording_and_given_back(open_picture: OpenPicture) -> None:
    picture = both(open_picture, exercise="swarm-and-kubernetes")
    page = picture.page
    note, names = page.locator("#picture-recorded"), page.locator(".node .node-name")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(names).to_have_text(list(_NODES))
    expect(note).to_be_hidden()

    page.locator(".cast-chapters button", has_text="And back").click()
    expect(note).to_contain_text("machines of the recording")
    expect(names).to_have_text(["swarm1", "swarm2", "swarm3", "kube1", "kube2", "kube3"])
    expect(page.locator(".node").nth(5)).to_contain_text("unplugged")
    expect(page.locator("[data-power], #picture-view button.port")).to_have_count(0)
    picture.settle()
    keep_picture(page, "two-clusters-recording")
    assert picture.axe() == []

    # The learner's own machines go on behind it, and are told of as soon as they are asked for.
    picture.tell(scenes.beside_a_swarm(lost=True))
    page.get_by_role("button", name="Show mine").click()
    expect(note).to_be_hidden()
    expect(names).to_have_text(list(_NODES))
    expect(page.locator(".node").nth(2)).to_contain_text("unplugged")
    expect(page.locator("[data-power]")).to_have_count(6)
    page.locator(".cast-chapters button", has_text="Break").click()
    expect(note).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [_LARGE, _WIDE, _PHONE], ids=["large", "wide", "phone"])
def test_axe_finds_nothing(open_picture: OpenPicture, viewport: dict[str, int], scheme: str) -> None:
    picture = both(open_picture, viewport=viewport, color_scheme=scheme)
    page = picture.page
    if viewport is _PHONE:
        page.get_by_role("button", name="Machines").first.click()
    for name, lost in (("both", False), ("lost", True)):
        picture.tell(scenes.beside_a_swarm(lost=lost))
        picture.settle()
        keep_picture(page, f"two-clusters-{name}-{viewport['width']}-{scheme}")
        assert picture.axe() == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_role("button", name="Table").click()
    assert picture.axe() == []
