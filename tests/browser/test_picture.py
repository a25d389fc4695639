"""The live picture in a real browser: seen, pressed, read out, and gone through by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, expect

from slipway.operations.frontend import ensure_front_end
from tests.browser import picture_scenes as scenes
from tests.browser.picture_page import PicturePage

pytestmark = pytest.mark.browser

_LARGE = {"width": 1280, "height": 800}
_PHONE = {"width": 390, "height": 844}
THREE = ("node1", "node2", "node3")

OpenPicture = Callable[..., PicturePage]


@pytest.fixture(scope="module")
def picture_browser(chromium: Browser) -> Browser:
    """A browser, and the front end built."""
    ensure_front_end(Path(settings.SLIPWAY_CACHE))
    return chromium


@pytest.fixture
def open_picture(picture_browser: Browser) -> Iterator[OpenPicture]:
    """Open lab pages; none may have complained."""
    opened: list[PicturePage] = []

    def open_page(nodes: tuple[str, ...] = THREE, **options: object) -> PicturePage:
        opened.append(PicturePage(picture_browser, nodes=nodes, **{"viewport": _LARGE, **options}))
        return opened[-1]

    yield open_page
    complaints = [complaint for one in opened for complaint in one.complaints]
    for one in opened:
        one.context.close()
    assert not complaints


def test_machines_are_there_before_their_engines_say_anything(open_picture: OpenPicture) -> None:
    picture = open_picture()
    expect(picture.page.locator(".node .node-name")).to_have_text(list(THREE))
    assert {"type": "watch", "on": True} in picture.heard


def test_services_tasks_networks_ports_and_roles_are_seen(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.swarm_of_three())
    page = picture.page
    expect(page.locator(".service .replicas")).to_have_text(["4/4", "2/3"])
    expect(page.locator(".role")).to_have_text(["leader", "worker", "worker"])
    expect(page.locator(".segment[data-family=ingress] .port")).to_have_text([":8080"] * 3)
    expect(page.locator(".joint")).to_have_count(6)  # three networks over three nodes
    expect(page.get_by_role("button", name="shop_worker.2: preparing")).to_be_visible()
    expect(page.get_by_role("button", name="Container tools")).to_be_visible()
    expect(page.locator(".segment").filter(has_text="host")).to_have_count(0)


def test_published_ports_are_in_the_menu_of_ports(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.swarm_of_three())
    known = picture.page.locator("#ports-known button")
    expect(known.filter(has_text="node1:8080")).to_have_count(1)


def test_what_a_command_did_appears_moves_and_goes(open_picture: OpenPicture) -> None:
    picture = open_picture(("node1", "node2"))
    picture.tell(scenes.first_containers())
    page = picture.page
    picture.settle()
    app = page.locator("[data-tile='container:c2']")
    before = app.bounding_box()
    picture.change({"containers": {"put": [scenes.container("c0", "node1", "aaa", ["node1/b0"])]}})
    expect(page.get_by_role("button", name="Container aaa")).to_be_visible()
    picture.settle()
    assert app.bounding_box() != before
    picture.change({"containers": {"drop": ["c0"]}})
    expect(page.get_by_role("button", name="Container aaa")).to_have_count(0)
    picture.settle()
    assert app.bounding_box() == before


def test_a_page_that_missed_a_change_asks_for_everything(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.idle())
    expect(picture.page.locator(".segment")).to_have_count(2)
    asked = picture.heard.count({"type": "cluster"})
    picture.change({"nodes": {"drop": ["node1"]}}, skip=1)
    picture.page.wait_for_timeout(3100)  # it has just asked for this sandbox, and does so at most every three seconds
    picture.change({"nodes": {"drop": ["node1"]}})
    picture.page.wait_for_timeout(100)
    assert picture.heard.count({"type": "cluster"}) > asked
    picture.tell(scenes.swarm_of_three())
    expect(picture.page.locator(".role")).to_have_count(3)


def test_names_are_text_whatever_they_hold(open_picture: OpenPicture) -> None:
    picture = open_picture()
    evil = "<img src=x onerror=document.body.remove()>'\"]"
    nodes = [scenes.node("node1")]
    networks = [scenes.network(f"node1/{evil}", evil, ["node1"])]
    containers = [scenes.container(evil, "node1", evil, [f"node1/{evil}"], image=evil, state=evil)]
    picture.tell(scenes.snapshot(nodes, networks=networks, containers=containers))
    expect(picture.page.locator(".tile-name")).to_have_text(evil)
    picture.page.locator(".tile-facts").click()
    expect(picture.page.locator("#facts-title")).to_have_text(evil)
    assert picture.page.locator("#picture img").count() == 0


def test_facts_open_and_close_by_keyboard_and_follow_what_happens(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.swarm_of_three())
    page = picture.page
    tools = page.get_by_role("button", name="Container tools")
    tools.focus()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="tools")
    expect(sheet).to_contain_text("9000 → 80/tcp")
    stopped = scenes.container("c-tools", "node1", "tools", ["node1/bridge"], state="exited", exit_code=0)
    picture.change({"containers": {"put": [stopped]}})
    expect(sheet).to_contain_text("exited (0)")
    picture.change({"containers": {"drop": ["c-tools"]}})
    expect(sheet).to_contain_text("This is not there any more.")
    picture.change({"containers": {"put": [stopped]}})
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_the_focus_comes_back_from_the_facts(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.swarm_of_three())
    tools = picture.page.get_by_role("button", name="Container tools")
    tools.focus()
    picture.page.keyboard.press("Enter")
    expect(picture.page.locator("#facts-title")).to_be_focused()
    picture.page.keyboard.press("Escape")
    expect(tools).to_be_focused()


def test_tab_stops_once_in_the_picture_and_arrows_go_through_it(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.swarm_of_three())
    page = picture.page
    expect(page.locator(".role")).to_have_count(3)
    picture.settle()
    assert page.locator("#picture-view button[tabindex='0']").count() == 1
    page.locator("[data-facts='node:node1']").focus()
    for _ in range(4):  # past what else stands in the head of the box
        page.keyboard.press("ArrowRight")
        if page.evaluate("document.activeElement.dataset.facts") == "node:node2":
            break
    expect(page.locator("[data-facts='node:node2']")).to_be_focused()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(
        "!document.activeElement.closest('.node-head') && !!document.activeElement.closest('#picture')"
    )
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    assert page.evaluate("!document.getElementById('picture-view').contains(document.activeElement)")


def test_the_focus_stays_while_things_change_around_it(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.swarm_of_three())
    page = picture.page
    web = page.locator("[data-tile='part:s-shop_web@node2'] .tile-facts")
    web.focus()
    task = {"id": "t-new", "service": "s-shop_web", "slot": 9, "node": "node2", "container": "", "state": "starting"}
    picture.change({"tasks": {"put": [{**task, "desired": "running", "error": ""}]}})
    expect(page.get_by_role("button", name="shop_web.9: starting")).to_be_visible()
    expect(web).to_be_focused()


def test_the_table_says_the_same_and_is_there_for_screen_readers_either_way(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.swarm_of_three())
    page = picture.page
    tasks = page.get_by_role("region", name="Tasks").get_by_role("row")
    expect(tasks).to_have_count(1 + 7)
    expect(page.get_by_role("row", name="tools node1 alpine:latest running")).to_have_count(1)
    page.get_by_role("button", name="Table").click()
    expect(page.locator("#picture-view")).to_be_hidden()
    expect(page.get_by_role("table", name="Nodes")).to_be_in_viewport()
    expect(page.get_by_role("table", name="Services")).to_contain_text("shop_web")
    page.get_by_role("button", name="Picture").click()
    expect(page.locator(".canvas")).to_be_visible()


def test_an_unplugged_node_looks_and_reads_so_and_is_plugged_in_again(open_picture: OpenPicture) -> None:
    picture = open_picture(unplug=True)
    picture.tell(scenes.node_unplugged())
    page = picture.page
    expect(page.locator(".node").nth(2)).to_contain_text("unplugged")
    expect(page.locator("#picture-problems")).to_contain_text("lost most of its managers")
    expect(page.locator(".joint[data-broken]")).to_have_count(2)
    page.get_by_role("button", name="Unplug node1").click()
    page.get_by_role("button", name="Plug in node3").click()
    page.wait_for_timeout(100)
    assert [one["body"] for one in picture.asked if str(one["path"]).endswith("/unplug")] == [
        {"node": "node1", "plugged": False},
        {"node": "node3", "plugged": True},
    ]


def test_traffic_glows_where_it_flows_and_only_as_long(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.swarm_of_three())
    glowing = picture.page.locator(".wire[data-traffic]")
    expect(picture.page.locator(".wire").first).to_be_attached()
    picture.traffic({"container": "c-tools", "network": "node1/bridge", "bytes": 900_000})
    expect(glowing).to_have_attribute("data-traffic", "some")
    picture.traffic({"container": "c-shop_web-1", "network": "swarm/front", "bytes": 900})
    expect(glowing).to_have_attribute("data-traffic", "low")
    expect(glowing).to_have_count(0, timeout=5000)


def test_a_flood_of_changes_is_drawn_once_a_frame_and_leaves_the_page_alive(open_picture: OpenPicture) -> None:
    picture = open_picture()
    picture.tell(scenes.forty_containers())
    page = picture.page
    expect(page.locator(".tile").first).to_be_visible()
    page.evaluate("window.frames = 0; (function next() { frames += 1; requestAnimationFrame(next); })()")
    page.evaluate(
        "window.draws = 0;"
        "new MutationObserver(() => { draws += 1; }).observe(document.querySelector('.joints'), {attributes: true})"
    )
    for number in range(600):
        made = scenes.container(f"c{number % 60}", "node2", f"loop{number}", ["node2/bridge"])
        picture.change({"containers": {"put": [made], "drop": [f"c{(number + 30) % 60}"]}})
    expect(page.get_by_role("button", name="Container loop599")).to_be_visible()
    draws, frames = page.evaluate("[draws, frames]")
    assert 0 < draws <= frames + 1
    page.get_by_role("button", name="Table").click()
    expect(page.get_by_role("table", name="Containers")).to_contain_text("loop599")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [_LARGE, _PHONE], ids=["large", "phone"])
def test_axe_finds_nothing(open_picture: OpenPicture, viewport: dict[str, int], scheme: str) -> None:
    picture = open_picture(viewport=viewport, color_scheme=scheme, unplug=True)
    page = picture.page
    if viewport is _PHONE:
        page.get_by_role("button", name="Machines").first.click()
    for scene in (scenes.idle(), scenes.swarm_of_three(), scenes.forty_containers(), scenes.node_unplugged()):
        picture.tell(scene)
        picture.settle()
        assert picture.axe() == []
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0
    page.locator("[data-facts='node:node1']").click()
    assert picture.axe() == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Table").click()
    assert picture.axe() == []


@pytest.mark.parametrize("width", [320, 390, 600, 801, 1024, 1600, 2560])
def test_the_picture_fits_its_pane(open_picture: OpenPicture, width: int) -> None:
    picture = open_picture(viewport={"width": width, "height": 900})
    if width <= 800:
        picture.page.get_by_role("button", name="Machines").first.click()
    picture.tell(scenes.forty_containers())
    picture.settle()
    too_wide = picture.page.evaluate("(p => p.scrollWidth - p.clientWidth)(document.getElementById('picture-body'))")
    assert too_wide <= 0


def test_the_picture_speaks_spanish(open_picture: OpenPicture) -> None:
    picture = open_picture(language="es")
    picture.tell(scenes.node_unplugged())
    expect(picture.page.locator(".node").nth(2)).to_contain_text("desenchufada")
    picture.page.locator("[data-facts='node:node3']").click()
    expect(picture.page.get_by_role("dialog")).to_contain_text("Estado")
