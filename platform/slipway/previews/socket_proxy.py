"""A WebSocket of a browser, passed on to a learner's server: messages both ways, as fast as they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus, ProtocolError, WebSocketException
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CONNECTING, OPEN
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from slipway.core.errors import EngineError
from slipway.previews.headers import Translation
from slipway.previews.http_proxy import first_of
from slipway.previews.problems import Problem, Receive, Scope, Send
from slipway.sandboxes.nodes import DialStream

LONGEST_MESSAGE = 2**20  # bytes, also what the web process takes from a browser
_HANDSHAKE_SECONDS = 30.0
_OF_THE_HANDSHAKE = frozenset(
    b"sec-websocket-key sec-websocket-version sec-websocket-extensions sec-websocket-protocol".split()
)
_CODES_NOT_SENT = frozenset({CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE})


class SocketExchange:
    """One WebSocket, from its handshake to its end."""

    def __init__(
        self, stream: DialStream, scope: Scope, receive: Receive, send: Send, translation: Translation
    ) -> None:
        self._stream = stream
        self._scope = scope
        self._receive = receive
        self._send = send
        self._translation = translation
        path = scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        address = WebSocketURI(secure=False, host="localhost", port=translation.port, path=path or "/", query=query)
        protocols = [Subprotocol(name) for name in scope["subprotocols"]] or None
        self._socket = ClientProtocol(address, subprotocols=protocols, max_size=LONGEST_MESSAGE)
        self._message = bytearray()
        self._is_text = True

    async def run(self) -> None:
        """Shake hands with the server, then with the browser, and pass on. Raises `Problem` before that."""
        await self._receive()  # websocket.connect
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                await self._shake_hands()
        except (EngineError, TimeoutError, WebSocketException) as error:
            status = error.response.status_code if isinstance(error, InvalidStatus) else 502
            sentence = "What answers on port %(port)s of %(node)s does not open this WebSocket."
            raise Problem(status if 400 <= status < 600 else 502, sentence, self._translation.words) from error
        await self._send({"type": "websocket.accept", "subprotocol": self._socket.subprotocol})
        await first_of(self._pass_to_server(), self._pass_to_browser())

    async def _shake_hands(self) -> None:
        client = self._scope.get("client")
        passed = self._translation.to_server(
            self._scope["headers"], client=client[0] if client else "", skip=_OF_THE_HANDSHAKE
        )
        headers = Headers(self._socket.connect().headers)
        del headers["Host"]
        for name, value in passed:
            headers[name.decode("latin-1").title()] = value.decode("latin-1")
        # `Request` writes what it is given; the web process has refused line ends in headers and paths.
        self._socket.send_request(Request(self._socket.uri.resource_name, headers))
        await self._flush()
        # With the answer may have come messages, and even the end.
        while self._socket.state is CONNECTING:
            data = await self._stream.read()
            self._take(data)
            if self._socket.handshake_exc:
                raise self._socket.handshake_exc
            if not data:
                raise ProtocolError("closed during the handshake")

    def _take(self, data: bytes) -> None:
        if data:
            self._socket.receive_data(data)
        else:
            self._socket.receive_eof()

    async def _flush(self) -> None:
        for data in self._socket.data_to_send():
            if data:  # an empty piece asks to half-close, which closing the stream does
                await self._stream.write(data)

    async def _pass_to_server(self) -> None:
        try:
            while (message := await self._receive())["type"] == "websocket.receive":
                if self._socket.state is not OPEN:
                    continue
                if (text := message.get("text")) is not None:
                    self._socket.send_text(text.encode())
                else:
                    self._socket.send_binary(message["bytes"])
                await self._flush()
            if self._socket.state is OPEN:
                code = message.get("code") or CloseCode.GOING_AWAY
                self._socket.send_close(CloseCode.GOING_AWAY if code in _CODES_NOT_SENT else code)
                await self._flush()
        except (EngineError, WebSocketException):
            await self._close(CloseCode.GOING_AWAY)

    async def _pass_to_browser(self) -> None:
        try:
            async for text, data in self._messages():
                sent = {"text": data.decode()} if text else {"bytes": data}
                await self._send({"type": "websocket.send", **sent})
            received = self._socket.close_rcvd or self._socket.close_sent
            await self._close(
                received.code if received else CloseCode.INTERNAL_ERROR, received.reason if received else ""
            )
        except (EngineError, UnicodeDecodeError):
            await self._close(CloseCode.INTERNAL_ERROR)

    async def _messages(self) -> AsyncIterator[tuple[bool, bytes]]:
        """Whole messages of the server, with whether they are text, until it closes."""
        while True:
            for event in self._socket.events_received():
                if isinstance(event, Frame) and self._is_whole(event):
                    yield self._is_text, bytes(self._message)
                    self._message.clear()
            await self._flush()  # pongs, and the answer to a close
            if self._socket.state is not OPEN:
                return
            self._take(await self._stream.read())

    def _is_whole(self, frame: Frame) -> bool:
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return False
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._message += frame.data
        return frame.fin

    async def _close(self, code: int, reason: str = "") -> None:
        sent = int(CloseCode.NORMAL_CLOSURE if code in _CODES_NOT_SENT else code)
        await self._send({"type": "websocket.close", "code": sent, "reason": reason})
