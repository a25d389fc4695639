"""Which names are previews', and that neither side's requests reach the other."""

from __future__ import annotations

import pytest
from django.conf import LazySettings, settings
from django.http.request import validate_host
from django.test import Client

from slipway.previews.hosts import NO_LABEL, label_of, new_label
from tests.unit.previews.conftest import Browser

LABEL = "a" * 32


def test_labels_are_long_and_never_the_same() -> None:
    labels = {new_label() for _ in range(1000)}
    assert len(labels) == 1000
    assert {label_of(f"{label}.localhost:8000") for label in labels} == labels


@pytest.mark.parametrize(
    ("host", "label"),
    [
        (f"{LABEL}.localhost", LABEL),
        (f"{LABEL.upper()}.LOCALHOST.:8000", LABEL),
        ("localhost:8000", None),
        ("slipway.localhost", None),
        (f"x.{LABEL}.localhost", None),
        ("127.0.0.1:8000", None),
        ("", None),
        ("[", None),
        ("labs.example.org", None),
        (f"{LABEL}.previews.example.net", LABEL),
        ("short.previews.example.net", NO_LABEL),
        (f"{LABEL}.x.previews.example.net", NO_LABEL),
        ("previews.example.net:443", NO_LABEL),
        ("xpreviews.example.net", None),
    ],
)
def test_a_name_is_a_previews_or_the_platforms(settings: LazySettings, host: str, label: str | None) -> None:
    settings.SLIPWAY_PREVIEW_HOST = "previews.example.net"
    assert label_of(host) == label


async def test_the_platforms_name_leads_to_the_platform(browser: Browser) -> None:
    browser.host = "localhost:8000"
    assert (await browser.ask("/labs/")).body == "the platform"


async def test_a_previews_name_never_leads_to_the_platform(browser: Browser, transactional_db: None) -> None:
    browser.host = f"{LABEL}.localhost:8000"
    for path in ("/", "/accounts/login/", "/static/main.js", "/__slipway/enter", "/__slipway/enter?ticket=x"):
        assert (await browser.ask(path)).status == 403
    assert browser.reached_platform == []


@pytest.mark.parametrize("origin", [f"http://{LABEL}.localhost:8000", f"https://{LABEL}.localhost"])
async def test_a_previews_page_cannot_ask_the_platform_anything(browser: Browser, origin: str) -> None:
    browser.host = "localhost:8000"
    answer = await browser.ask("/attempts/x/stop", method="POST", headers={"origin": origin})
    assert answer.status == 403
    socket = browser.start("/ws/attempts/x/", kind="websocket", headers={"origin": origin})
    assert (await socket.receive_output(timeout=5))["type"] == "websocket.close"
    assert browser.reached_platform == []


async def test_even_where_the_platform_trusts_a_whole_domain(browser: Browser, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = [".example.org"]
    settings.SLIPWAY_PREVIEW_HOST = "previews.example.org"
    browser.host = "labs.example.org"
    headers = {"origin": f"https://{LABEL}.previews.example.org"}
    socket = browser.start("/ws/attempts/x/", kind="websocket", headers=headers)
    assert (await socket.receive_output(timeout=5))["type"] == "websocket.close"


def test_django_itself_does_not_answer_to_previews_names(transactional_db: None) -> None:
    assert not validate_host(f"{LABEL}.localhost", settings.ALLOWED_HOSTS)
    assert Client().get("/", headers={"host": f"{LABEL}.localhost"}).status_code == 400


def test_pages_may_frame_previews_and_nothing_else(transactional_db: None) -> None:
    policy = Client().get("/", headers={"host": "localhost"}).headers["Content-Security-Policy"]
    assert "frame-src *.localhost:*;" in policy + ";"
    assert "frame-ancestors 'none'" in policy
