"""Where our Docker Engine keeps its things and how it is configured: paths, daemon.json, the id range.

Pure values: nothing here starts, mounts or removes anything.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from slipway.operations.id_ranges import REMAP_USER, IdRange

# Inside the engine's mount namespace everything has a short, constant path under a private tmpfs: unix sockets
# need short names, and the remapped root must be able to walk there wherever the checkout lies.
INSIDE = Path("/run/slipway")
INSIDE_DATA = INSIDE / "data"
INSIDE_TEMPLATES = INSIDE / "templates"
INSIDE_REGISTRY = INSIDE / "registry"
INSIDE_RUN = INSIDE / "run"
INSIDE_RUNTIME = INSIDE / "bin" / "slipway-runtime"
INSIDE_CONFIG = INSIDE / "daemon.json"

RUNTIME_NAME = "slipway"
# One /24 a sandbox, apart from what engines inside nodes use (172.16/12, 192.168/16, 10.0/16, 10.96/12, 10.244/16).
ADDRESS_POOL = "10.128.0.0/11"

_LONGEST_SOCKET = 107


@dataclass(frozen=True)
class EngineConfig:
    """One engine of ours.

    `state` is its folder (data, templates, log), `socket` where clients find it, `runtime` the runtime wrapper's
    binary, `registry` the folder whose `current` is the image registry's storage.
    """

    state: Path
    socket: Path
    runtime: Path
    registry: Path

    def __post_init__(self) -> None:
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET:
            raise ValueError(f"a unix socket's path may have {_LONGEST_SOCKET} bytes: {self.socket} is longer")

    @property
    def data(self) -> Path:
        """What survives a restart: images and the registry's volume."""
        return self.state / "data"

    @property
    def templates(self) -> Path:
        """Empty file systems that nodes' disks are copied from."""
        return self.state / "templates"

    @property
    def log(self) -> Path:
        """What dockerd and containerd print."""
        return self.state / "dockerd.log"

    @property
    def starting_socket(self) -> Path:
        """Where dockerd listens until it is fit for clients."""
        return self.socket.with_name(f"{self.socket.name}.starting")

    @property
    def cgroup(self) -> str:
        """The cgroup below which every container of this engine lives; its own for every state folder."""
        return f"slipway-{hashlib.sha256(os.fsencode(self.state)).hexdigest()[:10]}"

    def to_json(self) -> str:
        """For the process that enters the namespaces."""
        return json.dumps({key: str(value) for key, value in asdict(self).items()})

    @classmethod
    def from_json(cls, text: str) -> EngineConfig:
        """The other end of `to_json`."""
        return cls(**{key: Path(value) for key, value in json.loads(text).items()})


def daemon_json(config: EngineConfig) -> str:
    """The engine's configuration file. Valid for Docker 20.10 to 29."""
    settings = {
        "data-root": str(INSIDE_DATA),
        "exec-root": "/run/docker",
        "pidfile": "/run/docker.pid",
        "hosts": [f"unix://{INSIDE_RUN / config.starting_socket.name}"],
        "group": "root",
        "userns-remap": REMAP_USER,
        "storage-driver": "overlay2",
        # Docker 29 would otherwise keep images in containerd's store, which knows no user namespaces.
        "features": {"containerd-snapshotter": False},
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "cgroup-parent": f"/{config.cgroup}",
        "live-restore": True,
        "bridge": "none",
        "iptables": False,
        "ip6tables": False,
        "ip-forward": False,
        "ip-masq": False,
        "userland-proxy": False,
        "default-address-pools": [{"base": ADDRESS_POOL, "size": 24}],
        "log-driver": "local",
        "log-opts": {"max-size": "1m", "max-file": "2"},
        "shutdown-timeout": 5,
        "runtimes": {RUNTIME_NAME: {"path": str(INSIDE_RUNTIME)}},
    }
    return json.dumps(settings, indent=2)


def user_tables(host_passwd: str, host_group: str, ids: IdRange) -> dict[str, str]:
    """The four files under /etc that the engine reads its id range from, by name."""
    line = f"{REMAP_USER}:{ids.start}:{ids.size}\n"
    return {
        "passwd": f"{host_passwd.rstrip()}\n{REMAP_USER}:x:{ids.start}:{ids.start}::/nonexistent:/usr/sbin/nologin\n",
        "group": f"{host_group.rstrip()}\n{REMAP_USER}:x:{ids.start}:\n",
        "subuid": line,
        "subgid": line,
    }
