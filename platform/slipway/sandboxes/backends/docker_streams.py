"""Streams to nodes through the Docker Engine's API: an `exec` of `slipway-node connect`, its stdin and stdout.

Works the same for a local engine and a remote one. One client is kept per event loop.
"""

from __future__ import annotations

import asyncio
import weakref

import aiodocker
import aiohttp
from aiodocker.stream import Stream

from slipway.core.errors import EngineError
from slipway.core.logs import get_logger

_log = get_logger(__name__)
_STDOUT = 1
_CONNECT_SECONDS = 10.0
_LONGEST_COMPLAINT = 500


class DockerStreams:
    """Opens streams to containers of one engine."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, aiodocker.Docker] = (
            weakref.WeakKeyDictionary()
        )

    async def open(self, container: str, command: list[str]) -> ExecConnection:
        """Run the command in the container and connect to it. Raises `EngineError`."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                execution = (
                    await self._client()
                    .containers.container(container)
                    .exec(command, stdin=True, stdout=True, stderr=True, tty=False)
                )
                stream = execution.start(detach=False)
                await stream.__aenter__()
        except (aiodocker.DockerError, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineError(
                "engine-unreachable",
                "The engine of the labs does not answer at the moment.",
                detail=f"{container}: {error!r}",
            ) from error
        return ExecConnection(stream, container)

    async def close(self) -> None:
        """Close the client of the running loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client:
            await client.close()
            await client.connector.close()  # aiodocker leaves one that it was given open

    def _client(self) -> aiodocker.Docker:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            # One connection a stream, and an engine has hundreds: aiohttp's limit of 100 would make viewers wait.
            path = self._url.removeprefix("unix://")
            connector = aiohttp.UnixConnector(path, limit=0) if path != self._url else None
            # With a connector of ours, aiodocker takes the address only to write URLs with.
            address = "unix://localhost" if connector else self._url
            client = self._clients[loop] = aiodocker.Docker(address, connector=connector)
        return client


class ExecConnection:
    """A `NodeConnection` over one exec."""

    def __init__(self, stream: Stream, container: str) -> None:
        self._stream = stream
        self._container = container
        self._complaint = ""

    async def read(self) -> bytes:
        """The next bytes of the command's stdout; empty at its end. Raises `EngineError`."""
        try:
            while (message := await self._stream.read_out()) is not None:
                if message.stream == _STDOUT:
                    return message.data
                self._complaint = (self._complaint + message.data.decode(errors="replace"))[:_LONGEST_COMPLAINT]
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(repr(error)) from error
        if self._complaint:
            _log.info("stream ended", container=self._container, complaint=self._complaint)
        return b""

    async def write(self, data: bytes) -> None:
        """Send bytes to the command's stdin. Raises `EngineError`."""
        try:
            await self._stream.write_in(data)
        except (aiohttp.ClientError, OSError, AssertionError, RuntimeError) as error:
            # aiodocker asserts that its transport is there; a stream cut by the engine has none.
            raise self._lost(repr(error)) from error

    async def close(self) -> None:
        """End the stream; the command sees the end of its input."""
        try:
            await self._stream.close()
        except (aiohttp.ClientError, OSError, AssertionError) as error:
            _log.debug("stream closed twice", container=self._container, error=repr(error))

    def _lost(self, detail: str) -> EngineError:
        return EngineError(
            "node-unreachable",
            "One of the machines does not answer at the moment.",
            detail=f"{self._container}: {detail}",
        )
