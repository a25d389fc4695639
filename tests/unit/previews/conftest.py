"""A learner's running sandbox on the fake backend, servers behind its ports, and a browser's side of it all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async

from slipway.accounts.models import User
from slipway.previews import access
from slipway.previews.app import WithPreviews
from slipway.previews.services import OpenedPreview, open_preview
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.models import Sandbox

PAGE = "http://localhost:8000"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def _forget() -> None:
    """Each test begins without what this process has believed before."""
    access._seen.clear()
    access._touched.clear()


@pytest.fixture
async def serve(sandbox: Sandbox, backend: FakeBackend) -> AsyncIterator[Serve]:
    """Put a server behind a port of a node."""
    servers: list[asyncio.Server] = []

    async def start(handler: Handler, *, node: str = "node1", address: str = "127.0.0.1:8080") -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await handler(reader, writer)
            except OSError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        backend.nodes(sandbox.sandbox_id)[node].doors[address] = server.sockets[0].getsockname()[1]

    yield start
    for server in servers:
        server.close()


@dataclass
class Answer:
    """What a browser got."""

    status: int
    headers: list[tuple[str, str]]
    body: str
    complete: bool

    def header(self, name: str) -> str:
        """All values of a header, joined."""
        return ", ".join(value for key, value in self.headers if key == name)


async def _next(app: ApplicationCommunicator) -> dict[str, Any]:
    """What the application says next; empty when it has ended, or is silent for ten seconds."""
    said = asyncio.ensure_future(app.output_queue.get())
    await asyncio.wait({said, app.future}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    if said.done() or not app.output_queue.empty():
        return await said
    said.cancel()
    if app.future.done():
        app.future.result()  # whatever it raised is the test's to see
    return {}


class Browser:
    """One browser's requests to the whole application; cookies are set by hand."""

    def __init__(self) -> None:
        self.reached_platform: list[str] = []
        self.cookie = ""
        self.host = ""
        self.application = WithPreviews(self._platform)

    async def _platform(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.reached_platform.append(scope["path"])
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the platform"})

    def scope(self, path: str, headers: dict[str, str], *, kind: str = "http", method: str = "GET") -> dict[str, Any]:
        """The scope of a request."""
        given = {"host": self.host, **({"cookie": self.cookie} if self.cookie else {}), **headers}
        parts = urlsplit(path)
        return {
            "type": kind,
            "method": method,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items() if value],
            "client": ("203.0.113.9", 1234),
            "subprotocols": [],
            "extensions": {},
        }

    def start(self, path: str, **options: Any) -> ApplicationCommunicator:
        """Begin a request or a WebSocket, to be driven by hand."""
        headers = options.pop("headers", {})
        return ApplicationCommunicator(self.application, self.scope(path, headers, **options))

    async def ask(self, path: str, *, body: bytes | None = None, **options: Any) -> Answer:
        """One request and its whole answer."""
        app = self.start(path, **options)
        await app.send_input({"type": "http.request", "body": body or b"", "more_body": False})
        answer = Answer(0, [], "", complete=False)
        parts: list[bytes] = []
        while not answer.complete and (message := await _next(app)):
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = [(name.decode(), value.decode()) for name, value in message["headers"]]
            else:
                parts.append(message.get("body", b""))
                answer.complete = not message.get("more_body", False)
        answer.body = b"".join(parts).decode(errors="replace")
        return answer

    async def enter(self, opened: OpenedPreview) -> Answer:
        """Open a preview as a page does, and keep the cookie."""
        parts = urlsplit(opened.url)
        self.host = parts.netloc
        answer = await self.ask(f"{parts.path}?{parts.query}")
        self.cookie = answer.header("set-cookie").partition(";")[0]
        return answer


@pytest.fixture
def browser() -> Browser:
    """A browser."""
    return Browser()


Open = Callable[..., Awaitable[OpenedPreview]]


@pytest.fixture
def open_port(learner: User, sandbox: Sandbox, session: str) -> Open:
    """Ask for an address that opens a preview, as the learner's page would unless told otherwise."""

    async def ask(**changed: Any) -> OpenedPreview:
        wanted = {
            "sandbox_id": sandbox.pk,
            "owner": learner,
            "session": session,
            "node": "node1",
            "port": 8080,
            "page_origin": PAGE,
            "language": "en",
            **changed,
        }
        opened: OpenedPreview = await database_sync_to_async(open_preview)(**wanted)
        return opened

    return ask


@pytest.fixture
async def entered(browser: Browser, open_port: Open) -> Browser:
    """A browser in which the learner has port 8080 of node1 open."""
    await browser.enter(await open_port())
    return browser
