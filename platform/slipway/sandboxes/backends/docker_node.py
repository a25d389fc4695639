"""The options of a node's container, in one place: `docs/node-container.md` has the reason and the test for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slipway.sandboxes.backends.base import NodeLimits
from slipway.sandboxes.topology import NodeSpec

NODE_IMAGE = "slipway/node:current"
REGISTRY_VOLUME = "slipway-registry"
_REGISTRY_FOLDER = "/run/slipway-registry"


@dataclass(frozen=True)
class ContainerOptions:
    """Arguments for the SDK: of the container itself, and of its host configuration."""

    container: dict[str, Any]  # the SDK's own keywords and types
    host: dict[str, Any]


def node_options(node: NodeSpec, *, peers: tuple[str, ...], limits: NodeLimits, lease_seconds: int) -> ContainerOptions:
    """How to create the container of this node."""
    return ContainerOptions(
        container={
            "image": NODE_IMAGE,
            "environment": {
                "SLIPWAY_KIND": node.kind.value,
                "SLIPWAY_LEASE_SECONDS": str(lease_seconds),
                "SLIPWAY_PEERS": ",".join(peers),
                "SLIPWAY_REGISTRY_SOCKET": f"{_REGISTRY_FOLDER}/registry.sock",
                "SLIPWAY_DISK_BYTES": str(limits.disk),
            },
        },
        host={
            "runtime": "slipway",
            "cap_add": ["ALL"],
            "cap_drop": ["SYS_RESOURCE"],
            "security_opt": ["seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"],
            "tmpfs": {"/run": "exec,mode=755", "/tmp": "exec,mode=1777"},  # noqa: S108 - the node's own
            "binds": {REGISTRY_VOLUME: {"bind": _REGISTRY_FOLDER, "mode": "ro"}},
            "mem_limit": limits.memory,
            "memswap_limit": limits.memory,
            "nano_cpus": limits.cpus * 10**9,
            "pids_limit": limits.pids,
        },
    )
