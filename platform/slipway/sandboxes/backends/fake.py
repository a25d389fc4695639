"""A whole backend in memory: the contract's second implementation, for tests and for writing checks without an engine.

It keeps the promises of `Backend` and misbehaves only in the subclasses that say so in their name. It lives in one
process and forgets everything with it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.core.errors import EngineError
from slipway.core.ids import SandboxId
from slipway.sandboxes.backends.base import (
    ClusterPlace,
    NodeConnection,
    NodeLimits,
    NodeState,
    NodeStatus,
    Survey,
    image_missing,
)
from slipway.sandboxes.backends.fake_node import FakeNode
from slipway.sandboxes.topology import NodeSpec


@dataclass
class _FakeSandbox:
    nodes: dict[str, FakeNode] = field(default_factory=dict)


class FakeBackend:
    """Sandboxes that start at once and do as they are told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sandboxes: dict[SandboxId, _FakeSandbox] = {}

    def create_network(self, *, sandbox: SandboxId) -> None:
        """As in the contract."""
        with self._lock:
            self._sandboxes.setdefault(sandbox, _FakeSandbox())

    def create_node(
        self,
        *,
        sandbox: SandboxId,
        node: NodeSpec,
        peers: tuple[str, ...],
        limits: NodeLimits,
        lease_seconds: int,
        cluster: ClusterPlace | None = None,
    ) -> None:
        """As in the contract."""
        with self._lock:
            if sandbox not in self._sandboxes:
                raise EngineError("no-network", "The machines have no network to be on.", detail=str(sandbox))
            self._refuse(node)
            nodes = self._sandboxes[sandbox].nodes
            made = nodes.setdefault(node.name, FakeNode(node.name, peers, limits, lease_seconds))
            made.cluster = cluster
            self._made(made)

    def _refuse(self, node: NodeSpec) -> None:
        """Raise `EngineError` for a node that this engine does not make; for misbehaving ones."""

    def _made(self, node: FakeNode) -> None:
        """A node was made, or asked for again; for misbehaving ones."""

    def survey(self, *, sandbox: SandboxId | None = None) -> Survey:
        """As in the contract."""
        with self._lock:
            return {
                key: {name: self._status(node) for name, node in held.nodes.items()}
                for key, held in self._sandboxes.items()
                if sandbox in {None, key}
            }

    def remove(self, *, sandbox: SandboxId) -> None:
        """As in the contract."""
        with self._lock:
            held = self._sandboxes.pop(sandbox, None)
        for node in held.nodes.values() if held else ():
            node.end(0)

    async def connect(self, *, sandbox: SandboxId, node: str) -> NodeConnection:
        """As in the contract."""
        found = self.nodes(sandbox).get(node)
        if found is None or found.exit_code is not None:
            raise EngineError("node-unreachable", "One of the machines does not answer.", detail=f"{sandbox}/{node}")
        return found.connect()

    async def disconnect(self) -> None:
        """As in the contract; nothing is held."""

    def nodes(self, sandbox: SandboxId) -> Mapping[str, FakeNode]:
        """For tests: the nodes themselves, to arrange what they contain and to break them."""
        held = self._sandboxes.get(sandbox)
        return held.nodes if held else {}

    def _status(self, node: FakeNode) -> NodeStatus:
        if node.exit_code is None:
            return NodeStatus(NodeState.RUNNING)
        return NodeStatus(NodeState.OUT_OF_MEMORY if node.out_of_memory else NodeState.ENDED, node.exit_code)


class BrokenBackend(FakeBackend):
    """An engine that answers nothing while `broken` is set."""

    broken = True

    def _fail(self) -> None:
        if self.broken:
            raise EngineError("engine-unreachable", "The engine of the labs does not answer at the moment.")

    def create_network(self, *, sandbox: SandboxId) -> None:
        """Fails while broken."""
        self._fail()
        super().create_network(sandbox=sandbox)

    def survey(self, *, sandbox: SandboxId | None = None) -> Survey:
        """Fails while broken."""
        self._fail()
        return super().survey(sandbox=sandbox)

    def remove(self, *, sandbox: SandboxId) -> None:
        """Fails while broken."""
        self._fail()
        super().remove(sandbox=sandbox)


class NeverReadyBackend(FakeBackend):
    """Nodes whose Docker never comes up."""

    def _made(self, node: FakeNode) -> None:
        node.engine_is_up = False


class UnfinishedBackend(FakeBackend):
    """An engine for which the image of Kubernetes nodes is still being built, until `finished` is set."""

    finished = False

    def _refuse(self, node: NodeSpec) -> None:
        if node.kind.is_kubernetes and not self.finished:
            raise image_missing(node.kind.value)


class VanishingBackend(FakeBackend):
    """An engine that loses whatever it is asked to lose, behind everyone's back."""

    def lose(self, sandbox: SandboxId) -> None:
        """Forget the sandbox as if it had never been."""
        self._sandboxes.pop(sandbox, None)


class OutOfMemoryBackend(FakeBackend):
    """Nodes that the kernel ends for want of memory."""

    def exhaust(self, sandbox: SandboxId, node: str) -> None:
        """End the node as the kernel would."""
        found = self.nodes(sandbox)[node]
        found.out_of_memory = True
        found.end(137)
