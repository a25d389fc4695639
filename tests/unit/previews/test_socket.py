"""WebSockets passed on: messages both ways, how they end, and servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_sockets

from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.models import Sandbox
from tests.unit.previews.conftest import Browser, Serve

Handler = Callable[[ServerConnection], Awaitable[None]]
Start = Callable[[Handler], Awaitable[None]]


@pytest.fixture
async def sockets(sandbox: Sandbox, backend: FakeBackend) -> AsyncIterator[Start]:
    """Put a WebSocket server behind port 8080 of node1."""
    servers: list[Server] = []

    async def start(handler: Handler) -> None:
        server = await serve_sockets(handler, "127.0.0.1", 0, subprotocols=["chat"], max_size=None)
        servers.append(server)
        port = next(iter(server.sockets)).getsockname()[1]
        backend.nodes(sandbox.sandbox_id)["node1"].doors["127.0.0.1:8080"] = port

    yield start
    for server in servers:
        server.close()


def connect(browser: Browser, *, origin: str | None = None, **extra: Any) -> ApplicationCommunicator:
    """Begin a WebSocket as a page of the preview does."""
    headers = {"origin": f"http://{browser.host}" if origin is None else origin, "sec-websocket-key": "x"}
    socket = browser.start("/ws?a=1", kind="websocket", headers=headers)
    socket.scope.update({"subprotocols": ["chat"], **extra})
    return socket


async def opened(socket: ApplicationCommunicator) -> dict[str, Any]:
    """The first thing that comes after asking to connect."""
    await socket.send_input({"type": "websocket.connect"})
    answer: dict[str, Any] = await socket.receive_output(timeout=5)
    return answer


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def test_messages_pass_both_ways(entered: Browser, sockets: Start) -> None:
    await sockets(echo)
    socket = connect(entered, subprotocols=["other", "chat"])
    accepted = await opened(socket)
    assert (accepted["type"], accepted["subprotocol"]) == ("websocket.accept", "chat")
    for message in ({"text": "schön"}, {"bytes": b"\x00\xff"}, {"bytes": b"x" * 300_000}):
        await socket.send_input({"type": "websocket.receive", **message})
        assert await socket.receive_output(timeout=5) == {"type": "websocket.send", **message}


async def test_the_server_sees_its_own_name_and_never_our_cookie(entered: Browser, sockets: Start) -> None:
    seen: list[ServerConnection] = []

    async def note(connection: ServerConnection) -> None:
        seen.append(connection)

    await sockets(note)
    assert (await opened(connect(entered)))["type"] == "websocket.accept"
    request = seen[0].request
    assert request is not None
    assert (request.path, request.headers["Host"]) == ("/ws?a=1", "localhost:8080")
    assert request.headers["Origin"] == "http://localhost:8080"
    assert "Cookie" not in request.headers


async def test_how_the_server_ends_is_told_to_the_page(entered: Browser, sockets: Start) -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.close(4321, "enough")

    await sockets(leave)
    socket = connect(entered)
    await opened(socket)
    assert await socket.receive_output(timeout=5) == {"type": "websocket.close", "code": 4321, "reason": "enough"}


async def test_how_the_page_ends_is_told_to_the_server(entered: Browser, sockets: Start) -> None:
    code: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def wait(connection: ServerConnection) -> None:
        await connection.wait_closed()
        code.set_result(connection.close_code)

    await sockets(wait)
    socket = connect(entered)
    await opened(socket)
    await socket.send_input({"type": "websocket.disconnect", "code": 4000})
    assert await asyncio.wait_for(code, 5) == 4000


async def test_a_message_that_is_too_large_ends_it(entered: Browser, sockets: Start) -> None:
    async def flood(connection: ServerConnection) -> None:
        await connection.send(b"x" * 2 * 2**20)

    await sockets(flood)
    socket = connect(entered)
    await opened(socket)
    assert (await socket.receive_output(timeout=5))["code"] == 1009


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:8000", ""])
async def test_only_the_previews_own_pages_open_sockets(entered: Browser, sockets: Start, origin: str) -> None:
    await sockets(echo)
    assert (await opened(connect(entered, origin=origin)))["type"] == "websocket.close"


async def test_without_a_pass_there_is_no_socket(entered: Browser, sockets: Start) -> None:
    await sockets(echo)
    entered.cookie = ""
    assert (await opened(connect(entered)))["type"] == "websocket.close"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n",
        b"\x00" * 9000,
    ],
    ids=["nothing", "404", "half a handshake", "zeros"],
)
async def test_a_server_without_websockets_refuses(entered: Browser, serve: Serve, answer: bytes) -> None:
    async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    await serve(server)
    assert (await opened(connect(entered)))["type"] == "websocket.close"


async def test_a_connection_that_breaks_ends_it(entered: Browser, sockets: Start) -> None:
    async def break_off(connection: ServerConnection) -> None:
        connection.transport.abort()

    await sockets(break_off)
    socket = connect(entered)
    await opened(socket)
    assert (await socket.receive_output(timeout=5))["type"] == "websocket.close"
