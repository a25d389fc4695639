"""The terminal WebSocket: bytes between one page and one shell in a node.

Bytes go straight from the node's stream to the socket and never through the channel layer, which delivers at most once.
The consumer decides who may attach; the node's agent holds the shell, so that nothing here matters to its life.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from slipway.accounts.models import User
from slipway.accounts.selectors import still_signed_in
from slipway.core.errors import EngineError, LearnerError, SlipwayError
from slipway.core.ids import SandboxId
from slipway.core.languages import language_of
from slipway.core.logs import get_logger
from slipway.sandboxes import selectors, services
from slipway.sandboxes.backends import get_backend
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.nodes import Frame, NodeRefusal, ShellStream, open_shell
from slipway.sandboxes.states import Reason, State
from slipway.terminals.frames import BadFrame, Close, Opcode, pack, pack_json, parse, size_is_sane

_log = get_logger(__name__)
_LOOK_SECONDS = 10.0  # how soon a terminal ends that somebody signed out of
_TOUCH_EVERY = 6  # looks
_WAITING_FRAMES = 32  # input frames held while the node takes no more; then the socket is not read
# For so long. A page that has gone is not noticed while its socket is not read, and its stream must not stay for ever.
_FULL_SECONDS = 30.0
_SHELL_NAME = re.compile(r"[a-z0-9-]{1,16}")
_TO_PAGE = frozenset({Opcode.DATA, Opcode.SCROLLBACK, Opcode.SKIPPED, Opcode.EXIT})


class TerminalConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
    """One viewer of one shell."""

    # No channel layer: a terminal hears nothing from it, and each listener would cost a connection to Redis.
    channel_layer_alias = "none"

    stream: ShellStream | None = None
    sandbox_id: SandboxId
    node: str
    shell: str

    async def connect(self) -> None:
        """Check who asks for what, accept, then attach."""
        await self.accept()
        route = self.scope["url_route"]["kwargs"]
        self.node, self.shell = route["node"], route["shell"]
        self._input: asyncio.Queue[Frame] = asyncio.Queue(_WAITING_FRAMES)
        self._jobs: list[asyncio.Task[None]] = []
        user = self.scope.get("user")
        if not isinstance(user, User):
            await self._refuse(Close.SIGN_IN, "sign-in", "Sign in to use this terminal.")
            return
        try:
            sandbox = await database_sync_to_async(selectors.get_sandbox)(sandbox_id=route["sandbox"], owner=user)
        except LearnerError as error:
            await self._refuse(Close.NOT_FOUND, error.error_id, error.sentence)
            return
        if await self._is_attachable(sandbox):
            self.sandbox_id = sandbox.sandbox_id
            await self._attach()

    async def _is_attachable(self, sandbox: Sandbox) -> bool:
        if self.node not in sandbox.topology.names or not _SHELL_NAME.fullmatch(self.shell):
            await self._refuse(Close.NOT_FOUND, "no-such-node", "There is no such machine in this lab.")
        elif sandbox.current in {State.REQUESTED, State.STARTING}:
            await self._refuse(Close.NOT_READY, "not-ready", "The machines are still starting.")
        elif sandbox.current is not State.READY:
            await self._refuse(Close.ENDED, "ended", str(Reason(sandbox.reason).label))
        else:
            return True
        return False

    async def _attach(self) -> None:
        cols, rows = self._first_size()
        try:
            self.stream = await open_shell(get_backend(), self.sandbox_id, self.node, self.shell, cols=cols, rows=rows)
        except NodeRefusal as refusal:
            if refusal.code == "unavailable":
                # The page waits and tries again, as while machines start.
                await self._refuse(Close.NOT_READY, "no-power", "This machine has no power.")
                return
            _log.info("shell refused", sandbox=str(self.sandbox_id), node=self.node, refusal=str(refusal))
            await self._refuse(Close.MALFORMED, "shell-refused", "This machine has as many shells as it may.")
            return
        except EngineError as error:
            await self._engine_failed(error)
            return
        self._jobs = [
            asyncio.create_task(self._show_output(self.stream)),
            asyncio.create_task(self._pass_input(self.stream)),
            asyncio.create_task(self._keep_looking()),
        ]

    def _first_size(self) -> tuple[int, int]:
        query = parse_qs(self.scope.get("query_string", b"").decode(errors="replace"))

        def value(name: str, default: int) -> int:
            given = query.get(name, [""])[0]
            return min(max(int(given), 1), 1000) if given.isascii() and given.isdigit() and len(given) < 6 else default

        return value("cols", 80), value("rows", 24)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One frame from the page. Waiting here is what makes a fast page wait for a slow node."""
        if self.stream is None:
            return
        try:
            if bytes_data is None:
                raise BadFrame(Close.MALFORMED, f"Terminals speak binary, not {len(text_data or '')} letters of text.")
            opcode, payload = parse(bytes_data)
        except BadFrame as bad:
            await self._refuse(bad.close, "bad-frame", bad.sentence)
            return
        if opcode is Opcode.RESIZE and not size_is_sane(payload):
            return
        try:
            await asyncio.wait_for(self._input.put(Frame(opcode, payload)), _FULL_SECONDS)
        except TimeoutError:
            await self._refuse(Close.ENGINE, "no-input-taken", "The program in this shell takes no more input.")

    async def disconnect(self, code: int) -> None:
        """The page went away; the shell lives on."""
        for job in self._jobs:
            job.cancel()
        if self.stream:
            await self.stream.close()
            self.stream = None
        _log.debug("terminal left", node=getattr(self, "node", ""), code=code)

    async def _show_output(self, stream: ShellStream) -> None:
        try:
            while (frame := await stream.read()) is not None:
                if frame.opcode == Opcode.LIVE:
                    await self.send(bytes_data=pack(Opcode.LIVE, bytes([stream.created])))
                elif frame.opcode in _TO_PAGE:
                    await self.send(bytes_data=bytes([frame.opcode]) + frame.payload)
                if frame.opcode == Opcode.EXIT:
                    await self.close(1000)
                    return
        except EngineError as error:
            await self._engine_failed(error)
            return
        await self._node_closed()

    async def _pass_input(self, stream: ShellStream) -> None:
        with contextlib.suppress(EngineError):  # the reader of the same stream sees it too, and tells the page
            while True:
                await stream.write(await self._input.get())

    async def _keep_looking(self) -> None:
        """While somebody watches, the sandbox is not idle; who has signed out watches no more."""
        for look in itertools.count():
            try:
                if look % _TOUCH_EVERY == 0:
                    await database_sync_to_async(services.touch_sandbox)(sandbox_id=self.sandbox_id)
                if not await database_sync_to_async(self._is_signed_in)():
                    await self._refuse(Close.SIGN_IN, "signed-out", "You are signed out. Sign in to go on here.")
                    return
            except DatabaseError as error:
                _log.warning("terminal not looked at", sandbox=str(self.sandbox_id), error=repr(error))
            await asyncio.sleep(_LOOK_SECONDS)

    def _is_signed_in(self) -> bool:
        return still_signed_in(session=self.scope["session"].session_key or "", person=self.scope["user"].pk)

    async def _node_closed(self) -> None:
        """The stream ended: either the machines did, or only the way to them."""
        sandbox = await database_sync_to_async(Sandbox.objects.get)(pk=self.sandbox_id)
        if sandbox.current is State.READY:
            await self._engine_failed(EngineError("node-unreachable", "The connection to the machine was cut."))
        else:
            await self._refuse(Close.ENDED, "ended", str(Reason(sandbox.reason).label))

    async def _engine_failed(self, error: SlipwayError) -> None:
        _log.warning("terminal lost", sandbox=str(self.sandbox_id), node=self.node, error=str(error))
        await self._refuse(Close.ENGINE, error.error_id, error.sentence)

    async def _refuse(self, code: Close, error_id: str, sentence: str) -> None:
        # The page may have gone first; there is nobody left to tell then.
        with contextlib.suppress(RuntimeError):
            with translation.override(language_of(self.scope)):
                told = {"id": error_id, "sentence": _(sentence)}
            await self.send(bytes_data=pack_json(Opcode.ERROR, told))
            await self.close(code)
