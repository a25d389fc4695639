"""How long a keystroke takes to come back, and how many bytes a second flow: ours, `docker exec`, and terminado.

All three talk to `cat` or `head` in the same node through the same engine, one after the other, key by key in turn.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiodocker
from websockets.asyncio.client import connect

from slipway.core.ids import SandboxId
from slipway.sandboxes.backends.docker import container_name
from tests.browsing import Visitor
from tests.live import LivePlatform, free_port

KEYS = 200
FLOOD_BYTES = 64 * 2**20
_FLOOD = f"head -c {FLOOD_BYTES} /dev/zero | tr '\\0' x"


@dataclass(frozen=True)
class Echo:
    """Round trips of single keys, in milliseconds, and bytes a second of a flood, in MB/s."""

    name: str
    p50: float
    p99: float
    rate: float


Send = Callable[[bytes], Awaitable[None]]
Receive = Callable[[], Awaitable[bytes]]


async def measure(name: str, send: Send, receive: Receive) -> Echo:
    """Measure one way to a shell that has just been opened."""
    await _drain(receive, 0.5)
    await send(b"stty -echo; cat\r")
    await _drain(receive, 0.5)
    times = []
    for number in range(KEYS):
        key = f"{number:04}\n".encode()
        began = time.perf_counter()
        await send(key)
        seen = b""
        while key.strip() not in seen:
            seen += await receive()
        times.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0.005)
    await send(b"\x03")
    await _drain(receive, 0.3)
    began = time.perf_counter()
    await send(f"{_FLOOD}; echo; echo flood-is-$((1+1))-over\r".encode())
    count, tail = 0, b""
    while b"flood-is-2-over" not in tail:
        data = await receive()
        count += len(data)
        tail = (tail + data)[-100:]
    rate = count / (time.perf_counter() - began) / 1e6
    times.sort()
    return Echo(name, statistics.median(times), times[int(0.99 * len(times))], rate)


async def _drain(receive: Receive, quiet: float) -> None:
    """Read until nothing has come for so many seconds."""
    try:
        while True:
            async with asyncio.timeout(quiet):
                await receive()
    except TimeoutError:
        return


async def through_slipway(platform: LivePlatform, visitor: Visitor, sandbox: SandboxId, node: str) -> Echo:
    """Our terminal, as a page uses it."""
    url = f"ws://localhost:{platform.port}/ws/terminals/{sandbox}/{node}/bench/?cols=100&rows=30"
    async with connect(url, additional_headers={"Cookie": visitor.cookies}, origin=platform.url) as socket:

        async def send(data: bytes) -> None:
            await socket.send(b"\x00" + data)

        async def receive() -> bytes:
            frame = await socket.recv()
            assert isinstance(frame, bytes)
            if frame[0] in {0x00, 0x04}:
                await socket.send(b"\x02" + (len(frame) - 1).to_bytes(4, "big"))
                return frame[1:]
            return b""

        return await measure("Slipway's terminal", send, receive)


async def through_exec(platform: LivePlatform, sandbox: SandboxId, node: str) -> Echo:
    """A plain `docker exec -it` through the engine's API, without any web."""
    client = aiodocker.Docker(platform.docker_host)
    try:
        container = client.containers.container(container_name(sandbox, node))
        execution = await container.exec(["bash"], stdin=True, tty=True)
        async with execution.start(detach=False) as stream:

            async def receive() -> bytes:
                message = await stream.read_out()
                return message.data if message else b""

            return await measure("docker exec -it", stream.write_in, receive)
    finally:
        await client.close()


async def through_terminado(platform: LivePlatform, sandbox: SandboxId, node: str) -> Echo:
    """terminado, the public web terminal of Jupyter, in front of `docker exec -it`."""
    port = free_port()
    command = ["docker", "--host", platform.docker_host, "exec", "-it", container_name(sandbox, node), "bash"]
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.terminado_server", str(port), *command, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        return await _with_terminado(port)
    finally:
        server.terminate()
        await server.wait()


async def _with_terminado(port: int) -> Echo:
    for attempt in range(50):
        try:
            socket = await connect(f"ws://127.0.0.1:{port}/ws", max_size=None)
            break
        except OSError:
            if attempt == 49:
                raise
            await asyncio.sleep(0.1)
    async with socket:
        await socket.send(json.dumps(["set_size", 30, 100]))

        async def send(data: bytes) -> None:
            await socket.send(json.dumps(["stdin", data.decode()]))

        async def receive() -> bytes:
            kind, *rest = json.loads(await socket.recv())
            return str(rest[0]).encode() if kind == "stdout" else b""

        return await measure("terminado + docker exec", send, receive)
