"""Who may look at a port: tickets once, the owner alone, for as long as the sign-in and the machines last."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from urllib.parse import urlsplit

import pytest
from channels.db import database_sync_to_async
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured

from slipway.accounts.models import User
from slipway.core.environment import apart
from slipway.core.errors import LearnerError
from slipway.core.locks import connection
from slipway.previews import access, app
from slipway.previews.services import Mode, mode_for
from slipway.sandboxes import services
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.states import Reason
from tests.unit.previews.conftest import Browser, Open, Serve


async def says_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    await writer.drain()


async def ticks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"tick")
        await writer.drain()
        await asyncio.sleep(0.05)


async def test_a_ticket_becomes_a_cookie_that_only_this_origin_gets(browser: Browser, open_port: Open) -> None:
    opened = await open_port()
    assert re.fullmatch(r"[a-z2-7]{32}\.localhost:8000", urlsplit(opened.url).netloc)
    answer = await browser.enter(opened)
    assert (answer.status, answer.header("location")) == (303, "/")
    name, *attributes = answer.header("set-cookie").split("; ")
    assert name.startswith("__Host-slipway-preview=")
    assert attributes == ["Path=/", "HttpOnly", "Secure", "SameSite=None", "Partitioned"]


async def test_what_listens_on_the_port_is_seen(entered: Browser, serve: Serve) -> None:
    await serve(says_hello)
    answer = await entered.ask("/")
    assert (answer.status, answer.body) == (200, "hello")


async def test_a_ticket_opens_once(browser: Browser, open_port: Open) -> None:
    opened = await open_port()
    await browser.enter(opened)
    answer = await Browser().enter(opened)
    assert answer.status == 403
    assert "not open in this browser" in answer.body
    assert not answer.header("set-cookie")


async def test_a_ticket_opens_its_own_preview_only(browser: Browser, open_port: Open) -> None:
    first, second = await open_port(), await open_port(port=8081)
    mixed = urlsplit(second.url)._replace(query=urlsplit(first.url).query).geturl()
    assert (await browser.enter(dataclasses.replace(first, url=mixed))).status == 403


async def test_a_ticket_is_good_for_a_minute(browser: Browser, open_port: Open) -> None:
    opened = await open_port()
    (key,) = connection().keys("preview:ticket:*")
    assert 0 < connection().ttl(key) <= 60
    connection().delete(key)
    assert (await browser.enter(opened)).status == 403


async def test_a_reload_finds_the_same_origin(open_port: Open) -> None:
    first, again, other = await open_port(), await open_port(), await open_port(node="node2")
    assert urlsplit(first.url).netloc == urlsplit(again.url).netloc != urlsplit(other.url).netloc
    assert first.url != again.url


async def test_a_pass_is_worth_nothing_on_another_preview(entered: Browser, open_port: Open, serve: Serve) -> None:
    await serve(says_hello, address="127.0.0.1:8081")
    other = await open_port(port=8081)
    entered.host = urlsplit(other.url).netloc
    assert (await entered.ask("/")).status == 403


async def test_without_the_cookie_there_is_a_sentence(entered: Browser, serve: Serve) -> None:
    await serve(says_hello)
    entered.cookie = ""
    answer = await entered.ask("/", headers={"accept-language": "es"})
    assert answer.status == 403
    assert '<html lang="es">' in answer.body
    assert "script" not in answer.body


async def test_somebody_else_gets_no_ticket(open_port: Open, stranger: User) -> None:
    with pytest.raises(LearnerError, match="no-such-sandbox"):
        await open_port(owner=stranger)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"node": "node9"}, "no-such-node"),
        ({"node": "127.0.0.1"}, "no-such-node"),
        ({"port": 0}, "no-such-port"),
        ({"port": 65536}, "no-such-port"),
        ({"port": -1}, "no-such-port"),
        ({"page_origin": "https://labs.example.org"}, "previews-not-set-up"),
        ({"sandbox_id": None}, "no-such-sandbox"),
    ],
)
async def test_what_cannot_be_opened_is_refused(open_port: Open, changed: dict[str, object], error: str) -> None:
    with pytest.raises(LearnerError, match=error):
        await open_port(**changed)


async def test_signing_out_ends_the_preview(entered: Browser, session: str, serve: Serve) -> None:
    await serve(says_hello)
    assert (await entered.ask("/")).status == 200
    await Session.objects.filter(session_key=session).adelete()
    access._seen.clear()  # two seconds later
    answer = await entered.ask("/")
    assert answer.status == 403
    assert "signed out" in answer.body


async def test_the_end_of_the_machines_ends_the_preview_with_the_reason(
    entered: Browser, sandbox: Sandbox, serve: Serve
) -> None:
    await serve(says_hello)
    stop = database_sync_to_async(services.stop_sandbox)
    await stop(sandbox_id=sandbox.sandbox_id, reason=Reason.EXPIRED)
    answer = await entered.ask("/")
    assert answer.status == 410
    assert "The time for these machines was over." in answer.body


async def test_a_stream_is_cut_when_its_person_signs_out(
    entered: Browser, session: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_LOOK_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(access, "_BELIEVED_SECONDS", 0.0)
    await serve(ticks)
    stream = entered.start("/")
    await stream.send_input({"type": "http.request", "body": b"", "more_body": False})
    assert (await stream.receive_output(timeout=5))["status"] == 200
    await Session.objects.filter(session_key=session).adelete()
    await stream.wait(timeout=5)


async def test_looking_at_a_preview_keeps_the_sandbox_from_being_idle(
    entered: Browser, sandbox: Sandbox, serve: Serve
) -> None:
    await serve(says_hello)
    before = sandbox.last_used_at
    await entered.ask("/")
    await sandbox.arefresh_from_db()
    assert sandbox.last_used_at > before


@pytest.mark.parametrize(
    ("page", "mode"),
    [
        ("http://localhost:8000", Mode.FRAME),
        ("http://127.0.0.1:8000", Mode.FRAME),
        ("http://[::1]:8000", Mode.FRAME),
        ("https://labs.example.org", Mode.FRAME),
        ("http://labs.example.org:8000", Mode.WINDOW),
    ],
)
def test_how_a_page_shows_previews_follows_its_address(settings: LazySettings, page: str, mode: Mode) -> None:
    assert mode_for("https://labs.example.org") is Mode.NONE
    settings.SLIPWAY_PREVIEW_HOST = "previews.example.net"
    assert mode_for(page) is mode


async def test_without_tls_and_under_a_name_the_cookie_is_for_a_window(
    settings: LazySettings, browser: Browser, open_port: Open
) -> None:
    settings.SLIPWAY_PREVIEW_HOST = "previews.example.net"
    opened = await open_port(page_origin="http://labs.example.org")
    answer = await browser.enter(opened)
    assert urlsplit(opened.url).hostname.endswith(".previews.example.net")
    assert answer.header("set-cookie").split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Lax"]


def test_a_preview_host_that_the_platform_answers_to_is_a_mistake() -> None:
    assert apart("X", "Previews.example.net.", hosts=["labs.example.org"], origins=[]) == "previews.example.net"
    for hosts, origins in (([".example.net"], []), (["*"], []), ([], ["https://*.example.net"])):
        with pytest.raises(ImproperlyConfigured):
            apart("X", "previews.example.net", hosts=hosts, origins=origins)
