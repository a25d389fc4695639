"""`make bench`: prints what this machine does. Bounded in count and time; ends everything it started."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Iterable
from datetime import datetime

import docker
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from slipway.core.ids import SandboxId
from tests.bench import echo, mesh, picture
from tests.bench.lab import COMMANDS
from tests.browsing import Visitor
from tests.engine.rows import ready_attempt, sandbox_row
from tests.live import LivePlatform
from tests.terminal import LiveTerminal

STARTS = 5
CHECKS = 5
GROWTH = (1, 5, 10, 20)
_CONSOLE = Console()


def main() -> None:
    """Measure everything on a fresh installation of our own."""
    platform = LivePlatform({"SLIPWAY_CAPACITY_NODES": "64"})
    try:
        platform.start()
        cold_starts(platform)
        visitor = Visitor.as_guest(platform)
        attempt = ready_attempt(platform, visitor)
        sandbox = sandbox_row(platform, attempt).sandbox
        asyncio.run(terminals(platform, visitor, sandbox))
        asyncio.run(check_latency(platform, visitor, attempt, sandbox))
        found = asyncio.run(picture.latencies(platform, visitor, attempt, sandbox))
        rows = [[command, *_spread(shown)] for command, shown in found.items()]
        show(f"The picture after a command, ms, {picture.RUNS} runs", ["command", "min", "median", "max"], rows)
        swarm_mesh(platform, sandbox)
        visitor.post(f"/attempts/{attempt}/stop", {})
        costs = [[str(c.sandboxes), f"{c.memory:.0f}", f"{c.cpu:.1f}"] for c in picture.idle_costs(platform)]
        show("The observer with idle sandboxes", ["sandboxes", "MiB", "CPU %"], costs)
        growth(platform)
    finally:
        platform.stop()
        platform.remove()


def show(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print one table."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    _CONSOLE.print(table)


def cold_starts(platform: LivePlatform) -> None:
    """Start the two-node lab a few times, one after the other, and print each phase's median."""
    runs: list[dict[str, int]] = []
    for _ in range(STARTS):
        visitor = Visitor.as_guest(platform)
        attempt = ready_attempt(platform, visitor)
        sandbox = sandbox_row(platform, attempt).sandbox
        ((phases,),) = platform.rows("SELECT phases FROM sandboxes_sandbox WHERE id = ?", sandbox.hex)
        runs.append({phase["name"]: phase["ms"] for phase in json.loads(str(phases))})
        visitor.post(f"/attempts/{attempt}/stop", {})
    rows = [[name, *_spread([run[name] for run in runs])] for name in runs[0]]
    rows.append(["all", *_spread([sum(run.values()) for run in runs])])
    show(f"Cold start of two nodes, ms, {STARTS} runs", ["phase", "min", "median", "max"], rows)


def _spread(values: list[int]) -> list[str]:
    return [str(min(values)), f"{statistics.median(values):.0f}", str(max(values))]


async def terminals(platform: LivePlatform, visitor: Visitor, sandbox: SandboxId) -> None:
    """Echo and flood of our terminal beside the plain and the public way."""
    plain = await echo.through_exec(platform, sandbox, "node1")
    measured = [
        await echo.through_slipway(platform, visitor, sandbox, "node1"),
        plain,
        await echo.through_terminado(platform, sandbox, "node1"),
    ]
    show(
        f"Terminals: echo of {echo.KEYS} keys, flood of {echo.FLOOD_BYTES // 2**20} MiB",
        ["way", "p50 ms", "p99 ms", "MB/s", "p50 over exec", "MB/s ÷ exec"],
        [
            [
                m.name,
                f"{m.p50:.2f}",
                f"{m.p99:.2f}",
                f"{m.rate:.1f}",
                f"{m.p50 - plain.p50:+.2f} ms",
                f"{m.rate / plain.rate:.2f}",
            ]
            for m in measured
        ],
    )


async def check_latency(platform: LivePlatform, visitor: Visitor, attempt: str, sandbox: SandboxId) -> None:
    """From the end of a command in the terminal to the event that turns its check green on the page."""
    ((text,),) = platform.rows("SELECT parameters FROM attempts_attempt WHERE id = ?", attempt.replace("-", ""))
    parameters = json.loads(str(text))
    overview = await _overview(platform, visitor, attempt)
    times = []
    for step, command in _commands(parameters):
        if step not in {s["slug"] for s in overview["steps"]}:
            continue
        visitor.post(f"/attempts/{attempt}/step", {"step": step})
        times += await _until_green(platform, visitor, attempt, sandbox, command)
    if times:
        spread = [f"{value:.2f}" for value in (min(times), statistics.median(times), max(times))]
        show(
            "From a command's end to the green tick, s",
            ["checks", "min", "median", "max"],
            [[str(len(times)), *spread]],
        )


def _commands(parameters: dict[str, object]) -> list[tuple[str, str]]:
    """Steps of the lab with a command that makes a check of theirs hold."""
    return [(step, command.format(**parameters)) for step, command in COMMANDS]


async def _overview(platform: LivePlatform, visitor: Visitor, attempt: str) -> dict[str, list[dict[str, object]]]:
    async with _events(platform, visitor, attempt) as events:
        first: dict[str, list[dict[str, object]]] = json.loads(await events.recv())
        return first


def _events(platform: LivePlatform, visitor: Visitor, attempt: str) -> connect:
    url = f"ws://localhost:{platform.port}/ws/attempts/{attempt}/"
    return connect(url, additional_headers={"Cookie": visitor.cookies}, origin=platform.url)


async def _until_green(
    platform: LivePlatform, visitor: Visitor, attempt: str, sandbox: SandboxId, command: str
) -> list[float]:
    async with (
        _events(platform, visitor, attempt) as events,
        LiveTerminal(platform, visitor, sandbox, "node1", "bench2") as terminal,
    ):
        mark = f"done-{time.monotonic_ns()}"
        await terminal.type(f"{command}; echo {mark[:4]}''{mark[4:]}\r")
        await terminal.read_until(mark, seconds=60)
        ended = time.monotonic()
        async with asyncio.timeout(20):
            while True:
                event = json.loads(await events.recv())
                if event["type"] == "checks" and any(r["outcome"] == "passed" for r in event["results"]):
                    return [max(0.0, time.monotonic() - ended)]


def swarm_mesh(platform: LivePlatform, sandbox: SandboxId) -> None:
    """Published ports of a swarm on the sandbox's nodes: what the way through the mesh costs, how soon rules follow."""
    nodes = mesh.prepare(platform, sandbox)
    show(
        f"Swarm's mesh, {mesh.WORKERS} requests at a time",
        ["way", "requests/s", "p50 ms", "p99 ms", "failed"],
        [[w.name, f"{w.per_second:.0f}", f"{w.p50:.2f}", f"{w.p99:.2f}", str(w.failures)] for w in mesh.ways(nodes)],
    )
    show(
        "docker service scale, s until",
        ["scale", "tasks", "rules on the other node"],
        [[f.name, f"{f.tasks:.2f}", f"{f.rules:.2f}"] for f in mesh.follow(nodes)],
    )


def growth(platform: LivePlatform) -> None:
    """Idle memory and CPU, and the time to start one more, with 1 to 20 sandboxes."""
    client = docker.DockerClient(platform.docker_host)
    rows = []
    held: list[tuple[Visitor, str]] = []
    for count in GROWTH:
        began = time.monotonic()
        last = 0.0
        while len(held) < count:
            visitor = Visitor.as_guest(platform)
            one = time.monotonic()
            held.append((visitor, ready_attempt(platform, visitor)))
            last = time.monotonic() - one
        settle = time.monotonic() + 10
        while time.monotonic() < settle:
            time.sleep(1)
        memory, cpu = _nodes_use(client)
        rows.append([str(count), f"{last:.2f}", f"{memory:.0f}", f"{cpu:.2f}", f"{time.monotonic() - began:.0f}"])
    show(
        "Growth",
        ["sandboxes", "last start s", "MiB a node (idle)", "CPU % a node (idle)", "s in all"],
        rows,
    )
    for visitor, attempt in held:
        visitor.post(f"/attempts/{attempt}/stop", {})
    client.close()


def _nodes_use(client: docker.DockerClient, seconds: float = 5.0) -> tuple[float, float]:
    """Medians over all nodes: MiB without page cache, and per cent of one CPU over so many seconds."""
    nodes = client.containers.list(filters={"label": "slipway.node"})
    first = {node.id: node.stats(stream=False, one_shot=True) for node in nodes}
    time.sleep(seconds)
    memory, cpu = [], []
    for node in nodes:
        now = node.stats(stream=False, one_shot=True)
        stats = now["memory_stats"]
        details = stats.get("stats", {})
        memory.append((stats["usage"] - details.get("cache", details.get("file", 0))) / 2**20)
        before = first[node.id]
        used = now["cpu_stats"]["cpu_usage"]["total_usage"] - before["cpu_stats"]["cpu_usage"]["total_usage"]
        # Asking dozens of nodes takes seconds itself: what counts is when each was read.
        passed = datetime.fromisoformat(now["read"][:26]) - datetime.fromisoformat(before["read"][:26])
        cpu.append(used / (passed.total_seconds() * 1e9) * 100)
    return statistics.median(memory), statistics.median(cpu)


if __name__ == "__main__":
    main()
