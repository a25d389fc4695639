"""How soon the picture shows what a command did, and what the observer costs for each sandbox that it follows."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from slipway.core.ids import SandboxId
from slipway.core.json import as_mapping, as_text
from slipway.sandboxes.backends.docker import DockerBackend
from slipway.sandboxes.nodes import NodeSessions
from tests.browsing import Visitor
from tests.engine.rows import ready_attempt
from tests.live import LivePlatform
from tests.picture import LivePicture

RUNS = 10
FOLLOWED = (0, 1, 3, 6)
SECONDS = 20


async def latencies(platform: LivePlatform, visitor: Visitor, attempt: str, sandbox: SandboxId) -> dict[str, list[int]]:
    """Milliseconds from the end of a command on node1 to the picture that shows what it did, by command."""
    sessions = NodeSessions(DockerBackend(platform.docker_host, installation="bench"))
    found: dict[str, list[int]] = {"docker run": [], "docker rm -f": [], "docker network create": []}

    async def run(command: str) -> None:
        params = {"argv": ["bash", "-c", command], "timeout_ms": 60_000}
        done = as_mapping(await sessions.request(sandbox, "node1", "run", params, timeout=65))
        assert done["exit_code"] == 0, as_text(done["stderr"])

    async with LivePicture(platform, visitor, attempt) as page:
        for number in range(RUNS):
            name = f"bench{number}"
            await run(f"docker run -d --name {name} nginx")
            shown = await page.until(
                lambda now, name=name: any(c["name"] == name and c["state"] == "running" for c in now["containers"])
            )
            found["docker run"].append(round(shown * 1000))
            await run(f"docker rm -f {name}")
            shown = await page.until(lambda now, name=name: all(c["name"] != name for c in now["containers"]))
            found["docker rm -f"].append(round(shown * 1000))
            await run(f"docker network create {name}")
            shown = await page.until(lambda now, name=name: any(n["name"] == name for n in now["networks"]))
            found["docker network create"].append(round(shown * 1000))
            await run(f"docker network rm {name}")
    await sessions.close()
    return found


@dataclass(frozen=True)
class Cost:
    """The observer with so many idle sandboxes of two nodes: MiB, and per cent of one CPU."""

    sandboxes: int
    memory: float
    cpu: float


def idle_costs(platform: LivePlatform) -> list[Cost]:
    """What the observer uses while nothing happens; ends the sandboxes that it started."""
    held: list[tuple[Visitor, str]] = []
    costs = []
    for count in FOLLOWED:
        while len(held) < count:
            visitor = Visitor.as_guest(platform)
            held.append((visitor, ready_attempt(platform, visitor)))
        time.sleep(5)
        pid = platform.child_pid("observer")
        before = _cpu_seconds(pid)
        time.sleep(SECONDS)
        costs.append(Cost(count, _resident(pid), 100 * (_cpu_seconds(pid) - before) / SECONDS))
    for visitor, attempt in held:
        visitor.post(f"/attempts/{attempt}/stop", {})
    return costs


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
