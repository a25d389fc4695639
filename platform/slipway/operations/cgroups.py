"""The two cgroup worlds, as far as the engine's launcher meets them.

Mounts the v1 `pids` controller where the kernel has it and nobody mounted it, and removes the directories that
containers of a killed engine left. Touches only the subtree it is given.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from slipway.operations.kernel import MS_NODEV, MS_NOEXEC, MS_NOSUID, mount

ROOT = Path("/sys/fs/cgroup")


def is_v2() -> bool:
    """Whether the host has the one unified hierarchy."""
    return (ROOT / "cgroup.controllers").exists()


def hierarchies() -> list[Path]:
    """The top of every mounted hierarchy: one on v2, one a controller on v1."""
    if is_v2():
        return [ROOT]
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return [Path(fields[1]) for fields in mounts if fields[2] in {"cgroup", "cgroup2"}]


def mount_pids_controller() -> None:
    """Mount the v1 `pids` controller in this mount namespace when it is there and mounted nowhere.

    Without it a node's number of processes has no bound of its own. Does nothing on v2, or when it cannot be done.
    """
    if is_v2() or any("pids" in top.name.split(",") for top in hierarchies()):
        return
    enabled = any(
        fields[0] == "pids" and fields[3] == "1"
        for fields in (line.split() for line in Path("/proc/cgroups").read_text().splitlines())
    )
    if not enabled:
        return
    folder = ROOT / "pids"
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        mount("cgroup", folder, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "pids")


def can_limit_processes() -> bool:
    """Whether containers of this mount namespace can be given a limit of processes."""
    if is_v2():
        return "pids" in (ROOT / "cgroup.controllers").read_text().split()
    return any("pids" in top.name.split(",") for top in hierarchies())


def remove_subtree(name: str, *, seconds: float) -> list[Path]:
    """Remove the cgroup `name` with all below it from every hierarchy, killing what still runs there.

    Returns the directories that would not go within the time; a killed engine's processes take a moment to end.
    """
    deadline = time.monotonic() + seconds
    while True:
        left = [folder for top in hierarchies() for folder in _remove(top / name)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def _remove(top: Path) -> list[Path]:
    """Remove one subtree, deepest first; what would not go is returned."""
    left = []
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            left.append(Path(folder))
            _kill_members(Path(folder))
    return left


def _kill_members(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for pid in (folder / "cgroup.procs").read_text().split():
            # 0 is a process of another pid namespace; its own namespace's end takes it along.
            if pid != "0":
                os.kill(int(pid), signal.SIGKILL)
