"""`make bench`: prints what this machine does. Bounded in count and time; ends everything it started.

`python -m tests.bench PART…` measures only these parts; `PARTS` names them.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import docker
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from slipway.core.ids import SandboxId
from tests.bench import echo, kubernetes, mesh, picture
from tests.bench.lab import COMMANDS
from tests.browsing import Visitor
from tests.engine.rows import LAB, ready_attempt, sandbox_row
from tests.live import LivePlatform
from tests.terminal import LiveTerminal
from tests.waiting import wait_until

KUBERNETES_LAB = "kubernetes-on-your-own"
STARTS = 5
CHECKS = 5
GROWTH = (1, 5, 10, 20)
_CONSOLE = Console()


def main(parts: Sequence[str]) -> None:
    """Measure these parts, or everything, on a fresh installation of our own."""
    platform = LivePlatform({"SLIPWAY_CAPACITY_NODES": "64"})
    try:
        platform.start()
        for part in parts or PARTS:
            PARTS[part](platform)
    finally:
        platform.stop()
        platform.remove()


def docker_labs(platform: LivePlatform) -> None:
    """Labs with Docker machines: starts, terminals, checks, the picture, Swarm's mesh, and many at once."""
    cold_starts(platform, LAB, "two nodes")
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


def show(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print one table."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    _CONSOLE.print(table)


def cold_starts(platform: LivePlatform, lab: str, what: str) -> None:
    """Start a lab a few times, one after the other, and print each phase's median; `what` are its machines."""
    runs = [_cold_start(platform, lab) for _ in range(STARTS)]
    rows = [[name, *_spread([run[name] for run in runs])] for name in runs[0]]
    rows.append(["all", *_spread([sum(run.values()) for run in runs])])
    show(f"Cold start of {what} from the learner's click, ms, {STARTS} runs", ["phase", "min", "median", "max"], rows)


def _cold_start(platform: LivePlatform, lab: str) -> dict[str, int]:
    visitor = Visitor.as_guest(platform)
    attempt = ready_attempt(platform, visitor, lab)
    sandbox = sandbox_row(platform, attempt).sandbox
    ((phases,),) = platform.rows("SELECT phases FROM sandboxes_sandbox WHERE id = ?", sandbox.hex)
    visitor.post(f"/attempts/{attempt}/stop", {})
    # The next start is not to share the machine with this one's end.
    wait_until(lambda: sandbox_row(platform, attempt).state == "gone", seconds=60, what="the sandbox's end")
    return {phase["name"]: phase["ms"] for phase in json.loads(str(phases))}


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


def kubernetes_starts(platform: LivePlatform) -> None:
    """A cluster of three from the learner's click, from nothing by part, and what it takes when idle."""
    with kubernetes.room_for_clusters(platform):
        cold_starts(platform, KUBERNETES_LAB, "a Kubernetes cluster of three")
        took, memory = kubernetes.starts(platform)
    show(
        f"A Kubernetes cluster of three, s, {kubernetes.ROUNDS} runs, {_load()}",
        ["from nothing until", "min", "median", "max"],
        _seconds(took),
    )
    rows = [[node.node, f"{node.total:.0f}", node.largest] for node in memory]
    rows.append(["the cluster", f"{sum(node.total for node in memory):.0f}", ""])
    show(
        f"Memory {kubernetes.SETTLE_SECONDS} s later, MiB, shared pages counted once",
        ["node", "all processes", "the largest"],
        rows,
    )


def beside_kubeadm(platform: LivePlatform) -> None:
    """Our start of a cluster beside `kubeadm init` and two joins in the same nodes."""
    with kubernetes.room_for_clusters(platform):
        ours, theirs = kubernetes.by_kubeadm(platform)
    mine, whole = ours["kubernetes ready"], theirs["DNS answers"]
    ratio = statistics.median(whole) / statistics.median(mine)
    rows = [[*row, ""] for row in _seconds({f"kubeadm: {what}": runs for what, runs in theirs.items()})]
    rows[-1][-1] = f"{ratio:.1f}"
    (own,) = _seconds({"ours: all of it, the nodes' own start too": mine})
    show(
        f"Three nodes Ready and DNS answering beside kubeadm in the same nodes, s, {kubernetes.ROUNDS} runs, {_load()};"
        " what kubeadm finds there already (nodes, containerd, images, the pods' network) is not counted",
        ["until", "min", "median", "max", "÷ ours"],
        [[*own, "1"], *rows],
    )


def kubernetes_crowd(platform: LivePlatform) -> None:
    """How many clusters the machine carries before requests to a control plane take twice as long."""
    with kubernetes.room_for_clusters(platform):
        found = kubernetes.crowd(platform)
    show(
        f"Requests to one control plane, ms over {kubernetes.ASKED_SECONDS} s, beside idle clusters",
        ["clusters", "p50", "p99", "MiB available", "load"],
        [[str(c.clusters), f"{c.p50:.1f}", f"{c.p99:.1f}", f"{c.available:.0f}", f"{c.load:.1f}"] for c in found],
    )
    if found[-1].p99 >= 2 * found[0].p99:
        _CONSOLE.print(f"{len(found) - 1} clusters fit before the p99 doubles")
    else:
        _CONSOLE.print(f"The p99 has not doubled with {len(found)} clusters")


def kubernetes_steadiness(platform: LivePlatform) -> None:
    """Whether nodes seem to be lost while some of several clusters are loaded."""
    with kubernetes.room_for_clusters(platform):
        found = kubernetes.steadiness(platform)
    show(
        f"{kubernetes.STEADY_CLUSTERS} clusters, {kubernetes.LOADED_CLUSTERS} loaded for {kubernetes.STEADY_SECONDS} s",
        ["Ready after s, one by one", "nodes that seemed lost", "slowest kubectl get, s", "load"],
        [[" ".join(f"{s:.1f}" for s in found.starts), str(found.lost), f"{found.slowest:.1f}", f"{found.load:.1f}"]],
    )


def _seconds(took: Mapping[str, list[float]]) -> list[list[str]]:
    return [
        [what, *(f"{value:.2f}" for value in (min(runs), statistics.median(runs), max(runs)))]
        for what, runs in took.items()
    ]


def _load() -> str:
    """The machine's load now, since others may use it too."""
    return f"load {os.getloadavg()[0]:.1f}"


PARTS: Mapping[str, Callable[[LivePlatform], None]] = {
    "docker": docker_labs,
    "kubernetes": kubernetes_starts,
    "crowd": kubernetes_crowd,
    "steady": kubernetes_steadiness,
    "kubeadm": beside_kubeadm,
}


if __name__ == "__main__":
    main(sys.argv[1:])
