"""Talking to the agents of nodes: requests, shells, event streams. The same for every backend.

Implements `docs/node-protocol.md` from the platform's side. A learner is root in their node and may put anything in the
agent's place: sizes are bounded here, shapes are checked, and nothing a node says is believed beyond its own sandbox.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.core.errors import EngineError
from slipway.core.ids import SandboxId
from slipway.core.json import JSON, as_int, as_mapping, as_text
from slipway.core.logs import get_logger

if TYPE_CHECKING:  # the backends' package itself needs this module
    from slipway.sandboxes.backends.base import Backend, NodeConnection

_log = get_logger(__name__)

LONGEST_ANSWER = 16 * 2**20  # bytes of one answer line
LONGEST_EVENT = 64 * 2**10
LONGEST_FRAME = 64 * 2**10
_IDLE_SECONDS = 60.0


class NodeRefusal(Exception):
    """The node's agent answered that it cannot do what was asked; `code` is one of the protocol's error codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def unreachable(detail: str) -> EngineError:
    """The error for a node that does not answer as agreed."""
    return EngineError("node-unreachable", "One of the machines does not answer at the moment.", detail=detail)


class Lines:
    """Reads lines, then whatever follows them, from a connection."""

    def __init__(self, connection: NodeConnection) -> None:
        self._connection = connection
        self._buffer = bytearray()

    async def line(self, limit: int) -> bytes | None:
        """The next line without its end; None when the node closed. Raises `EngineError` past `limit` bytes."""
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                return line
            searched = len(self._buffer)
            if searched > limit:
                raise unreachable(f"a line of more than {limit} bytes")
            if not await self._fill():
                return None

    async def exactly(self, count: int) -> bytes | None:
        """The next `count` bytes; None when the node closed before."""
        while len(self._buffer) < count:
            if not await self._fill():
                return None
        if len(self._buffer) == count:
            return self._all()
        with memoryview(self._buffer) as view:
            data = bytes(view[:count])
        del self._buffer[:count]
        return data

    async def some(self) -> bytes:
        """Whatever comes next, at once if something was read already; empty when the node closed."""
        if not self._buffer:
            return await self._connection.read()
        return self._all()

    def _all(self) -> bytes:
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    async def _fill(self) -> bool:
        data = await self._connection.read()
        self._buffer += data
        return bool(data)


def _parse(line: bytes) -> Mapping[str, JSON]:
    try:
        value: JSON = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise unreachable("an answer that is not JSON") from error
    if not isinstance(value, Mapping):
        raise unreachable("an answer that is not an object")
    return value


def _result(answer: Mapping[str, JSON]) -> JSON:
    if answer.get("ok") is True:
        return answer.get("result")
    error = as_mapping(answer.get("error"))
    raise NodeRefusal(as_text(error.get("code"), limit=40) or "failed", as_text(error.get("message")))


class NodeSession:
    """One connection to a node's agent that carries many requests, also several at once."""

    def __init__(self, connection: NodeConnection) -> None:
        self._connection = connection
        self._lines = Lines(connection)
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Mapping[str, JSON]]] = {}
        self._failure: EngineError | None = None
        self._reader = asyncio.create_task(self._read())

    @property
    def is_dead(self) -> bool:
        """Whether no request can succeed any more."""
        return self._failure is not None

    @property
    def is_busy(self) -> bool:
        """Whether an answer is still awaited."""
        return bool(self._waiting)

    async def request(self, op: str, params: Mapping[str, JSON], *, timeout: float = 10) -> JSON:  # noqa: ASYNC109
        """Ask and wait for the answer, at most `timeout` seconds.

        Raises `NodeRefusal` when the agent says no, `EngineError` when it does not answer.
        """
        if self._failure:
            raise self._failure
        number = next(self._ids)
        answer: asyncio.Future[Mapping[str, JSON]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            line = json.dumps({"id": number, "op": op, "params": params}) + "\n"
            await self._connection.write(line.encode())
            async with asyncio.timeout(timeout):
                return _result(await answer)
        except TimeoutError as error:
            raise unreachable(f"{op} was not answered within {timeout} s") from error
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """End the connection; requests under way fail."""
        self._reader.cancel()
        self._fail(unreachable("the session was closed"))
        await self._connection.close()

    async def _read(self) -> None:
        try:
            while (line := await self._lines.line(LONGEST_ANSWER)) is not None:
                answer = _parse(line)
                waiting = self._waiting.get(as_int(answer.get("id"), default=-1))
                if waiting and not waiting.done():
                    waiting.set_result(answer)
            self._fail(unreachable("the node closed the connection"))
        except EngineError as error:
            self._fail(error)

    def _fail(self, error: EngineError) -> None:
        self._failure = self._failure or error
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error)


class NodeSessions:
    """Sessions kept open between uses, one a node. Belongs to one event loop."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._open: dict[tuple[SandboxId, str], tuple[NodeSession, float]] = {}
        self._locks: dict[tuple[SandboxId, str], asyncio.Lock] = {}

    async def request(
        self,
        sandbox: SandboxId,
        node: str,
        op: str,
        params: Mapping[str, JSON],
        *,
        timeout: float = 10,  # noqa: ASYNC109
    ) -> JSON:
        """As `NodeSession.request`, on a session that is opened when there is none."""
        session = await self._session(sandbox, node)
        return await session.request(op, params, timeout=timeout)

    async def forget(self, sandbox: SandboxId) -> None:
        """Close all sessions with the sandbox's nodes."""
        for key in [key for key in self._open if key[0] == sandbox]:
            session, _ = self._open.pop(key)
            self._locks.pop(key, None)
            await session.close()

    async def close(self) -> None:
        """Close every session."""
        for sandbox in {sandbox for sandbox, _ in self._open}:
            await self.forget(sandbox)

    async def _session(self, sandbox: SandboxId, node: str) -> NodeSession:
        await self._close_idle()
        key = (sandbox, node)
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._open.get(key)
            if known and not known[0].is_dead:
                session = known[0]
            else:
                if known:
                    await known[0].close()
                session = NodeSession(await self._backend.connect(sandbox=sandbox, node=node))
            self._open[key] = (session, time.monotonic())
            return session

    async def _close_idle(self) -> None:
        oldest = time.monotonic() - _IDLE_SECONDS
        for key, (session, used) in list(self._open.items()):
            if used < oldest and not session.is_busy:
                del self._open[key]
                self._locks.pop(key, None)
                await session.close()


async def _open_stream(
    backend: Backend, sandbox: SandboxId, node: str, op: str, params: Mapping[str, JSON], *, patience: float
) -> tuple[NodeConnection, Lines, Mapping[str, JSON]]:
    """Connect and turn the connection into the stream `op`; the caller closes it."""
    connection = await backend.connect(sandbox=sandbox, node=node)
    try:
        lines = Lines(connection)
        request = json.dumps({"id": 1, "op": op, "params": params}) + "\n"
        async with asyncio.timeout(patience):
            await connection.write(request.encode())
            answer = await lines.line(LONGEST_EVENT)
        if answer is None:
            raise unreachable(f"the node closed instead of answering {op}")
        return connection, lines, as_mapping(_result(_parse(answer)))
    except TimeoutError as error:
        await connection.close()
        raise unreachable(f"{op} was not answered within {patience} s") from error
    except BaseException:
        await connection.close()
        raise


@dataclass(frozen=True)
class Frame:
    """One frame of a shell's stream, as the protocol names its opcodes."""

    opcode: int
    payload: bytes


class ShellStream:
    """One viewer's stream to a shell in a node."""

    def __init__(self, connection: NodeConnection, lines: Lines, *, created: bool) -> None:
        self._connection = connection
        self._lines = lines
        self.created = created

    async def read(self) -> Frame | None:
        """The next frame; None when the node closed. Raises `EngineError`."""
        head = await self._lines.exactly(5)
        if head is None:
            return None
        length = int.from_bytes(head[1:], "big")
        if length > LONGEST_FRAME:
            raise unreachable(f"a frame of {length} bytes")
        payload = await self._lines.exactly(length)
        return None if payload is None else Frame(head[0], payload)

    async def write(self, frame: Frame) -> None:
        """Send one frame. Raises `EngineError`."""
        await self._connection.write(bytes([frame.opcode]) + len(frame.payload).to_bytes(4, "big") + frame.payload)

    async def write_input(self, data: bytes) -> None:
        """Type into the shell. Raises `EngineError`."""
        await self.write(Frame(0, data))

    async def close(self) -> None:
        """Stop watching; the shell lives on."""
        await self._connection.close()


async def open_shell(
    backend: Backend,
    sandbox: SandboxId,
    node: str,
    shell: str,
    *,
    cols: int,
    rows: int,
    scrollback: int = 262_144,
) -> ShellStream:
    """Attach to a shell of the node, starting it when there is none. Raises `NodeRefusal` and `EngineError`."""
    connection, lines, result = await _open_stream(
        backend,
        sandbox,
        node,
        "shell",
        {"shell": shell, "cols": cols, "rows": rows, "scrollback": scrollback},
        patience=10,
    )
    return ShellStream(connection, lines, created=result.get("created") is True)


class DialStream:
    """A TCP connection that a node opened for us: raw bytes, both ways."""

    def __init__(self, connection: NodeConnection, lines: Lines) -> None:
        self._connection = connection
        self._lines = lines

    async def read(self) -> bytes:
        """The next bytes; empty when the other side has closed. Raises `EngineError`."""
        return await self._lines.some()

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting while the node takes no more. Raises `EngineError`."""
        await self._connection.write(data)

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()


async def open_dial(
    backend: Backend,
    sandbox: SandboxId,
    node: str,
    address: str,
    *,
    timeout: float,  # noqa: ASYNC109
) -> DialStream:
    """Have the node connect to `host:port`, within `timeout` seconds. Raises `NodeRefusal` and `EngineError`."""
    params: Mapping[str, JSON] = {"address": address, "timeout_ms": round(1000 * timeout)}
    connection, lines, _ = await _open_stream(backend, sandbox, node, "dial", params, patience=timeout + 5)
    return DialStream(connection, lines)


async def follow_events(backend: Backend, sandbox: SandboxId, node: str) -> AsyncIterator[Mapping[str, JSON]]:
    """What the node reports, until it closes. Raises `EngineError`."""
    connection, lines, _ = await _open_stream(backend, sandbox, node, "events", {}, patience=10)
    try:
        while (line := await lines.line(LONGEST_EVENT)) is not None:
            yield _parse(line)
    finally:
        await connection.close()
