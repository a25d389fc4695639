"""What Swarm's mesh costs on nodes without IPVS, and how soon its rules follow: `meshtool` asks from inside the nodes.

The way through a published port is compared with the direct one to the same task over the same overlay.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container

from slipway.core.ids import SandboxId
from slipway.operations.images.binaries import build_program
from slipway.sandboxes.backends.docker import container_name
from tests.live import ROOT, LivePlatform

SECONDS = 5
WORKERS = 8
TASKS = 10
_PUBLISHED = "http://127.0.0.1:8080/"
_SANDBOX = "/run/docker/netns/ingress_sbox"


@dataclass(frozen=True)
class Way:
    """Requests a second one way, and how long they took, in milliseconds."""

    name: str
    per_second: float
    p50: float
    p99: float
    failures: int


@dataclass(frozen=True)
class Followed:
    """How long after `docker service scale` the tasks were as asked for, and the other node's rules, in seconds."""

    name: str
    tasks: float
    rules: float


def prepare(platform: LivePlatform, sandbox: SandboxId) -> list[Container]:
    """Make a swarm of the lab's two nodes, with a service whose one task is on the first; the nodes."""
    client = docker.DockerClient(platform.docker_host)
    nodes: list[Container] = [client.containers.get(container_name(sandbox, name)) for name in ("node1", "node2")]
    tool = build_program(ROOT / "platform/node/agent", "./nodetest/meshtool", platform.var / "bench")
    image = "tar -C /usr/local/bin -c meshtool | docker import --change 'ENTRYPOINT [\"/meshtool\"]' - meshtool:1"
    for node in nodes:
        node.put_archive("/usr/local/bin", _archive(tool))
        _run(node, image)
    address = _run(nodes[0], "hostname -i | cut -d' ' -f1")
    _run(nodes[0], f"docker swarm leave --force >/dev/null 2>&1; docker swarm init --advertise-addr {address}")
    token = _run(nodes[0], "docker swarm join-token -q worker")
    _run(nodes[1], f"docker swarm join --token {token} {address}:2377")
    create = "docker service create -d --name web --publish 8080:80 --constraint node.hostname==node1 meshtool:1 serve"
    _run(nodes[0], create)
    _wait(lambda: _balanced(nodes[1]) == 1)
    return nodes


def ways(nodes: list[Container]) -> list[Way]:
    """Load from the node without the task: new connections and kept ones, through the mesh and past it."""
    inspect = "docker network inspect -v ingress --format '{{json .Services}}'"
    task = json.loads(_run(nodes[1], inspect))["web"]["Tasks"][0]["EndpointIP"]
    past = f"nsenter --net={_SANDBOX} "
    return [
        _load(nodes[1], f"{name}, {kind} connections", prefix, f"{keep} {url}")
        for kind, keep in (("new", ""), ("kept", "-keep"))
        for name, prefix, url in (
            ("published port", "", _PUBLISHED),
            ("task, directly", past, f"http://{task}:80/"),
        )
    ]


def follow(nodes: list[Container]) -> list[Followed]:
    """Scale up and down and watch the rules of the node that has no task."""
    return [_follow(nodes, before, after) for before, after in ((1, TASKS), (TASKS, 1))]


def _follow(nodes: list[Container], before: int, after: int) -> Followed:
    began = time.monotonic()
    _run(nodes[0], f"docker service scale -d web={after}")
    tasks = rules = 0.0
    while not (tasks and rules) and time.monotonic() - began < 60:
        if not tasks and _run(nodes[0], "docker ps -q --filter status=running | wc -l") == str(after):
            tasks = time.monotonic() - began
        if not rules and _balanced(nodes[1]) == after:
            rules = time.monotonic() - began
    return Followed(f"{before} to {after}", tasks, rules)


def _balanced(node: Container) -> int:
    """Over how many tasks the published port is balanced by a node's rules."""
    listed = f"nsenter --net={_SANDBOX} nft list chain ip slipway_mesh prerouting 2>/dev/null"
    line = next((line for line in _run(node, f"{listed} || true").splitlines() if "dport 8080" in line), "")
    return len(set(re.findall(r"\b10(?:\.\d+){3}\b", line)))


def _load(node: Container, name: str, prefix: str, arguments: str) -> Way:
    said = json.loads(_run(node, f"{prefix}meshtool load -for {SECONDS}s -workers {WORKERS} {arguments}"))
    return Way(name, said["per_second"], said["p50_ms"], said["p99_ms"], len(said["failures"]))


def _run(node: Container, script: str) -> str:
    status, output = node.exec_run(["bash", "-c", script])
    assert status == 0, f"{script}: {output.decode(errors='replace')}"
    return str(output.decode()).strip()


def _wait(ready: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "the rules did not come"
        time.sleep(0.1)


def _archive(tool: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo("meshtool")
        info.size, info.mode = tool.stat().st_size, 0o755
        with tool.open("rb") as content:
            archive.addfile(info, content)
    return packed.getvalue()
