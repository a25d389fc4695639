"""What one check may use, and the walls that a child puts around itself before it runs a line of an author's code."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_ASKS = 200
LONGEST_ASK = 64 * 1024  # bytes of one line from a child
MOST_PRINTED = 4096
_FIRST_UID = 10_000
_UIDS = 50_000  # a remapped engine maps 65,536 users
_DESCRIPTORS = 24  # enough to import a module


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of processor time, of thinking (waiting for answers not counted), in all; bytes of address space."""

    cpu: int = 5
    thinking: float = 10
    total: float = 60
    memory: int = 256 * 2**20

    @classmethod
    def read(cls, data: Mapping[str, object]) -> Limits:
        """From a job's JSON, which the platform wrote."""
        return cls(
            cpu=int(str(data["cpu"])),
            thinking=float(str(data["thinking"])),
            total=float(str(data["total"])),
            memory=int(str(data["memory"])),
        )


def confine(limits: Limits) -> None:
    """Give up whatever a check does not need. Irrevocable; called in the child."""
    os.setsid()
    with contextlib.suppress(OSError):  # the kernel's first choice when memory runs out
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    for what, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (most, most))
    # The soft limit's signal says why; the hard one ends whoever ignores it.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 1))
    if os.getuid() == 0:
        # A user of its own: one check can neither signal nor look into another, nor into the supervisor. Process
        # numbers are unique in the container, whichever session forked them.
        uid = _FIRST_UID + os.getpid() % _UIDS
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    sys.addaudithook(_refuse)


_REFUSED = {
    "socket.__new__": "open a socket; ask through lab.node(…)",
    "os.fork": "start a process",
    "os.forkpty": "start a process",
    "os.posix_spawn": "start a process",
    "os.exec": "run a program; lab.node(…).run runs one in a node",
    "os.system": "run a program; lab.node(…).run runs one in a node",
    "subprocess.Popen": "run a program; lab.node(…).run runs one in a node",
    "ctypes.dlopen": "load a library",
}


_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    """Say what is not possible before the kernel does, in words. The walls are the kernel's; this is a courtesy."""
    if event in _REFUSED:
        raise PermissionError(f"A check cannot {_REFUSED[event]}.")
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
        raise PermissionError("A check cannot write files.")
