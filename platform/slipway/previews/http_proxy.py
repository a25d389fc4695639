"""One request of a browser to a learner's server, and its answer, both passed on as they come.

Nothing is held whole: each side is read only as fast as the other takes. The server may be hostile: its head is
bounded, its framing is h11's to judge, and an answer that goes wrong half-way is cut off, not mended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

import h11

from slipway.core.errors import EngineError
from slipway.previews.headers import Translation
from slipway.previews.problems import Problem, Receive, Scope, Send
from slipway.sandboxes.nodes import DialStream

LONGEST_HEAD = 64 * 2**10  # bytes of a server's status line and headers, and of ours to it
_FIRST_ANSWER_SECONDS = 60.0  # in which something must move while the server has said nothing yet
_SILENT_SECONDS = 300.0  # in which something must move afterwards
_MOST_INFORMATIONAL = 8


class _BrowserGone(Exception):
    """Nobody waits for the answer any more."""


class HttpExchange:
    """One request and its answer."""

    def __init__(
        self, stream: DialStream, scope: Scope, receive: Receive, send: Send, translation: Translation
    ) -> None:
        self._stream = stream
        self._scope = scope
        self._receive = receive
        self._send = send
        self._translation = translation
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._patience = asyncio.timeout(_FIRST_ANSWER_SECONDS)
        self._began = False

    async def run(self) -> None:
        """Pass everything on. Raises `Problem` when the browser has not been answered yet."""
        try:
            async with self._patience:
                await self._start()
                await first_of(self._pass_body(), self._pass_answer())
        except (h11.RemoteProtocolError, EngineError, TimeoutError) as error:
            # An answer that has begun can only be cut off, which the web process does when nothing ends it.
            if not self._began:
                raise self._problem(error) from error
        except _BrowserGone:
            pass

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, TimeoutError):
            return Problem(504, "Port %(port)s of %(node)s does not answer.", self._translation.words, retry=True)
        return Problem(502, "What answers on port %(port)s of %(node)s does not speak HTTP.", self._translation.words)

    async def _start(self) -> None:
        headers = self._scope["headers"]
        client = self._scope.get("client")
        passed = self._translation.to_server(headers, client=client[0] if client else "", skip=frozenset())
        framing = [(name, value) for name, value in headers if name in {b"content-length", b"transfer-encoding"}]
        if any(name == b"transfer-encoding" for name, _ in framing):
            framing = [(b"transfer-encoding", b"chunked")]
        target = self._scope["raw_path"] + (b"?" + self._scope["query_string"] if self._scope["query_string"] else b"")
        try:
            request = h11.Request(
                method=self._scope["method"],
                target=target,
                headers=[*passed, *framing, (b"connection", b"close")],
            )
            head = self._http.send(request) or b""
        except h11.LocalProtocolError as error:
            raise Problem(400, "The browser sent a request that cannot be passed on.") from error
        if len(head) > LONGEST_HEAD:
            raise Problem(431, "The browser sent more headers than can be passed on.")
        await self._stream.write(head)

    async def _pass_body(self) -> None:
        """Pass on the request's body, then wait until the browser goes away."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _BrowserGone
            if self._http.our_state is not h11.SEND_BODY:
                continue
            with contextlib.suppress(EngineError, h11.LocalProtocolError):  # its answer says what became of it
                if body := message.get("body"):
                    await self._write(h11.Data(data=body))
                    self._moved()
                if not message.get("more_body"):
                    await self._write(h11.EndOfMessage())

    async def _write(self, event: h11.Data | h11.EndOfMessage) -> None:
        if data := self._http.send(event):
            await self._stream.write(data)

    async def _pass_answer(self) -> None:
        informational = 0
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._stream.read())
            elif isinstance(event, h11.InformationalResponse):
                informational += 1
                if informational > _MOST_INFORMATIONAL:
                    raise h11.RemoteProtocolError("too many informational answers")
            elif isinstance(event, h11.Response):
                await self._begin(event)
            elif isinstance(event, h11.Data):
                await self._send({"type": "http.response.body", "body": bytes(event.data), "more_body": True})
                self._moved()
            elif isinstance(event, h11.EndOfMessage):
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            else:
                raise h11.RemoteProtocolError("closed without an answer")

    async def _begin(self, response: h11.Response) -> None:
        status = response.status_code
        if not 200 <= status < 600:
            raise h11.RemoteProtocolError("a status that is none")
        headers = self._translation.to_browser(response.headers)
        if status in {204, 304}:
            headers = [(name, value) for name, value in headers if name != b"content-length"]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        self._began = True
        self._moved()

    def _moved(self) -> None:
        seconds = _SILENT_SECONDS if self._began else _FIRST_ANSWER_SECONDS
        self._patience.reschedule(asyncio.get_running_loop().time() + seconds)


async def first_of(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends, and end the others; what it raised is raised."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
