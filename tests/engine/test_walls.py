"""What surrounds a node: no way to the machine, the internet or another sandbox, and neighbours that go on working.

Addresses outside are stand-ins from blocks kept for documentation; nothing but our own containers is ever reached.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator, Mapping

import pytest

from slipway.core.errors import EngineError
from slipway.core.ids import SandboxId
from slipway.core.json import JSON, as_mapping, as_text
from slipway.sandboxes.backends.docker import DockerBackend
from slipway.sandboxes.nodes import NodeSession
from slipway.sandboxes.topology import NodeSpec
from tests.engine.test_backend_contract import bring_up

pytestmark = pytest.mark.engine

# What a learner who is root would try before believing it.
_BREAK_OUT = """
ip rule del pref 1000; ip rule del pref 1001
gateway=$(ip route show default | awk '{print $3}')
ip neigh replace "$gateway" lladdr ff:ff:ff:ff:ff:ff dev eth0 nud permanent
ip route replace default via "$gateway" dev eth0 onlink
ip route replace 10.128.0.0/11 dev eth0
iptables -F; iptables -t nat -F; true
"""


@pytest.fixture(scope="module")
def two_sandboxes(docker_backend: DockerBackend) -> Iterator[tuple[SandboxId, SandboxId]]:
    """Two sandboxes of one node each."""
    ids = (SandboxId(uuid.uuid4()), SandboxId(uuid.uuid4()))
    for sandbox in ids:
        bring_up(docker_backend, sandbox, NodeSpec(name="node1"))
    yield ids
    for sandbox in ids:
        docker_backend.remove(sandbox=sandbox)


@pytest.fixture
def victim(docker_backend: DockerBackend) -> Iterator[SandboxId]:
    """A sandbox of one node, for one test to ruin."""
    sandbox = SandboxId(uuid.uuid4())
    bring_up(docker_backend, sandbox, NodeSpec(name="node1"))
    yield sandbox
    docker_backend.remove(sandbox=sandbox)


async def ask(backend: DockerBackend, sandbox: SandboxId, op: str, **params: JSON) -> Mapping[str, JSON]:
    """One question to node1 of a sandbox."""
    session = NodeSession(await backend.connect(sandbox=sandbox, node="node1"))
    try:
        return as_mapping(await session.request(op, params, timeout=40))
    finally:
        await session.close()


async def sh(backend: DockerBackend, sandbox: SandboxId, script: str) -> str:
    """What a shell script prints in node1 of a sandbox."""
    answer = await ask(backend, sandbox, "run", argv=["bash", "-c", script], timeout_ms=30_000)
    return as_text(answer.get("stdout")).strip()


def own_addresses() -> list[str]:
    """The machine's own IPv4 addresses."""
    printed = subprocess.run(["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True).stdout
    return [line.split()[3].partition("/")[0] for line in printed.splitlines()]


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of something on the machine that would answer anybody who reaches it."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


@pytest.mark.parametrize("rooted", [False, True], ids=["as it is", "after a break-out"])
async def test_a_node_reaches_neither_the_machine_nor_the_internet_nor_another_sandbox(
    docker_backend: DockerBackend, two_sandboxes: tuple[SandboxId, SandboxId], listener: int, *, rooted: bool
) -> None:
    inside, other = two_sandboxes
    await sh(docker_backend, other, "setsid nc -lk 0.0.0.0 8080 >/dev/null 2>&1 </dev/null & sleep 0.2")
    others_address = await sh(docker_backend, other, "hostname -I | cut -d' ' -f1")
    assert (await ask(docker_backend, other, "tcp", address=f"{others_address}:8080"))["open"]
    gateway = await sh(docker_backend, inside, "ip route show default | awk '{print $3}'")
    if rooted:
        await sh(docker_backend, inside, _BREAK_OUT)
    addresses = [f"{address}:{listener}" for address in (*own_addresses(), gateway)]
    addresses += ["169.254.169.254:80", "192.0.2.1:443", "198.51.100.1:53", f"{others_address}:8080"]
    for address in addresses:
        answer = await ask(docker_backend, inside, "tcp", address=address, timeout_ms=1500)
        assert not answer["open"], f"{address} answered"


@pytest.mark.parametrize(
    ("harm", "sign"),
    [
        (":(){ :|:& };: & sleep 3; echo fork bomb", "fork bomb"),
        ("head -c 20G /dev/zero > /var/lib/fill; df --output=pcent / | tail -1", "100%"),
        ("tail /dev/zero; echo killed-$?", "killed"),
    ],
    ids=["fork bomb", "full disk", "memory hog"],
)
async def test_a_neighbour_goes_on_working_while_a_node_is_abused(
    docker_backend: DockerBackend, two_sandboxes: tuple[SandboxId, SandboxId], victim: SandboxId, harm: str, sign: str
) -> None:
    _, neighbour = two_sandboxes
    abuse = asyncio.create_task(sh(docker_backend, victim, harm))
    for number in range(5):
        script = f"echo {number} >/var/lib/mine && docker run --rm busybox true && cat /var/lib/mine"
        assert await sh(docker_backend, neighbour, script) == str(number)
    try:
        assert sign in await abuse
    except EngineError:
        assert sign == "fork bomb"  # a node without a free process may not answer; that harms nobody else
