"""What machines a sandbox is made of, as an exercise states it and as a row keeps it.

Validated here once; everything below may rely on the names being safe for hosts, containers and addresses.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

NodeNameText = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]


class NodeKind(StrEnum):
    """What runs inside a node."""

    DOCKER = "docker"
    KUBERNETES_CONTROL = "kubernetes-control"
    KUBERNETES_WORKER = "kubernetes-worker"
    WORKSTATION = "workstation"
    MACHINE = "machine"

    @property
    def is_kubernetes(self) -> bool:
        """Whether such a node is part of a Kubernetes cluster."""
        return self in {NodeKind.KUBERNETES_CONTROL, NodeKind.KUBERNETES_WORKER}


class NodeSpec(BaseModel):
    """One node: its name in the sandbox, what it is, and what it may use beyond the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: NodeNameText
    kind: NodeKind = NodeKind.DOCKER
    memory_mb: Annotated[int, Field(ge=128)] | None = None
    disk_mb: Annotated[int, Field(ge=512)] | None = None


class Topology(BaseModel):
    """All nodes of a sandbox, in the order in which learners see them; none where there is only something to watch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: Annotated[tuple[NodeSpec, ...], Field(max_length=8)] = ()

    @field_validator("nodes")
    @classmethod
    def _names_differ(cls, nodes: tuple[NodeSpec, ...]) -> tuple[NodeSpec, ...]:
        names = [node.name for node in nodes]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two nodes are called {name!r}")
        return nodes

    @model_validator(mode="after")
    def _cluster_is_whole(self) -> Self:
        kinds = [node.kind for node in self.nodes]
        controls = kinds.count(NodeKind.KUBERNETES_CONTROL)
        if controls > 1 or (NodeKind.KUBERNETES_WORKER in kinds and not controls):
            raise ValueError("a Kubernetes cluster has exactly one node of the kind kubernetes-control")
        return self

    @property
    def cluster(self) -> tuple[str, ...]:
        """The names of the nodes of the Kubernetes cluster, the control plane first; empty without one."""
        members = [node for node in self.nodes if node.kind.is_kubernetes]
        return tuple(node.name for node in sorted(members, key=lambda node: node.kind is NodeKind.KUBERNETES_WORKER))

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes' names, in order."""
        return tuple(node.name for node in self.nodes)

    def node(self, name: str) -> NodeSpec:
        """The node of that name; raises `KeyError`."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)
