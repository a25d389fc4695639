"""The machines of a running lab, for tests that do on them what a learner would, and what a picture of them shows."""

from __future__ import annotations

from collections import Counter

from slipway.core.ids import SandboxId
from slipway.core.json import as_mapping, as_text
from slipway.sandboxes.backends.docker import DockerBackend
from slipway.sandboxes.nodes import NodeSessions
from tests.picture import Picture


class Machines:
    """The attempt's nodes, for commands whose end is waited for."""

    def __init__(self, backend: DockerBackend, sandbox: SandboxId) -> None:
        self._backend = backend
        self._sandbox = sandbox
        self.sessions = NodeSessions(backend)

    async def run(self, node: str, command: str) -> str:
        """Run a command that must work; returns what it prints."""
        params = {"argv": ["bash", "-c", command], "timeout_ms": 120_000}
        done = as_mapping(await self.sessions.request(self._sandbox, node, "run", params, timeout=125))
        assert done["exit_code"] == 0, f"{command}: {done}"
        return as_text(done["stdout"]).strip()

    async def make_swarm(self, *workers: str) -> None:
        """Node1 leads, the others work."""
        await self.run("node1", "docker swarm init --advertise-addr eth0")
        token = await self.run("node1", "docker swarm join-token -q worker")
        for worker in workers or ("node2",):
            await self.run(worker, f"docker swarm join --token {token} node1:2377")

    async def leave(self) -> None:
        """Let go of the engine, on the event loop that asked."""
        await self.sessions.close()
        await self._backend.disconnect()


def container(picture: Picture, name: str) -> dict[str, object]:
    """The container of that name, or nothing."""
    return next((each for each in picture["containers"] if each["name"] == name), {})


def running(picture: Picture) -> Counter[str]:
    """How many tasks run on each node."""
    return Counter(task["node"] for task in picture["tasks"] if task["state"] == "running")


def unsettled(picture: Picture) -> list[str]:
    """Tasks that are not where they should be."""
    return [task["id"] for task in picture["tasks"] if task["desired"] == "running" and task["state"] != "running"]
