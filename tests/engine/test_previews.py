"""Previews on real nodes: what a container publishes, seen as a browser sees it."""

from __future__ import annotations

import hashlib
import itertools
import os
import time

import pytest
from websockets.asyncio.client import connect

from slipway.core.ids import SandboxId
from tests.browsing import Visitor
from tests.engine.rows import ready_attempt, sandbox_row
from tests.live import LivePlatform
from tests.previewing import Looking, start_servers
from tests.waiting import wait_until

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def visitor(live_platform: LivePlatform) -> Visitor:
    """One guest for all of these."""
    return Visitor.as_guest(live_platform)


@pytest.fixture(scope="module")
def attempt(live_platform: LivePlatform, visitor: Visitor) -> str:
    """The guest's running lab."""
    return ready_attempt(live_platform, visitor)


@pytest.fixture(scope="module")
def sandbox(live_platform: LivePlatform, attempt: str) -> SandboxId:
    """The lab's machines."""
    return sandbox_row(live_platform, attempt).sandbox


@pytest.fixture
def app(live_platform: LivePlatform, visitor: Visitor, attempt: str) -> Looking:
    """The fixture's server, seen through its preview."""
    return Looking.at(live_platform, visitor, attempt, "node1", 8090)


async def test_before_anything_listens_the_preview_says_so_and_then_shows_it(
    live_platform: LivePlatform, visitor: Visitor, attempt: str, sandbox: SandboxId
) -> None:
    nginx = Looking.at(live_platform, visitor, attempt, "node1", 8080)
    early = nginx.ask("/")
    assert early.status == 502
    assert "Nothing listens on port 8080 of node1 yet." in early.body
    await start_servers(live_platform, visitor, sandbox)
    wait_until(lambda: nginx.ask("/").status == 200, seconds=20, what="nginx in its preview")
    assert "nginx" in nginx.ask("/").body.lower()
    assert nginx.ask("/missing").status == 404
    app = Looking.at(live_platform, visitor, attempt, "node1", 8090)
    wait_until(lambda: app.ask("/").status == 200, seconds=20, what="the server in its preview")


def test_the_server_sees_itself_asked_and_no_cookie_of_ours(app: Looking) -> None:
    seen = app.ask("/headers")
    assert "host: localhost:8090" in seen.body.lower().splitlines()
    assert "slipway" not in seen.body
    assert seen.headers["set-cookie"] == "app=1; Path=/; Secure; SameSite=None; Partitioned"


def test_a_redirect_to_itself_stays_in_the_preview(app: Looking) -> None:
    assert app.ask("/go").headers["location"] == f"http://{app.host}/there"


def test_pieces_of_a_stream_arrive_as_they_are_sent(app: Looking) -> None:
    response = app.begin("/stream")
    times = []
    while piece := response.read1(100):
        times.append((time.monotonic(), piece))
    assert b"".join(piece for _, piece in times) == b"piece-0piece-1piece-2piece-3"
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(times)]
    assert len(gaps) == 3
    assert all(0.3 < gap < 1.0 for gap in gaps), gaps


def test_a_large_upload_arrives_whole(app: Looking) -> None:
    body = os.urandom(24 * 2**20)
    assert app.ask("/", method="POST", body=body).body == hashlib.sha256(body).hexdigest()


async def test_a_websocket_echoes(live_platform: LivePlatform, app: Looking) -> None:
    async with connect(
        f"ws://{app.host}/socket",
        host="127.0.0.1",
        port=live_platform.port,
        origin=f"http://{app.host}",
        additional_headers={"Cookie": app.cookie},
    ) as socket:
        for message in ("hello", b"\x00\x01", "x" * 5000):
            await socket.send(message)
            assert await socket.recv() == message


def test_another_person_cannot_look(live_platform: LivePlatform, attempt: str, app: Looking) -> None:
    other = Visitor.as_guest(live_platform)
    assert other.post(f"/attempts/{attempt}/preview", {"node": "node1", "port": 8090}).status == 404
    assert other.get(f"/attempts/{attempt}/previews/node1/8090").status == 404
    cookie, app.cookie = app.cookie, ""
    assert app.ask("/").status == 403
    app.cookie = cookie[:-1] + "x"
    assert app.ask("/").status == 403


def test_signing_out_closes_it(live_platform: LivePlatform) -> None:
    leaving = Visitor.as_guest(live_platform)
    attempt = ready_attempt(live_platform, leaving)
    looking = Looking.at(live_platform, leaving, attempt, "node2", 8080)
    assert looking.ask("/").status == 502
    leaving.post(f"/attempts/{attempt}/stop", {})
    wait_until(lambda: looking.ask("/").status == 410, seconds=10, what="the end of the preview with the machines")
    leaving.post_form("/accounts/logout/", {})
    wait_until(lambda: looking.ask("/").status == 403, seconds=10, what="the end of the preview with the sign-in")
