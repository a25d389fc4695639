"""A lab page's picture against a live installation: the events of its WebSocket, put together as a page does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from slipway.clusters.difference import apply
from tests.browsing import Visitor
from tests.live import LivePlatform

Picture = Mapping[str, Any]


class LivePicture:
    """One page that shows the picture. `current` is what it shows."""

    def __init__(self, platform: LivePlatform, visitor: Visitor, attempt: str) -> None:
        self._url = f"ws://localhost:{platform.port}/ws/attempts/{attempt}/"
        self._headers = {"Cookie": visitor.cookies}
        self._origin = platform.url
        self._socket: ClientConnection | None = None
        self._sequence = 0
        self.current: Picture = {}
        self.whole = 0  # how often everything was told
        self.bytes = 0  # of all events
        self.rates: list[Mapping[str, Any]] = []

    async def __aenter__(self) -> LivePicture:
        """Connect and wait for the first picture."""
        self._socket = await connect(self._url, additional_headers=self._headers, origin=self._origin, max_size=2**22)
        await self.until(lambda _: True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        if self._socket:
            await self._socket.close()

    async def watch(self) -> None:
        """Say that the picture is shown."""
        assert self._socket
        await self._socket.send(json.dumps({"type": "watch", "on": True}))

    async def until(self, what: Callable[[Picture], object], *, seconds: float = 20) -> float:
        """Read events until the picture is so; returns how many seconds that took."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while not (self.current and what(self.current)):
                await self.read()
        return time.monotonic() - began

    async def until_rates(self, what: Callable[[list[Mapping[str, Any]]], object], *, seconds: float = 20) -> None:
        """Read events until so much goes through the picture."""
        async with asyncio.timeout(seconds):
            while not what(self.rates):
                await self.read()

    async def read(self) -> None:
        """Read one event, whichever it is."""
        assert self._socket
        text = await self._socket.recv()
        event = json.loads(text)
        self.bytes += len(text)
        match event["type"]:
            case "traffic":
                self.rates = event["rates"]
            case "cluster" if "snapshot" in event:
                self.current, self._sequence = event["snapshot"], event["sequence"]
                self.whole += 1
            case "cluster" if event["sequence"] > self._sequence:
                assert event["sequence"] == self._sequence + 1, "a change was missed"
                self.current, self._sequence = apply(event["changes"], self.current), event["sequence"]
