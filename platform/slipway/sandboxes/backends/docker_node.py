"""The options of a node's container, in one place: `docs/node-container.md` has the reason for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.sandboxes.backends.base import ClusterPlace, NodeLimits
from slipway.sandboxes.topology import NodeSpec

NODE_IMAGE = "slipway/node:current"
KUBERNETES_IMAGE = "slipway/kubernetes:current"
REGISTRY_VOLUME = "slipway-registry"
_REGISTRY_FOLDER = "/run/slipway-registry"
_CPU = 10**9  # the engine counts in billionths


def node_config(
    node: NodeSpec,
    *,
    network: str,
    labels: Mapping[str, str],
    peers: tuple[str, ...],
    limits: NodeLimits,
    lease_seconds: int,
    cluster: ClusterPlace | None = None,
) -> dict[str, Any]:
    """The body of the Engine API's call that creates the container of this node."""
    environment = {
        "SLIPWAY_KIND": node.kind.value,
        "SLIPWAY_LEASE_SECONDS": str(lease_seconds),
        "SLIPWAY_PEERS": ",".join(peers),
        "SLIPWAY_REGISTRY_SOCKET": f"{_REGISTRY_FOLDER}/registry.sock",
        "SLIPWAY_DISK_BYTES": str(limits.disk),
    }
    if cluster:
        environment["SLIPWAY_CLUSTER"] = ",".join(cluster.members)
        environment["SLIPWAY_CLUSTER_SECRET"] = cluster.secret
    return {
        "Image": KUBERNETES_IMAGE if node.kind.is_kubernetes else NODE_IMAGE,
        "Hostname": node.name,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": dict(labels),
        "StopSignal": "SIGTERM",
        "StopTimeout": 4,
        "HostConfig": {
            "Runtime": "slipway",
            "NetworkMode": network,
            "CapAdd": ["ALL"],
            "CapDrop": ["SYS_RESOURCE"],
            "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
            "MaskedPaths": [],
            "ReadonlyPaths": [],
            "CgroupnsMode": "private",
            "Tmpfs": {"/run": "rw,nosuid,nodev,exec,mode=755,size=64m"},
            "Mounts": [
                {
                    "Type": "volume",
                    "Source": REGISTRY_VOLUME,
                    "Target": _REGISTRY_FOLDER,
                    "ReadOnly": True,
                    "VolumeOptions": {"NoCopy": True},
                }
            ],
            "Memory": limits.memory,
            "MemorySwap": limits.memory,
            "NanoCpus": limits.cpus * _CPU,
            "PidsLimit": limits.pids,
            "RestartPolicy": {"Name": "no"},
        },
        "NetworkingConfig": {"EndpointsConfig": {network: {"Aliases": [node.name]}}},
    }
