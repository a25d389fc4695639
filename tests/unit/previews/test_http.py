"""Requests and answers passed on as they come, and servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from slipway.previews import http_proxy, places
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.models import Sandbox
from tests.unit.previews.conftest import Browser, Open, Serve

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(answer: bytes) -> Handler:
    """A server that answers these bytes to whatever it is asked, and closes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return handle


def repeats(start: bytes, piece: bytes) -> Handler:
    """A server that never ends."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return handle


async def test_a_request_and_its_answer_pass_unchanged(entered: Browser, serve: Serve) -> None:
    asked: list[bytes] = []

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        asked.append(await reader.readexactly(5))
        writer.write(
            b"HTTP/1.1 201 Made\r\nETag: x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok"
        )
        await writer.drain()

    await serve(server)
    answer = await entered.ask("/a%2Fb?c=%20d", method="PUT", body=b"12345", headers={"content-length": "5"})
    assert (answer.status, answer.body, answer.complete) == (201, "ok", True)
    assert answer.header("etag") == "x"
    assert [value.partition(";")[0] for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]
    head, body = asked
    assert head.startswith(b"PUT /a%2Fb?c=%20d HTTP/1.1\r\n")
    assert body == b"12345"
    assert b"slipway" not in head
    assert b"\r\nHost: localhost:8080\r\n".lower() in head.lower()


async def test_a_body_without_a_length_is_passed_on_in_pieces_as_they_come(entered: Browser, serve: Serve) -> None:
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while (line := await reader.readline()) != b"0\r\n":
            await seen.put(await reader.readexactly(int(line, 16)))
            await reader.readline()
        writer.write(b"HTTP/1.1 204 Nothing\r\nContent-Length: 7\r\n\r\n")
        await writer.drain()

    await serve(server)
    app = entered.start("/", method="POST", headers={"transfer-encoding": "chunked"})
    for piece in (b"one", b"two"):
        await app.send_input({"type": "http.request", "body": piece, "more_body": True})
        assert await asyncio.wait_for(seen.get(), 5) == piece
    await app.send_input({"type": "http.request", "body": b"", "more_body": False})
    start = await app.receive_output(timeout=5)
    assert start["status"] == 204
    assert b"content-length" not in dict(start["headers"])
    await app.receive_output(timeout=5)


async def test_an_answer_is_seen_while_it_is_being_made(entered: Browser, serve: Serve) -> None:
    go_on = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await writer.drain()
        await go_on.wait()
        writer.write(b"4\r\nlast\r\n0\r\n\r\n")
        await writer.drain()

    await serve(server)
    app = entered.start("/")
    await app.send_input({"type": "http.request", "body": b"", "more_body": False})
    assert (await app.receive_output(timeout=5))["status"] == 200
    assert (await app.receive_output(timeout=5))["body"] == b"first"
    go_on.set()
    assert (await app.receive_output(timeout=5))["body"] == b"last"
    assert not (await app.receive_output(timeout=5))["more_body"]


async def test_a_server_is_read_no_faster_than_its_browser_reads(entered: Browser, serve: Serve) -> None:
    sent = 0

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 2**16)
            await writer.drain()
            sent += 2**16

    await serve(server)
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, object]:
        return next(asked, None) or await asyncio.Future()

    async def never(message: dict[str, object]) -> None:
        """A browser that reads nothing after the head."""
        if message["type"] == "http.response.body":
            await asyncio.Future()

    app = asyncio.create_task(entered.application(entered.scope("/", {}), receive, never))
    before = -1
    while before != sent or not sent:
        before = sent
        await asyncio.sleep(0.3)
    assert sent < 16 * 2**20
    app.cancel()


async def test_when_the_browser_goes_the_server_is_let_go(entered: Browser, serve: Serve) -> None:
    ended = asyncio.Event()

    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        ended.set()

    await serve(server)
    app = entered.start("/")
    await app.send_input({"type": "http.request", "body": b"", "more_body": False})
    await app.send_input({"type": "http.disconnect"})
    await app.wait(timeout=5)
    await asyncio.wait_for(ended.wait(), 5)


async def test_where_nothing_listens_the_page_says_so_and_tries_again(entered: Browser) -> None:
    answer = await entered.ask("/")
    assert answer.status == 502
    assert "Nothing listens on port 8080 of node1 yet." in answer.body
    assert '<meta http-equiv="refresh" content="3">' in answer.body
    assert answer.header("content-security-policy").endswith("frame-ancestors 'self' http://localhost:8000")
    again = await entered.ask("/", method="POST")
    assert "refresh" not in again.body


async def test_a_server_on_the_nodes_own_address_alone_is_found(entered: Browser, serve: Serve) -> None:
    await serve(says(b"HTTP/1.0 200 OK\r\n\r\nhere"), address="node1:8080")
    assert (await entered.ask("/")).body == "here"


async def test_a_node_that_has_gone_is_named(entered: Browser, sandbox: Sandbox, backend: FakeBackend) -> None:
    backend.nodes(sandbox.sandbox_id)["node1"].end(1)
    answer = await entered.ask("/")
    assert answer.status == 503
    assert "node1 does not answer at the moment." in answer.body


@pytest.mark.parametrize(
    "server",
    [
        says(b""),
        says(b"SSH-2.0-OpenSSH_9.2\r\n"),
        says(b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        says(b"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n"),
        says(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
        repeats(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 1000 + b"\r\n"),
        repeats(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 1000),
        repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        repeats(b"", b"\x00" * 1000),
    ],
    ids=["nothing", "ssh", "status", "lengths", "name", "upgrade", "headers", "header", "informational", "zeros"],
)
async def test_what_does_not_speak_http_is_told_apart_from_nothing(
    entered: Browser, serve: Serve, server: Handler
) -> None:
    await serve(server)
    answer = await entered.ask("/")
    assert answer.status == 502
    assert "What answers on port 8080 of node1 does not speak HTTP." in answer.body


@pytest.mark.parametrize(
    "server",
    [
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        repeats(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;", b"x" * 1000),
    ],
    ids=["short", "wrong chunk", "no last chunk", "endless chunk extension"],
)
async def test_an_answer_that_goes_wrong_is_cut_off(entered: Browser, serve: Serve, server: Handler) -> None:
    await serve(server)
    answer = await entered.ask("/")
    assert answer.status == 200
    assert not answer.complete


async def test_a_server_that_says_nothing_is_given_up(
    entered: Browser, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_proxy, "_FIRST_ANSWER_SECONDS", 0.2)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    await serve(silent)
    answer = await entered.ask("/")
    assert answer.status == 504
    assert "does not answer" in answer.body


async def test_more_headers_than_can_be_passed_on_are_refused(entered: Browser, serve: Serve) -> None:
    await serve(says(b""))
    assert (await entered.ask("/", headers={"x-long": "x" * 70_000})).status == 431


async def test_a_sandbox_has_so_many_connections_and_others_have_theirs(
    entered: Browser, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_A_SANDBOX", 2)
    await serve(repeats(b"HTTP/1.1 200 OK\r\n\r\n", b"x"))
    streams = []
    for _ in range(2):
        stream = entered.start("/")
        await stream.send_input({"type": "http.request", "body": b"", "more_body": False})
        await stream.receive_output(timeout=5)
        streams.append(stream)
    refused = await entered.ask("/")
    assert refused.status == 503
    assert refused.header("retry-after")
    for stream in streams:
        await stream.send_input({"type": "http.disconnect"})
        await stream.wait(timeout=5)
    assert not places._taken


async def test_two_ports_are_two_origins(browser: Browser, open_port: Open, serve: Serve) -> None:
    hosts = set()
    for port in (8080, 9090):
        await serve(says(b"HTTP/1.0 200 OK\r\n\r\n%d" % port), address=f"127.0.0.1:{port}")
        await browser.enter(await open_port(port=port))
        hosts.add(browser.host)
        assert (await browser.ask("/")).body == str(port)
    assert len(hosts) == 2
