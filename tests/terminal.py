"""A terminal's WebSocket against a live installation, as a page uses it."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from slipway.core.ids import SandboxId
from tests.browsing import Visitor
from tests.live import LivePlatform


class LiveTerminal:
    """One attached terminal. Acknowledges what it reads, like a page."""

    def __init__(
        self, platform: LivePlatform, visitor: Visitor, sandbox: SandboxId, node: str, shell: str = "1"
    ) -> None:
        self._url = f"ws://localhost:{platform.port}/ws/terminals/{sandbox}/{node}/{shell}/?cols=100&rows=30"
        self._headers = {"Cookie": visitor.cookies}
        self._origin = platform.url
        self._retry_until = 0.0
        self._socket: ClientConnection | None = None
        self.seen = ""

    @classmethod
    def after_retries(
        cls, platform: LivePlatform, visitor: Visitor, sandbox: SandboxId, node: str, *, seconds: float
    ) -> LiveTerminal:
        """One that tries again, as a page does, for so many seconds."""
        terminal = cls(platform, visitor, sandbox, node)
        terminal._retry_until = time.monotonic() + seconds
        return terminal

    async def __aenter__(self) -> LiveTerminal:
        """Attach and wait until the shell is live."""
        while True:
            try:
                self._socket = await connect(
                    self._url, additional_headers=self._headers, origin=self._origin, max_size=2**20
                )
                await self._read_frames(lambda opcode: opcode == 0x05)
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                if time.monotonic() > self._retry_until:
                    raise
                await asyncio.sleep(0.3)
            else:
                return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        if self._socket:
            await self._socket.close()

    async def type(self, text: str) -> None:
        """Type."""
        assert self._socket
        await self._socket.send(b"\x00" + text.encode())

    async def read_until(self, text: str, *, seconds: float = 15) -> str:
        """Read until the text has been shown, whenever; returns everything seen."""
        await self._read_frames(lambda _: text in self.seen, seconds=seconds, already=text in self.seen)
        return self.seen

    async def ended(self, *, seconds: float = 15) -> bool:
        """Whether the server closes the terminal within so many seconds."""
        assert self._socket
        try:
            async with asyncio.timeout(seconds):
                await self._socket.wait_closed()
        except TimeoutError:
            return False
        return True

    async def _read_frames(self, enough, *, seconds: float = 15, already: bool = False) -> None:
        assert self._socket
        async with asyncio.timeout(seconds):
            while not already:
                frame = await self._socket.recv()
                assert isinstance(frame, bytes)
                if frame[0] in {0x00, 0x04}:
                    self.seen += frame[1:].decode(errors="replace")
                    await self._socket.send(b"\x02" + (len(frame) - 1).to_bytes(4, "big"))
                already = enough(frame[0])
