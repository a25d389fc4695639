"""What an engine must be able to do for sandboxes. The Docker backend and the in-memory fake both do all of it.

A backend knows sandboxes by id alone: it reads and writes no rows. Everything that makes is idempotent (a second call
finds what the first one made), everything that removes counts "not found" as done. What fails raises `EngineError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from slipway.core.errors import EngineError
from slipway.core.ids import SandboxId
from slipway.sandboxes.topology import NodeSpec


class NodeState(StrEnum):
    """What the engine says of a node."""

    RUNNING = "running"
    ENDED = "ended"
    OUT_OF_MEMORY = "out-of-memory"


@dataclass(frozen=True)
class NodeStatus:
    """A node as the engine sees it; `exit_code` is None while it runs."""

    state: NodeState
    exit_code: int | None = None


@dataclass(frozen=True)
class NodeLimits:
    """What one node may use: bytes of memory and disk, CPUs, processes."""

    memory: int
    disk: int
    cpus: int
    pids: int


@dataclass(frozen=True)
class ClusterPlace:
    """The Kubernetes cluster that a node belongs to: its nodes, the control plane first, and what all its keys follow
    from. Whoever knows the secret is the cluster's administrator; each sandbox has its own."""

    members: tuple[str, ...]
    secret: str = field(repr=False)


Survey = Mapping[SandboxId, Mapping[str, NodeStatus]]


def image_missing(detail: str) -> EngineError:
    """The error for a node whose image is not there yet."""
    return EngineError(
        "image-missing", "The machines of this lab are still being built. Try again in a few minutes.", detail=detail
    )


class NodeConnection(Protocol):
    """A byte stream to a node's agent, as `docs/node-protocol.md` describes; used from one event loop."""

    async def read(self) -> bytes:
        """The next bytes; empty when the node has closed. Raises `EngineError` when the engine fails."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting while the node takes no more. Raises `EngineError`."""
        ...

    async def close(self) -> None:
        """Let go of the connection; never raises."""
        ...


class Backend(Protocol):
    """A place where sandboxes live."""

    def create_network(self, *, sandbox: SandboxId) -> None:
        """Make the sandbox's own network, with no way out of it."""
        ...

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
        """Make and start one node on the sandbox's network; it ends itself after `lease_seconds`.

        `cluster` is for the nodes of a Kubernetes cluster. Raises `EngineError` `image-missing` while the image of this
        kind of node is still being built.
        """
        ...

    def survey(self, *, sandbox: SandboxId | None = None) -> Survey:
        """Everything the engine holds of one sandbox, or of all; one that has only a network left has no nodes."""
        ...

    def remove(self, *, sandbox: SandboxId) -> None:
        """End and remove all nodes, disks and networks of the sandbox."""
        ...

    async def connect(self, *, sandbox: SandboxId, node: str) -> NodeConnection:
        """Open a stream to the agent of a running node. Raises `EngineError`."""
        ...

    async def disconnect(self) -> None:
        """Let go of what the running event loop holds of the engine, before that loop ends; streams end with it."""
        ...
