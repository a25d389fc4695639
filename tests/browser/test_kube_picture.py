"""The live picture of a Kubernetes cluster in a real browser: seen, pressed, read out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import kube_scenes as scenes
from tests.browser.test_picture import OpenPicture, open_picture, picture_browser

pytestmark = pytest.mark.browser

__all__ = ["open_picture", "picture_browser"]  # fixtures

_LARGE = {"width": 1280, "height": 800}
_PHONE = {"width": 390, "height": 844}


def test_deployments_pods_services_and_the_control_plane_are_seen(open_picture: OpenPicture) -> None:
    picture = open_picture(scenes.NODES)
    picture.tell(scenes.at_work())
    page = picture.page
    expect(page.locator(".role")).to_have_text(["control plane", "worker", "worker"])
    expect(page.locator(".control-part > span[aria-hidden]")).to_have_text(["etcd", "api", "ctrl", "sched"])
    expect(page.locator(".service .service-name")).to_have_text(["api", "web", "lonely"])
    expect(page.locator(".service .replicas")).to_have_text(["0/1", "3/4", "→ 0"])
    expect(page.locator(".segment[data-family=service] .port")).to_have_text([":30080"] * 3)
    expect(page.get_by_role("button", name="web-5f6d-ddddd: ContainerCreating")).to_be_visible()
    expect(page.get_by_role("button", name="Pod client")).to_be_visible()
    expect(page.locator(".tray .chip")).to_have_text(["big"])
    expect(page.locator(".tile[data-look=system]")).to_have_count(1)


def test_a_pod_that_goes_fades_and_the_one_in_its_place_appears(open_picture: OpenPicture) -> None:
    picture = open_picture(scenes.NODES)
    picture.tell(scenes.at_work())
    page = picture.page
    going = scenes.pod("aaaaa", "worker1", "web-5f6d", state="Terminating")
    picture.change({"pods": {"put": [going, scenes.pod("eeeee", "worker2", "web-5f6d")]}})
    expect(page.get_by_role("button", name="web-5f6d-aaaaa: Terminating")).to_have_attribute("data-look", "leaving")
    expect(page.get_by_role("button", name="web-5f6d-eeeee: Running")).to_be_visible()
    picture.change({"pods": {"put": [scenes.pod("big", "worker1")], "drop": ["aaaaa"]}})
    expect(page.get_by_role("button", name="web-5f6d-aaaaa")).to_have_count(0)
    expect(page.locator(".tray")).to_be_hidden()
    expect(page.get_by_role("button", name="Pod big")).to_be_visible()


def test_a_lost_worker_a_cordoned_one_and_a_dead_scheduler_look_and_read_so(open_picture: OpenPicture) -> None:
    picture = open_picture(scenes.NODES)
    picture.tell(scenes.worker_lost())
    page = picture.page
    nodes = page.locator(".node")
    expect(nodes.nth(2)).to_contain_text("NotReady")
    expect(nodes.nth(2)).to_have_attribute("data-away", "")
    expect(nodes.nth(1)).to_contain_text("SchedulingDisabled")
    expect(nodes.nth(0).locator(".control-part[data-look=bad]")).to_contain_text("sched")


def test_what_the_cluster_has_of_itself_opens_and_closes(open_picture: OpenPicture) -> None:
    picture = open_picture(scenes.NODES)
    picture.tell(scenes.at_work())
    page = picture.page
    system = page.get_by_role("button", name="kube-system")
    expect(system).to_have_attribute("aria-expanded", "false")
    system.click()
    expect(page.locator(".tile-name").filter(has_text="coredns")).to_be_visible()
    expect(system).to_have_attribute("aria-expanded", "true")
    system.click()
    expect(page.locator(".tile-name").filter(has_text="coredns")).to_have_count(0)


def test_facts_and_table_say_what_made_a_pod_and_what_leads_to_it(open_picture: OpenPicture) -> None:
    picture = open_picture(scenes.NODES)
    picture.tell(scenes.at_work())
    page = picture.page
    page.get_by_role("button", name="web-5f6d-aaaaa: Running").click()
    expect(page.get_by_role("dialog")).to_contain_text("ReplicaSet web-5f6d, Deployment web")
    page.keyboard.press("Escape")
    page.locator(".tray .chip").click()
    expect(page.get_by_role("dialog")).to_contain_text("Insufficient memory")
    page.keyboard.press("Escape")
    page.locator(".segment-facts").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("web-5f6d-ddddd: not ready, worker2")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Table").click()
    expect(page.get_by_role("table", name="Pods").get_by_role("row")).to_have_count(1 + 8)
    expect(page.get_by_role("table", name="Workloads")).to_contain_text("Deployment")
    expect(page.get_by_role("columnheader", name="Swarm")).to_have_count(0)


def test_a_cluster_without_its_dns_says_so_and_is_left_for_new_machines_when_the_learner_agrees(
    open_picture: OpenPicture,
) -> None:
    picture = open_picture(scenes.NODES)
    lost = {"id": "cluster-dns-deleted", "sentence": "The DNS was deleted.", "new_machines": True}
    picture.tell({**scenes.at_work(), "problems": [lost]})
    page = picture.page
    expect(page.locator("#picture-problems")).to_contain_text("The DNS was deleted.")
    offer = page.locator("#picture-problems").get_by_role("button", name="Start new machines")
    asked_before = len(picture.asked)
    offer.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert picture.axe() == []
    offer.click()
    with page.expect_response("**/restart"):
        page.get_by_role("dialog").get_by_role("button", name="Start new machines").click()
    ways = [str(one["path"]).rstrip("/").rpartition("/")[2] for one in picture.asked[asked_before:]]
    assert ways == ["stop", "restart"]
    picture.change({"problems": []})
    expect(page.locator("#picture-problems")).to_be_empty()


def test_names_are_text_whatever_they_hold(open_picture: OpenPicture) -> None:
    picture = open_picture(scenes.NODES)
    evil = "<img src=x onerror=document.body.remove()>'\"]"
    pods = [
        scenes.pod(evil, "worker1", state=evil, reason=evil),
        scenes.pod("p", "", name=evil, state=evil, reason=evil),
    ]
    services = [scenes.service(evil, {evil: True}, node_port=30080)]
    nodes = [scenes.node(name) for name in scenes.NODES]
    picture.tell(scenes.snapshot(nodes, pods=pods, workloads=scenes.deployment(evil, 1, 1), kube_services=services))
    expect(picture.page.locator(".tray .chip")).to_have_text(evil)
    picture.page.get_by_role("button", name="Table").click()
    expect(picture.page.get_by_role("table", name="Pods")).to_contain_text(evil)
    assert picture.page.locator("#picture img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [_LARGE, _PHONE], ids=["large", "phone"])
def test_axe_finds_nothing(open_picture: OpenPicture, viewport: dict[str, int], scheme: str) -> None:
    picture = open_picture(scenes.NODES, viewport=viewport, color_scheme=scheme)
    page = picture.page
    if viewport is _PHONE:
        page.get_by_role("button", name="Machines").first.click()
    for scene in (scenes.at_work(), scenes.worker_lost(), scenes.forty_pods()):
        picture.tell(scene)
        picture.settle()
        assert picture.axe() == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_role("button", name="Table").click()
    assert picture.axe() == []


def test_the_picture_of_a_cluster_speaks_spanish(open_picture: OpenPicture) -> None:
    picture = open_picture(scenes.NODES, language="es")
    picture.tell(scenes.at_work())
    expect(picture.page.locator(".tray")).to_contain_text("Esperan un nodo")
    expect(picture.page.locator(".role").first).to_have_text("plano de control")
