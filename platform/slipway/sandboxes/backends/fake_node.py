"""A node in memory that speaks the agent's protocol: requests, an echoing shell, events, dialled ports.

What its Docker Engine "contains" is a table from path to answer that a test fills (`docker`), what its Kubernetes API
server answers is another (`kubernetes`), with `changed()` to tell followers; commands, pages and pings answer from
tables as well. Nothing is executed. A dialled address leads to the port of this machine that a test wrote beside it
(`doors`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Mapping

from slipway.core.errors import EngineError
from slipway.core.json import JSON, as_int, as_mapping, as_text
from slipway.sandboxes.backends.base import ClusterPlace, NodeLimits

_MEMORY_OF_A_SHELL = 2**20
_WITHOUT_POWER = frozenset({"power", "status", "lease", "events", "history"})
_MOST_UNREAD = 8  # pieces of a dialled connection that nobody has read


class FakeConnection:
    """The platform's end of a connection to a fake node."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.to_node: asyncio.Queue[bytes] = asyncio.Queue()
        self.to_platform: asyncio.Queue[bytes] = asyncio.Queue()
        self.server: asyncio.Task[None] | None = None
        self._ended = False

    async def read(self) -> bytes:
        """As in the contract."""
        if self._ended:
            return b""
        data = await self.to_platform.get()
        self._ended = not data
        return data

    async def write(self, data: bytes) -> None:
        """As in the contract."""
        if self._ended:
            raise EngineError("node-unreachable", "One of the machines does not answer.")
        await self.to_node.put(data)

    async def close(self) -> None:
        """As in the contract."""
        self._ended = True
        await self.to_node.put(b"")

    def deliver(self, data: bytes) -> None:
        """Send to the platform from whichever thread; empty data closes both ways."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self.to_platform.put_nowait, data)
        if not data:
            self._loop.call_soon_threadsafe(self.to_node.put_nowait, b"")


class FakeNode:
    """One node. Tests arrange `docker`, `pages`, `pings`, `commands` and `files`, and may end it. `asked` counts
    what it was asked, by operation.
    """

    def __init__(self, name: str, peers: tuple[str, ...], limits: NodeLimits, lease_seconds: int) -> None:
        self.name = name
        self.peers = peers
        self.limits = limits
        self.lease_seconds = lease_seconds
        self.cluster: ClusterPlace | None = None
        self.engine_is_up = True
        self.plugged = True
        self.out_of_memory = False
        self.exit_code: int | None = None
        self.docker: dict[str, JSON] = {
            "/_ping": "OK",
            "/info": {"Swarm": {"LocalNodeState": "inactive"}},
            "/networks": [],
            "/containers/json?all=true": [],
            "/containers/json?all=true&limit=250": [],
        }
        self.kubernetes: dict[str, JSON] = {}
        self.components: tuple[str, ...] = ("dockerd",)
        self.links: list[JSON] = []
        self.traffic: list[JSON] = []
        self.pages: dict[str, Mapping[str, JSON]] = {}
        self.pings: set[str] = set()
        self.commands: dict[tuple[str, ...], Mapping[str, JSON]] = {}
        self.asked: Counter[str] = Counter()
        self.waited_for: list[str] = []
        self.files: dict[str, str] = {}
        self.doors: dict[str, int] = {}
        self._shells: dict[str, bytearray] = {}
        self._connections: list[FakeConnection] = []
        self._followers: list[FakeConnection] = []
        self._viewers: list[FakeConnection] = []

    def connect(self) -> FakeConnection:
        """Open a connection, served on the running event loop."""
        connection = FakeConnection()
        self._connections.append(connection)
        connection.server = asyncio.get_running_loop().create_task(self._serve(connection))
        return connection

    def end(self, exit_code: int) -> None:
        """The node powers off: every connection closes."""
        self.exit_code = exit_code
        for connection in self._connections:
            connection.deliver(b"")

    def changed(self, event: Mapping[str, JSON] | None = None) -> None:
        """Tell followers that something happened; by default, that a container started."""
        news = event or {"kind": "docker", "event": {"Type": "container", "Action": "start"}}
        for follower in self._followers:
            follower.deliver(json.dumps(news).encode() + b"\n")

    async def _serve(self, connection: FakeConnection) -> None:
        buffer = b""
        while data := await connection.to_node.get():
            buffer += data
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                request = as_mapping(json.loads(line))
                if request.get("op") == "shell" and self.plugged:
                    await self._serve_shell(connection, request, buffer)
                    return
                if request.get("op") == "dial" and self.plugged:
                    await self._serve_dial(connection, as_mapping(request.get("params")), buffer)
                    return
                answer = self._answer_with_power(as_text(request.get("op")), as_mapping(request.get("params")))
                await connection.to_platform.put(json.dumps({"id": request.get("id"), **answer}).encode() + b"\n")
                if request.get("op") == "events":
                    self._followers.append(connection)
                    hello = {"kind": "hello", "plugged": self.plugged}
                    await connection.to_platform.put(json.dumps(hello).encode() + b"\n")

    def set_power(self, *, plugged: bool) -> None:
        """Pull the plug or put it in; shells end, as does whatever they showed."""
        if plugged is self.plugged:
            return
        self.plugged = plugged
        self.changed({"kind": "power", "plugged": plugged})
        if not plugged:
            for viewer in self._viewers:
                viewer.deliver(_frame(0x10, b'{"code":-1,"signal":"POWER"}'))
                viewer.deliver(b"")
            self._viewers.clear()
            self._shells.clear()

    def _answer_with_power(self, op: str, params: Mapping[str, JSON]) -> dict[str, JSON]:
        """As `_answer`, when there is power."""
        if op == "power":
            self.set_power(plugged=params.get("plugged") is True)
            return _ok({"plugged": self.plugged})
        if not self.plugged and op not in _WITHOUT_POWER:
            return _no("unavailable", f"{self.name} has no power.")
        return self._answer(op, params)

    async def _serve_dial(self, connection: FakeConnection, params: Mapping[str, JSON], early: bytes) -> None:
        """The bytes of a connection to whatever a test has put behind the address."""
        address = as_text(params.get("address"))
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.doors[address])
        except (KeyError, OSError):
            refusal = _no("failed", f"{address} cannot be reached: refused.")
            await connection.to_platform.put(json.dumps({"id": 1, **refusal}).encode() + b"\n")
            return
        await connection.to_platform.put(json.dumps({"id": 1, **_ok({})}).encode() + b"\n")

        async def back() -> None:
            with contextlib.suppress(OSError):
                while data := await reader.read(32 * 2**10):
                    while connection.to_platform.qsize() >= _MOST_UNREAD:  # noqa: ASYNC110 - the queue has no bound
                        await asyncio.sleep(0.005)
                    connection.to_platform.put_nowait(data)
            connection.to_platform.put_nowait(b"")

        answering = asyncio.create_task(back())
        try:
            data = early
            while data or (data := await connection.to_node.get()):
                writer.write(data)
                await writer.drain()
                data = b""
        except OSError:
            pass
        finally:
            answering.cancel()
            writer.close()

    def _answer(self, op: str, params: Mapping[str, JSON]) -> dict[str, JSON]:  # noqa: C901, PLR0911, PLR0912 - a table of cases
        self.asked[op] += 1
        match op:
            case "wait":
                self.waited_for.append(as_text(params.get("service")))
                return _ok({"ready_after_ms": 1}) if self.engine_is_up else _no("timeout", "dockerd is not ready")
            case "lease":
                self.lease_seconds = as_int(params.get("seconds"))
                return _ok({"lease_left_ms": 1000 * self.lease_seconds})
            case "status":
                state = "ready" if self.engine_is_up and self.plugged else "down"
                services: JSON = [{"name": name, "state": state} for name in self.components]
                return _ok({"hostname": self.name, "plugged": self.plugged, "services": services})
            case "docker":
                return self._docker(as_text(params.get("path")))
            case "kubernetes":
                return self._kubernetes(as_text(params.get("path")))
            case "http":
                refused: JSON = {
                    "status": 0,
                    "headers": {},
                    "body": "",
                    "truncated": False,
                    "error": "refused",
                }
                return _ok(self.pages.get(as_text(params.get("url")), refused))
            case "ping":
                hit = as_text(params.get("address")) in self.pings
                return _ok({"sent": 1, "received": int(hit), "rtt_ms": 0.1 if hit else None})
            case "run":
                argv = params.get("argv")
                words = tuple(str(word) for word in argv) if isinstance(argv, list) else ()
                unknown: JSON = {
                    "exit_code": 127,
                    "stdout": "",
                    "stderr": "not found",
                    "truncated": False,
                    "timed_out": False,
                    "duration_ms": 1,
                }
                return _ok(self.commands.get(words, unknown))
            case "read-file":
                content = self.files.get(as_text(params.get("path")))
                if content is None:
                    return _no("not-found", "There is no such file.")
                return _ok({"content": content, "size": len(content), "truncated": False, "mode": 0o644})
            case "links":
                return _ok({"links": self.links})
            case "traffic":
                return _ok({"containers": self.traffic})
            case "write-files":
                return self._write(params.get("files"))
            case "events":
                return _ok({})
        return _no("bad-request", f"There is no operation {op!r}.")

    def _docker(self, path: str) -> dict[str, JSON]:
        if not self.engine_is_up:
            return _no("unavailable", "The engine of this machine does not answer.")
        if path in self.docker:
            return _ok({"status": 200, "body": self.docker[path], "truncated": False})
        return _ok({"status": 404, "body": {"message": f"no such object: {path}"}, "truncated": False})

    def _kubernetes(self, path: str) -> dict[str, JSON]:
        if not self.kubernetes:
            return _no("not-found", "This node is in no Kubernetes cluster.")
        if not self.engine_is_up:
            return _no("unavailable", "The API server does not answer.")
        body = self.kubernetes.get(path.partition("?")[0], {"items": []})
        return _ok({"status": 200, "body": body, "truncated": False})

    def _write(self, files: JSON) -> dict[str, JSON]:
        wanted = [as_mapping(file) for file in files] if isinstance(files, list) else []
        for file in wanted:
            self.files[as_text(file.get("path"))] = as_text(file.get("content"), limit=2**20)
        return _ok({"written": len(wanted)})

    async def _serve_shell(self, connection: FakeConnection, request: Mapping[str, JSON], buffer: bytes) -> None:
        """A shell that prints back what is typed, with scrollback."""
        name = as_text(as_mapping(request.get("params")).get("shell"))
        created = name not in self._shells
        scrollback = self._shells.setdefault(name, bytearray())
        result: JSON = {"created": created, "scrollback_bytes": len(scrollback)}
        await connection.to_platform.put(json.dumps({"id": 1, "ok": True, "result": result}).encode() + b"\n")
        if scrollback:
            await connection.to_platform.put(_frame(0x04, bytes(scrollback)))
        await connection.to_platform.put(_frame(0x05, b""))
        self._viewers.append(connection)
        while True:
            while len(buffer) >= 5 and len(buffer) >= 5 + int.from_bytes(buffer[1:5], "big"):
                end = 5 + int.from_bytes(buffer[1:5], "big")
                opcode, payload, buffer = buffer[0], buffer[5:end], buffer[end:]
                if opcode == 0:
                    scrollback += payload
                    del scrollback[:-_MEMORY_OF_A_SHELL]
                    await connection.to_platform.put(_frame(0x00, payload))
            data = await connection.to_node.get()
            if not data:
                return
            buffer += data


def _frame(opcode: int, payload: bytes) -> bytes:
    return bytes([opcode]) + len(payload).to_bytes(4, "big") + payload


def _ok(result: JSON) -> dict[str, JSON]:
    return {"ok": True, "result": result}


def _no(code: str, message: str) -> dict[str, JSON]:
    return {"ok": False, "error": {"code": code, "message": message}}
