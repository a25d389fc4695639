"""Kubernetes clusters for tests: made by the backend alone, from nothing, with the time that each part took."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import docker.errors

from slipway.core.ids import SandboxId
from slipway.core.json import JSON, as_int, as_mapping, as_text
from slipway.sandboxes.backends.base import ClusterPlace
from slipway.sandboxes.backends.docker import DockerBackend, container_name
from slipway.sandboxes.backends.docker_node import KUBERNETES_IMAGE
from slipway.sandboxes.nodes import NodeSession
from slipway.sandboxes.tasks import limits_of
from slipway.sandboxes.topology import NodeKind, NodeSpec, Topology
from tests.live import LivePlatform
from tests.waiting import wait_until

THREE = Topology(
    nodes=(
        NodeSpec(name="control", kind=NodeKind.KUBERNETES_CONTROL),
        NodeSpec(name="worker1", kind=NodeKind.KUBERNETES_WORKER),
        NodeSpec(name="worker2", kind=NodeKind.KUBERNETES_WORKER),
    )
)
_IMAGE_SECONDS = 300  # the programs are built before the tests; only putting them into the engine is left


def wait_for_image(platform: LivePlatform) -> None:
    """Wait until the installation has put the image of Kubernetes nodes into its engine."""
    client = docker.DockerClient(platform.docker_host)

    def there() -> bool:
        try:
            client.images.get(KUBERNETES_IMAGE)
        except docker.errors.ImageNotFound:
            return False
        return True

    try:
        wait_until(there, seconds=_IMAGE_SECONDS, what="the image of Kubernetes nodes")
    finally:
        client.close()


class Cluster:
    """One sandbox with a Kubernetes cluster, and ways to ask it."""

    def __init__(self, backend: DockerBackend, topology: Topology = THREE) -> None:
        self.backend = backend
        self.sandbox = SandboxId(uuid.uuid4())
        self.topology = topology
        self.took: dict[str, float] = {}
        self._runner = asyncio.Runner()

    def start(self, *, lease_seconds: int = 3600) -> Cluster:
        """From nothing to every node Ready and names answered; without our doing it ends after `lease_seconds`."""
        began = time.monotonic()
        place = ClusterPlace(members=self.topology.cluster, secret=uuid.uuid4().hex * 2)
        self.backend.create_network(sandbox=self.sandbox)

        def create(node: NodeSpec) -> None:
            self.backend.create_node(
                sandbox=self.sandbox,
                node=node,
                peers=self.topology.names,
                limits=limits_of(node),
                lease_seconds=lease_seconds,
                cluster=place,
            )

        with ThreadPoolExecutor() as pool:
            list(pool.map(create, self.topology.nodes))
        self.took["nodes running"] = time.monotonic() - began
        for service in ("containerd", "etcd", "kube-apiserver", "kubelet", "kubernetes"):
            self.ask("control", "wait", {"service": service, "timeout_ms": 180_000}, patience=185)
            self.took[f"{service} ready"] = time.monotonic() - began
        return self

    def processes(self, node: str) -> Iterator[tuple[int, str]]:
        """A node's processes and those of what runs in it: their pids on this machine, and what they are called."""
        client = docker.APIClient(self.backend.url)
        try:
            container = client.inspect_container(container_name(self.sandbox, node))["Id"]
        finally:
            client.close()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if container in (folder / "cgroup").read_text():
                    yield int(folder.name), (folder / "comm").read_text().strip()
            except OSError:
                continue  # it has ended

    def pid(self, node: str) -> int:
        """The pid on this machine of the node's first process."""
        inside = {
            pid: Path(f"/proc/{pid}/status").read_text() for pid, name in self.processes(node) if "slipway" in name
        }
        return next(pid for pid, status in inside.items() if re.search(r"^NSpid:.*\t1$", status, re.MULTILINE))

    def remove(self) -> None:
        """Remove everything."""
        self.backend.remove(sandbox=self.sandbox)
        self._runner.run(self.backend.disconnect())
        self._runner.close()

    def ask(self, node: str, op: str, params: Mapping[str, JSON], *, patience: float = 65) -> Mapping[str, JSON]:
        """One question to a node."""

        async def put() -> Mapping[str, JSON]:
            session = NodeSession(await self.backend.connect(sandbox=self.sandbox, node=node))
            try:
                return as_mapping(await session.request(op, params, timeout=patience))
            finally:
                await session.close()

        return self._runner.run(put())

    def sh(self, node: str, script: str, *, stdin: str = "") -> str:
        """What a shell script prints on a node; fails with what it said when it does not succeed."""
        answer = self.ask(
            node, "run", {"argv": ["bash", "-c", script], "timeout_ms": 60_000, "stdin": stdin, "max_output": 262_144}
        )
        assert answer.get("exit_code") == 0, f"{script}: {answer}"
        return as_text(answer.get("stdout"), limit=262_144).strip()

    def succeeds(self, node: str, script: str) -> bool:
        """Whether a shell script succeeds."""
        answer = self.ask(node, "run", {"argv": ["bash", "-c", script], "timeout_ms": 20_000})
        return answer.get("exit_code") == 0

    def apply(self, manifest: str) -> None:
        """`kubectl apply`."""
        self.sh("control", "kubectl apply -f -", stdin=manifest)

    def get(self, what: str) -> Mapping[str, JSON]:
        """`kubectl get WHAT -o json`."""
        return as_mapping(json.loads(self.sh("control", f"kubectl get {what} -o json")))

    def losses(self) -> int:
        """How often a node that was Ready no longer was, by the cluster's own events."""
        path, which = "{range .items[*]}{.count} {end}", "reason=NodeNotReady,involvedObject.kind=Node"
        told = self.sh("control", f"kubectl get events -A --field-selector {which} -o jsonpath='{path}'")
        return sum(int(count) for count in told.split())

    def services(self, node: str) -> Mapping[str, Mapping[str, JSON]]:
        """The node's services by name, as its agent tells them."""
        listed = self.ask(node, "status", {}).get("services")
        assert isinstance(listed, list)
        return {as_text(as_mapping(one).get("name")): as_mapping(one) for one in listed}

    def kill(self, node: str, service: str) -> float:
        """SIGKILL one of the node's services; returns the seconds after which it was ready again."""
        pid = as_int(self.services(node)[service].get("pid"))
        began = time.monotonic()
        self.sh(node, f"kill -9 {pid}")
        wait_until(
            lambda: self._is_new(self.services(node)[service], pid), seconds=60, what=f"another {service} on {node}"
        )
        return time.monotonic() - began

    @staticmethod
    def _is_new(service: Mapping[str, JSON], pid: int) -> bool:
        return service.get("state") == "ready" and service.get("pid") not in {0, pid}


def within(seconds: float, condition: Callable[[], object], what: str) -> float:
    """Wait for a condition; returns how long it took."""
    began = time.monotonic()
    wait_until(condition, seconds=seconds, what=what)
    return time.monotonic() - began
