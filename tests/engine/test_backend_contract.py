"""What every backend promises, tried on the fake and on a real engine."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from slipway.core.errors import EngineError
from slipway.core.ids import SandboxId
from slipway.sandboxes.backends.base import Backend, NodeLimits, NodeState
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.nodes import NodeRefusal, NodeSession, follow_events, open_shell
from slipway.sandboxes.topology import NodeSpec

LIMITS = NodeLimits(memory=512 * 2**20, disk=1024 * 2**20, cpus=2, pids=512)
NODES = (NodeSpec(name="node1"), NodeSpec(name="node2"))


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.engine)])
def any_backend(request: pytest.FixtureRequest) -> Backend:
    """Each implementation in turn."""
    return FakeBackend() if request.param == "fake" else request.getfixturevalue("docker_backend")


@pytest.fixture
def sandbox(any_backend: Backend) -> Iterator[SandboxId]:
    """An id whose sandbox is removed at the end."""
    key = SandboxId(uuid.uuid4())
    yield key
    any_backend.remove(sandbox=key)


def bring_up(backend: Backend, sandbox: SandboxId, *nodes: NodeSpec) -> None:
    """Make a sandbox of these nodes and wait until their engines are ready."""
    backend.create_network(sandbox=sandbox)
    for node in nodes:
        backend.create_node(
            sandbox=sandbox, node=node, peers=tuple(n.name for n in nodes), limits=LIMITS, lease_seconds=600
        )

    async def wait(name: str) -> None:
        session = NodeSession(await backend.connect(sandbox=sandbox, node=name))
        await session.request("wait", {"service": "dockerd", "timeout_ms": 60_000}, timeout=61)
        await session.close()

    async def wait_for_all() -> None:
        await asyncio.gather(*(wait(node.name) for node in nodes))

    asyncio.run(wait_for_all())


def test_nothing_is_there_before_anything_was_made(any_backend: Backend, sandbox: SandboxId) -> None:
    assert sandbox not in any_backend.survey()
    assert not any_backend.survey(sandbox=sandbox)


def test_a_network_alone_is_seen_as_a_sandbox_without_nodes(any_backend: Backend, sandbox: SandboxId) -> None:
    any_backend.create_network(sandbox=sandbox)
    assert any_backend.survey(sandbox=sandbox) == {sandbox: {}}


def test_made_nodes_run_and_making_them_again_changes_nothing(any_backend: Backend, sandbox: SandboxId) -> None:
    bring_up(any_backend, sandbox, *NODES)
    bring_up(any_backend, sandbox, *NODES)
    nodes = any_backend.survey()[sandbox]
    assert {name: status.state for name, status in nodes.items()} == {
        "node1": NodeState.RUNNING,
        "node2": NodeState.RUNNING,
    }


def test_a_node_without_a_network_is_refused(any_backend: Backend, sandbox: SandboxId) -> None:
    with pytest.raises(EngineError):
        any_backend.create_node(sandbox=sandbox, node=NODES[0], peers=("node1",), limits=LIMITS, lease_seconds=600)


def test_removing_takes_everything_and_removing_again_is_no_error(any_backend: Backend, sandbox: SandboxId) -> None:
    bring_up(any_backend, sandbox, NODES[0])
    any_backend.remove(sandbox=sandbox)
    any_backend.remove(sandbox=sandbox)
    assert sandbox not in any_backend.survey()


def test_a_removed_or_unknown_node_cannot_be_connected_to(any_backend: Backend, sandbox: SandboxId) -> None:
    with pytest.raises(EngineError):
        asyncio.run(any_backend.connect(sandbox=sandbox, node="node1"))


def test_a_session_answers_many_requests_at_once(any_backend: Backend, sandbox: SandboxId) -> None:
    bring_up(any_backend, sandbox, NODES[0])

    async def ask() -> list[object]:
        session = NodeSession(await any_backend.connect(sandbox=sandbox, node="node1"))
        try:
            paths = ["/networks", "/containers/json?all=true", "/networks"]
            requests = (session.request("docker", {"method": "GET", "path": path}) for path in paths)
            return [answer["status"] for answer in await asyncio.gather(*requests)]
        finally:
            await session.close()

    assert asyncio.run(ask()) == [200, 200, 200]


def test_an_unknown_operation_is_refused_and_the_session_lives_on(any_backend: Backend, sandbox: SandboxId) -> None:
    bring_up(any_backend, sandbox, NODES[0])

    async def ask() -> object:
        session = NodeSession(await any_backend.connect(sandbox=sandbox, node="node1"))
        try:
            with pytest.raises(NodeRefusal) as refusal:
                await session.request("make-coffee", {})
            assert refusal.value.code == "bad-request"
            return await session.request("status", {})
        finally:
            await session.close()

    assert asyncio.run(ask())["hostname"] == "node1"


def test_a_shell_echoes_and_comes_back_with_its_scrollback(any_backend: Backend, sandbox: SandboxId) -> None:
    bring_up(any_backend, sandbox, NODES[0])

    async def read_until(word: bytes) -> bytes:
        stream = await open_shell(any_backend, sandbox, "node1", "1", cols=80, rows=24)
        seen = b""
        try:
            if stream.created:
                await stream.write_input(b"echo lab-is-open\r")
            async with asyncio.timeout(10):
                while word not in seen:
                    frame = await stream.read()
                    assert frame is not None
                    seen += frame.payload
        finally:
            await stream.close()
        return seen

    asyncio.run(read_until(b"lab-is-open"))
    assert b"lab-is-open" in asyncio.run(read_until(b"lab-is-open"))


def test_a_follower_is_greeted(any_backend: Backend, sandbox: SandboxId) -> None:
    bring_up(any_backend, sandbox, NODES[0])

    async def first() -> object:
        async with asyncio.timeout(10):
            async for event in follow_events(any_backend, sandbox, "node1"):
                return event["kind"]
        return None

    assert asyncio.run(first()) == "hello"
