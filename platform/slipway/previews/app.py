"""Where previews leave the platform's way: an ASGI application before Django, chosen by the name in the Host header.

What arrives under a preview's name never reaches Django, and what a preview's page sends to the platform's name is
turned away before Django sees it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.db import DatabaseError
from redis.exceptions import RedisError

from slipway.core.errors import LearnerError
from slipway.core.languages import language_of
from slipway.core.logs import get_logger
from slipway.previews import access
from slipway.previews.access import Visit
from slipway.previews.addresses import ENTER_PATH, pass_cookie, pass_in
from slipway.previews.dialing import dial
from slipway.previews.headers import Translation
from slipway.previews.hosts import header, is_preview_origin, label_of
from slipway.previews.http_proxy import HttpExchange, first_of
from slipway.previews.places import place
from slipway.previews.problems import (
    Message,
    Problem,
    Receive,
    Scope,
    Send,
    Surroundings,
    show_problem,
)
from slipway.previews.socket_proxy import SocketExchange

_log = get_logger(__name__)
_LOOK_AGAIN_SECONDS = 5.0
_POLICY_VIOLATION = 1008
_STATUS = {"not-open": 403, "signed-out": 403, "ended": 410}

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class WithPreviews:
    """The platform, with previews before it."""

    def __init__(self, platform: Application) -> None:
        self._platform = platform

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        if scope["type"] not in {"http", "websocket"}:
            await self._platform(scope, receive, send)
            return
        label = label_of(header(scope["headers"], b"host"))
        if label is not None:
            await _Preview(label, scope, receive, send).serve()
        elif is_preview_origin(header(scope["headers"], b"origin")):
            problem = Problem(403, "A preview cannot speak to the platform.")
            await _deny(scope, send, problem, Surroundings(language_of(scope)))
        else:
            await self._platform(scope, receive, send)


class _Preview:
    """One request or WebSocket on a preview's origin."""

    def __init__(self, label: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._label = label
        self._scope = scope
        self._receive = receive
        self._sender = send
        self._is_socket = scope["type"] == "websocket"
        self._around = Surroundings(language_of(scope))
        self._answered = False

    async def serve(self) -> None:
        try:
            if self._scope["path"] == ENTER_PATH and not self._is_socket:
                await self._enter()
            else:
                await self._pass_on()
        except LearnerError as error:
            await self._deny(Problem(_STATUS[error.error_id], error.sentence))
        except Problem as problem:
            await self._deny(problem)
        except (RedisError, DatabaseError) as error:
            _log.warning("preview briefly away", error=repr(error))
            await self._deny(Problem(503, "A part of Slipway does not answer for a moment.", retry=True))

    async def _send(self, message: Message) -> None:
        self._answered = True
        await self._sender(message)

    async def _deny(self, problem: Problem) -> None:
        """Say why there is nothing; what has begun to be answered is only cut off."""
        if not self._answered:
            await _deny(self._scope, self._sender, problem, self._around)
        elif self._is_socket:
            await self._sender({"type": "websocket.close", "code": _POLICY_VIOLATION})

    async def _enter(self) -> None:
        """Exchange the ticket for a pass, and go to the first page."""
        query = parse_qs(self._scope["query_string"].decode("latin-1"))
        ticket = query.get("ticket", [""])[0]
        visit, secret = await database_sync_to_async(access.redeem)(ticket, self._label)
        headers = {
            "location": "/",
            "set-cookie": pass_cookie(visit.entry.origin, secret),
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "content-length": "0",
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": 303, "headers": raw})
        await self._send({"type": "http.response.body", "body": b""})

    async def _pass_on(self) -> None:
        headers = self._scope["headers"]
        secret = pass_in("; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie"))
        visit = await self._visit(secret)
        self._around = Surroundings(visit.entry.language, visit.entry.origin)
        translation = Translation.of(visit)
        if self._is_socket and header(headers, b"origin") != translation.origin:
            raise Problem(403, "Only the preview's own pages open WebSockets here.")
        with place(visit.target.sandbox) as got:
            if not got:
                raise Problem(503, "This preview has as many connections open as it may.", retry=True)
            stream = await dial(visit.target)
            try:
                exchange = (SocketExchange if self._is_socket else HttpExchange)(
                    stream, self._scope, self._receive, self._send, translation
                )
                await first_of(exchange.run(), self._watch(secret))
            finally:
                await stream.close()

    async def _visit(self, secret: str) -> Visit:
        visit: Visit = await database_sync_to_async(access.visit)(self._label, secret)
        return visit

    async def _watch(self, secret: str) -> None:
        """Raise `LearnerError` when the pass ends, however long the connection might go on."""
        while True:
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            try:
                await self._visit(secret)
            except (RedisError, DatabaseError) as error:
                _log.warning("preview not looked at", error=repr(error))


async def _deny(scope: Scope, send: Send, problem: Problem, around: Surroundings) -> None:
    """Answer with the problem's page; a WebSocket's page sees no more than a status."""
    if scope["type"] == "http":
        await show_problem(problem, around, scope, send)
    elif "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": problem.status, "headers": []})
        await send({"type": "websocket.http.response.body", "body": str(problem).encode()})
    else:
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
