"""Real nodes that lose their power and get it back: what Swarm, Docker and the learner's shells make of it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator

import pytest

from slipway.core.ids import SandboxId
from slipway.core.json import JSON, as_mapping, as_text
from slipway.sandboxes.backends.base import NodeLimits, NodeState
from slipway.sandboxes.backends.docker import DockerBackend
from slipway.sandboxes.nodes import NodeRefusal, NodeSession, ShellStream, follow_events, open_shell
from slipway.sandboxes.topology import NodeSpec
from tests.waiting import wait_until

pytestmark = pytest.mark.engine

LIMITS = NodeLimits(memory=768 * 2**20, disk=2048 * 2**20, cpus=2, pids=1024)
NAMES = ("node1", "node2", "node3")
NODES_OF_SWARM = "docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'"
TASKS = "docker service ps web --filter desired-state=running --format '{{.Node}} {{.CurrentState}}'"


class Cluster:
    """Three real nodes."""

    def __init__(self, backend: DockerBackend) -> None:
        self.backend = backend
        self.sandbox = SandboxId(uuid.uuid4())
        backend.create_network(sandbox=self.sandbox)
        for name in NAMES:
            backend.create_node(
                sandbox=self.sandbox, node=NodeSpec(name=name), peers=NAMES, limits=LIMITS, lease_seconds=1200
            )

    def ask(self, node: str, op: str, patience: float = 60, **params: JSON) -> dict[str, JSON]:
        """Ask a node's agent. Raises `NodeRefusal`."""

        async def request() -> JSON:
            session = NodeSession(await self.backend.connect(sandbox=self.sandbox, node=node))
            try:
                return await session.request(op, params, timeout=patience)
            finally:
                await session.close()
                await self.backend.disconnect()

        return dict(as_mapping(asyncio.run(request())))

    def ready(self, *nodes: str) -> None:
        """Wait until Docker serves on these nodes."""
        for node in nodes or NAMES:
            self.ask(node, "wait", service="dockerd", timeout_ms=60_000)

    def run(self, node: str, script: str) -> str:
        """Run a script that has to work; what it prints."""
        answer = self.ask(node, "run", 130, argv=["bash", "-c", script], timeout_ms=120_000)
        assert answer["exit_code"] == 0, answer
        return as_text(answer["stdout"]).strip()

    def unplug(self, node: str) -> None:
        """Pull a plug."""
        assert self.ask(node, "power", plugged=False) == {"plugged": False}

    def plug_in(self, node: str) -> None:
        """Put it in again."""
        assert self.ask(node, "power", plugged=True) == {"plugged": True}

    def swarm(self, manager: str) -> dict[str, str]:
        """How the nodes are, as a manager sees them; empty while it cannot tell."""
        answer = self.ask(manager, "run", 30, argv=["bash", "-c", NODES_OF_SWARM], timeout_ms=20_000)
        return {line.split()[0]: line.split(maxsplit=1)[1] for line in as_text(answer["stdout"]).splitlines()}

    def running_on(self, manager: str) -> list[str]:
        """On which nodes the service's tasks run."""
        lines = [line.split(maxsplit=1) for line in self.run(manager, TASKS).splitlines()]
        return sorted(node for node, state in lines if state.startswith("Running"))


@pytest.fixture
def cluster(docker_backend: DockerBackend) -> Iterator[Cluster]:
    """Three nodes, ready, removed at the end."""
    made = Cluster(docker_backend)
    yield made
    docker_backend.remove(sandbox=made.sandbox)


def make_swarm(cluster: Cluster, *, managers: int) -> None:
    """A swarm of all nodes, the first `managers` of them managers."""
    cluster.ready()
    cluster.run("node1", "docker swarm init")
    for number, node in enumerate(NAMES[1:], start=2):
        role = "manager" if number <= managers else "worker"
        token = cluster.run("node1", f"docker swarm join-token -q {role}")
        cluster.run(node, f"docker swarm join --token {token} node1:2377")


def test_a_workers_tasks_move_when_it_is_unplugged_and_it_comes_back_as_it_was(cluster: Cluster) -> None:
    make_swarm(cluster, managers=1)
    cluster.run("node1", "docker service create --detach --name web --replicas 3 nginx")
    wait_until(lambda: cluster.running_on("node1") == list(NAMES), seconds=60, what="a task on each node")
    cluster.run("node2", "echo kept > /root/kept; echo gone > /run/gone")
    cluster.run("node2", "docker run -d --name always --restart always nginx; docker run -d --name once nginx")
    identity = (
        "ip -4 -br address show eth0; ip route show default; docker info -f '{{.Swarm.NodeID}}'; docker images -q"
    )
    before = cluster.run("node2", identity)

    began = time.monotonic()
    cluster.unplug("node2")
    assert time.monotonic() - began < 5
    wait_until(lambda: cluster.swarm("node1")["node2"].startswith("Down"), seconds=40, what="node2 Down")
    print(f"unplugged; Down after {time.monotonic() - began:.1f} s")
    wait_until(lambda: len(cluster.running_on("node1")) == 3, seconds=30, what="three tasks elsewhere")
    assert "node2" not in cluster.running_on("node1")
    print(f"all tasks run elsewhere after {time.monotonic() - began:.1f} s")

    began = time.monotonic()
    cluster.plug_in("node2")
    wait_until(lambda: cluster.swarm("node1")["node2"].startswith("Ready"), seconds=40, what="node2 Ready")
    print(f"plugged in; Ready after {time.monotonic() - began:.1f} s")
    cluster.ready("node2")
    assert cluster.run("node2", identity) == before
    assert cluster.run("node2", "cat /root/kept; ls /run/gone 2>/dev/null || echo forgotten") == "kept\nforgotten"
    names = "docker ps --filter name=always --filter name=once --format '{{.Names}}'"
    wait_until(lambda: cluster.run("node2", names) == "always", seconds=20, what="the container that restarts")
    cluster.run("node1", "docker service scale --detach web=6")
    wait_until(lambda: cluster.running_on("node1").count("node2") >= 2, seconds=40, what="tasks on node2 again")
    assert cluster.run("node2", "ping -c1 -W2 node1 >/dev/null && echo reached") == "reached"


def test_the_leader_of_three_managers_may_be_unplugged(cluster: Cluster) -> None:
    make_swarm(cluster, managers=3)
    began = time.monotonic()
    cluster.unplug("node1")
    wait_until(lambda: "Leader" in str(cluster.swarm("node2")), seconds=60, what="a new leader")
    wait_until(lambda: cluster.swarm("node2").get("node1") == "Down Unreachable", seconds=60, what="node1 unreachable")
    print(f"a new leader says that the old one is unreachable after {time.monotonic() - began:.1f} s")
    cluster.run("node2", "docker service create --detach --name web --replicas 2 nginx")
    cluster.plug_in("node1")
    wait_until(lambda: cluster.swarm("node2").get("node1") == "Ready Reachable", seconds=60, what="node1 reachable")
    cluster.ready("node1")
    wait_until(lambda: len(cluster.running_on("node1")) == 2, seconds=60, what="node1 managing again")


def test_a_swarm_that_lost_its_quorum_has_it_again_when_a_manager_is_plugged_in(cluster: Cluster) -> None:
    make_swarm(cluster, managers=3)
    cluster.unplug("node2")
    cluster.unplug("node3")
    wait_until(lambda: cluster.swarm("node1") == {}, seconds=60, what="the loss of the quorum")
    cluster.plug_in("node3")
    wait_until(lambda: "Leader" in str(cluster.swarm("node1")), seconds=60, what="a quorum")


def test_power_may_go_while_a_node_boots_and_be_switched_on_and_off(cluster: Cluster) -> None:
    for _ in range(3):
        cluster.unplug("node1")
        cluster.unplug("node1")
        cluster.plug_in("node1")
        cluster.plug_in("node1")
    cluster.ready("node1")
    assert cluster.run("node1", "docker run --rm busybox echo works").endswith("works")


def test_an_unplugged_node_says_so_and_runs_on_for_its_engine(cluster: Cluster) -> None:
    cluster.ready("node2")
    cluster.unplug("node2")
    status = cluster.ask("node2", "status")
    assert status["plugged"] is False
    assert [as_mapping(service)["state"] for service in status["services"]] == ["down", "down"]  # type: ignore[union-attr]
    with pytest.raises(NodeRefusal) as refusal:
        cluster.run("node2", "true")
    assert (refusal.value.code, refusal.value.message) == ("unavailable", "node2 has no power.")
    assert cluster.ask("node1", "ping", address="node2", count=1, timeout_ms=1000)["received"] == 0
    assert cluster.backend.survey(sandbox=cluster.sandbox)[cluster.sandbox]["node2"].state is NodeState.RUNNING
    cluster.ask("node2", "lease", seconds=900)


async def test_a_shell_ends_with_the_power_and_a_new_one_opens_after_it(docker_backend: DockerBackend) -> None:
    cluster = await asyncio.to_thread(Cluster, docker_backend)
    try:
        await asyncio.to_thread(cluster.ready, "node1")
        shell = await open_shell(docker_backend, cluster.sandbox, "node1", "1", cols=80, rows=24)
        await shell.write_input(b"sleep 1000\r")
        events = asyncio.create_task(next_power(docker_backend, cluster.sandbox))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(cluster.unplug, "node1")
        assert await last_frame(shell) == (0x10, b'{"code":-1,"signal":"POWER"}')
        assert await events == {"kind": "power", "plugged": False}
        with pytest.raises(NodeRefusal):
            await open_shell(docker_backend, cluster.sandbox, "node1", "1", cols=80, rows=24)
        await asyncio.to_thread(cluster.plug_in, "node1")
        again = await open_shell(docker_backend, cluster.sandbox, "node1", "1", cols=80, rows=24)
        assert again.created
        await again.close()
    finally:
        await asyncio.to_thread(docker_backend.remove, sandbox=cluster.sandbox)


async def last_frame(shell: ShellStream) -> tuple[int, bytes]:
    """Read to the stream's end."""
    last = (0, b"")
    async with asyncio.timeout(15):
        while frame := await shell.read():
            last = (frame.opcode, frame.payload)
    return last


async def next_power(backend: DockerBackend, sandbox: SandboxId) -> object:
    """The next news of node1's power."""
    async with asyncio.timeout(30):
        async for event in follow_events(backend, sandbox, "node1"):
            if event["kind"] == "power":
                return event
    return None
