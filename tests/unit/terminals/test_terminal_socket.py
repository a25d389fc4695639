"""The terminal WebSocket, against the fake backend: who may attach, what is refused, what comes back."""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import OperationalError

from slipway.accounts.models import User
from slipway.sandboxes import services
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.nodes import Frame, ShellStream
from slipway.sandboxes.states import Reason
from slipway.terminals import consumers
from slipway.terminals.routing import websocket_urlpatterns

Attach = Callable[..., Awaitable[WebsocketCommunicator]]
SMALL_RESIZE = bytes([1, 0, 80, 0, 24])


@pytest.fixture
async def attach(learner: User, session: str) -> AsyncIterator[Attach]:
    """Open a terminal as the learner, unless told otherwise; all are closed at the end."""
    router = AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns))
    opened: list[WebsocketCommunicator] = []

    async def open_terminal(
        sandbox_id: uuid.UUID,
        node: str = "node1",
        shell: str = "1",
        *,
        user: object = learner,
        origin: str = "http://localhost:8000",
        query: str = "",
        language: str = "en",
    ) -> WebsocketCommunicator:
        path = f"/ws/terminals/{sandbox_id}/{node}/{shell}/{query}"
        socket = WebsocketCommunicator(
            router, path, headers=[(b"origin", origin.encode()), (b"accept-language", language.encode())]
        )
        socket.scope["user"], socket.scope["session"] = user, SessionStore(session)
        opened.append(socket)
        return socket

    yield open_terminal
    for socket in opened:
        await socket.disconnect()


async def refusal(socket: WebsocketCommunicator) -> tuple[int, str]:
    """The close code and error id with which a terminal is refused."""
    await socket.connect()
    error = await socket.receive_from(timeout=5)
    assert error[0] == 0x1F
    closed = await socket.receive_output(timeout=5)
    return closed["code"], json.loads(error[1:])["id"]


async def until_live(socket: WebsocketCommunicator) -> list[bytes]:
    """Connect and collect frames up to the one that says the shell is live, that one included."""
    accepted, _ = await socket.connect()
    assert accepted
    frames = [await socket.receive_from(timeout=5)]
    while frames[-1][0] != 0x05:
        frames.append(await socket.receive_from(timeout=5))
    return frames


async def test_what_is_typed_reaches_the_shell_and_its_output_comes_back(sandbox: Sandbox, attach: Attach) -> None:
    socket = await attach(sandbox.pk)
    assert await until_live(socket) == [b"\x05\x01"]
    await socket.send_to(bytes_data=b"\x00echo hello\r")
    assert await socket.receive_from() == b"\x00echo hello\r"


async def test_a_shell_comes_back_with_its_scrollback(sandbox: Sandbox, attach: Attach) -> None:
    first = await attach(sandbox.pk)
    await until_live(first)
    await first.send_to(bytes_data=b"\x00before the reload")
    await first.receive_from()
    await first.disconnect()
    again = await attach(sandbox.pk)
    assert await until_live(again) == [b"\x04before the reload", b"\x05\x00"]


async def test_two_shells_of_one_node_are_apart(sandbox: Sandbox, attach: Attach) -> None:
    first, second = await attach(sandbox.pk, shell="1"), await attach(sandbox.pk, shell="2")
    await until_live(first)
    assert await until_live(second) == [b"\x05\x01"]
    await first.send_to(bytes_data=b"\x00one")
    assert await first.receive_from() == b"\x00one"
    assert await second.receive_nothing()


async def test_a_learner_cannot_open_another_learners_terminal(
    sandbox: Sandbox, stranger: User, attach: Attach
) -> None:
    assert await refusal(await attach(sandbox.pk, user=stranger)) == (4404, "no-such-sandbox")


async def test_a_visitor_must_sign_in(sandbox: Sandbox, attach: Attach) -> None:
    assert await refusal(await attach(sandbox.pk, user=AnonymousUser())) == (4401, "sign-in")


async def test_a_page_of_another_origin_is_turned_away(sandbox: Sandbox, attach: Attach) -> None:
    socket = await attach(sandbox.pk, origin="http://evil.example")
    accepted, _ = await socket.connect()
    assert not accepted


async def test_a_refused_terminal_says_why_in_the_language_of_its_page(sandbox: Sandbox, attach: Attach) -> None:
    socket = await attach(sandbox.pk, "node3", language="es")
    await socket.connect()
    assert (
        json.loads((await socket.receive_from(timeout=5))[1:])["sentence"]
        == "No existe esa máquina en este laboratorio."
    )


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terminals look every moment at who watches."""
    monkeypatch.setattr(consumers, "_LOOK_SECONDS", 0.02)


@pytest.mark.usefixtures("looks_often")
async def test_a_terminal_left_open_ends_when_its_person_signs_out(
    sandbox: Sandbox, attach: Attach, session: str
) -> None:
    socket = await attach(sandbox.pk)
    await until_live(socket)
    await Session.objects.filter(session_key=session).adelete()
    error = await socket.receive_from(timeout=5)
    assert (error[0], json.loads(error[1:])["id"]) == (0x1F, "signed-out")
    assert (await socket.receive_output(timeout=5))["code"] == 4401


@pytest.mark.usefixtures("looks_often")
async def test_a_terminal_left_open_ends_when_the_password_was_changed(
    sandbox: Sandbox, attach: Attach, learner: User
) -> None:
    socket = await attach(sandbox.pk)
    await until_live(socket)
    learner.set_password("another good password")
    await learner.asave()
    assert json.loads((await socket.receive_from(timeout=5))[1:])["id"] == "signed-out"


@pytest.mark.usefixtures("looks_often")
async def test_a_watched_sandbox_stays_in_use_though_the_database_was_locked_for_a_moment(
    sandbox: Sandbox, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, used = asyncio.get_running_loop(), asyncio.Event()
    tries = itertools.count(1)

    def touch(**_: object) -> None:
        if next(tries) == 1:
            raise OperationalError("database is locked")
        loop.call_soon_threadsafe(used.set)

    monkeypatch.setattr(services, "touch_sandbox", touch)
    monkeypatch.setattr(consumers, "_TOUCH_EVERY", 1)
    await until_live(await attach(sandbox.pk))
    await asyncio.wait_for(used.wait(), 5)


@pytest.mark.parametrize(("node", "shell"), [("node3", "1"), ("node1", "UPPER"), ("node1", "x" * 17)])
async def test_a_node_or_shell_that_cannot_be_is_refused(
    sandbox: Sandbox, attach: Attach, node: str, shell: str
) -> None:
    assert await refusal(await attach(sandbox.pk, node, shell)) == (4404, "no-such-node")


async def test_an_ended_sandbox_says_why_it_ended(sandbox: Sandbox, attach: Attach) -> None:
    await database_sync_to_async(services.stop_sandbox)(sandbox_id=sandbox.sandbox_id, reason=Reason.EXPIRED)
    assert await refusal(await attach(sandbox.pk)) == (4410, "ended")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", 4400),
        (b"\x07what", 4400),
        (b"\x01\x00", 4400),
        (b"\x02\x00\x00", 4400),
        (b"\x00" + b"x" * (64 * 1024 + 1), 4413),
    ],
)
async def test_a_frame_outside_the_protocol_ends_the_terminal(
    sandbox: Sandbox, attach: Attach, frame: bytes, code: int
) -> None:
    socket = await attach(sandbox.pk)
    await until_live(socket)
    await socket.send_input({"type": "websocket.receive", "bytes": frame})
    assert json.loads((await socket.receive_from())[1:])["id"] == "bad-frame"
    assert (await socket.receive_output())["code"] == code


async def test_text_frames_are_refused(sandbox: Sandbox, attach: Attach) -> None:
    socket = await attach(sandbox.pk)
    await until_live(socket)
    await socket.send_to(text_data="ls")
    assert (await socket.receive_from())[0] == 0x1F
    assert (await socket.receive_output())["code"] == 4400


@pytest.mark.parametrize("size", [bytes(4), b"\x27\x10\x00\x18", b"\x00\x50\x27\x10"])
async def test_a_size_of_nothing_or_ten_thousand_is_ignored(sandbox: Sandbox, attach: Attach, size: bytes) -> None:
    socket = await attach(sandbox.pk)
    await until_live(socket)
    await socket.send_to(bytes_data=b"\x01" + size)
    await socket.send_to(bytes_data=b"\x00still here")
    assert await socket.receive_from() == b"\x00still here"


async def test_a_strange_first_size_is_replaced(sandbox: Sandbox, attach: Attach) -> None:
    socket = await attach(sandbox.pk, query="?cols=999999999999&rows=-3")
    assert await until_live(socket) == [b"\x05\x01"]


async def test_a_megabyte_pasted_in_pieces_arrives_whole(sandbox: Sandbox, attach: Attach) -> None:
    socket = await attach(sandbox.pk)
    await until_live(socket)
    piece = b"0123456789abcdef" * 1024
    received = bytearray()
    for _ in range(64):
        await socket.send_to(bytes_data=b"\x00" + piece)
        received += (await socket.receive_from())[1:]
    assert bytes(received) == piece * 64


async def test_a_terminal_whose_program_reads_nothing_for_long_is_let_go_and_can_be_opened_again(
    sandbox: Sandbox, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_stream: ShellStream, _frame: Frame) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(consumers, "_FULL_SECONDS", 0.2)
    with monkeypatch.context() as stuck:
        stuck.setattr(ShellStream, "write", never)
        socket = await attach(sandbox.pk)
        await until_live(socket)
        for _ in range(40):
            await socket.send_to(bytes_data=b"\x00typed")
        assert json.loads((await socket.receive_from(timeout=5))[1:])["id"] == "no-input-taken"
        assert (await socket.receive_output(timeout=5))["code"] == 4503
    assert (await until_live(await attach(sandbox.pk)))[-1] == b"\x05\x00"


async def test_a_terminal_whose_node_is_lost_asks_the_page_to_try_again(
    sandbox: Sandbox, attach: Attach, backend: FakeBackend
) -> None:
    socket = await attach(sandbox.pk)
    await until_live(socket)
    backend.nodes(sandbox.sandbox_id)["node1"].end(0)
    assert json.loads((await socket.receive_from(timeout=5))[1:])["id"] == "node-unreachable"
    assert (await socket.receive_output())["code"] == 4503


async def test_a_shell_whose_node_loses_its_power_ends_with_that_and_a_new_one_waits_for_it(
    sandbox: Sandbox, attach: Attach
) -> None:
    socket = await attach(sandbox.pk)
    await until_live(socket)
    unplug = database_sync_to_async(services.set_power)
    await unplug(sandbox_id=sandbox.sandbox_id, node="node1", plugged=False)
    assert await socket.receive_from(timeout=5) == b'\x10{"code":-1,"signal":"POWER"}'
    assert (await socket.receive_output(timeout=5))["code"] == 1000
    assert await refusal(await attach(sandbox.pk)) == (4409, "no-power")
    await unplug(sandbox_id=sandbox.sandbox_id, node="node1", plugged=True)
    assert await until_live(await attach(sandbox.pk)) == [b"\x05\x01"]
