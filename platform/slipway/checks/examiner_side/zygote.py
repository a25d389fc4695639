"""Forks children, and knows nothing: no job, no answer ever passes through this process, so no child can find in its
memory what another one was told.

Speaks with the supervisor in small packets over a socket pair: `run N` with two pipe ends, `kill N`; it reports `end N
STATUS`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket

from slipway.checks.examiner_side import child
from slipway.checks.examiner_side.limits import Limits, confine

_INCOMING, _OUTGOING = 3, 4
_PACKET = 256


def main(supervisor: socket.socket) -> None:
    """Serve until the supervisor is gone; then end every child."""
    gc.freeze()
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}  # run by pid
    try:
        while True:
            ready, _, _ = select.select([supervisor.fileno(), woken], [], [])
            if woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(woken, 4096)
                _reap(running, supervisor)
            if supervisor.fileno() in ready and not _serve(supervisor, running):
                return
    finally:
        for pid in running:
            _end(pid)


def _serve(supervisor: socket.socket, running: dict[int, int]) -> bool:
    """Do what one packet says; False when there is none any more."""
    packet, descriptors, _, _ = socket.recv_fds(supervisor, _PACKET, 2)
    if not packet:
        return False
    words = packet.decode("ascii").split()
    if words[0] == "kill":
        for pid, run in running.items():
            if run == int(words[1]):
                _end(pid)
        return True
    run = int(words[1])
    limits = Limits(cpu=int(words[2]), memory=int(words[3]))
    try:
        pid = os.fork()
    except OSError:
        supervisor.send(f"end {run} no-fork".encode())
        return True
    if pid == 0:
        _become_child(descriptors, limits)
    for descriptor in descriptors:
        os.close(descriptor)
    running[pid] = run
    return True


def _become_child(descriptors: list[int], limits: Limits) -> None:
    """Never returns. Whatever goes wrong, this process ends and the supervisor sees that there is no result."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Through high numbers first: either end may already have the number of the other's place.
        high = [os.dup2(descriptor, 100 + index) for index, descriptor in enumerate(descriptors)]
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        os.dup2(high[0], _INCOMING)
        os.dup2(high[1], _OUTGOING)
        os.closerange(_OUTGOING + 1, 65_536)
        confine(limits)
        child.main(_INCOMING, _OUTGOING)
        status = 0
    except BaseException:  # noqa: BLE001, S110 - there is nobody left to tell; the missing result tells
        pass
    finally:
        os._exit(status)


def _reap(running: dict[int, int], supervisor: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        run = running.pop(pid, None)
        if run is not None:
            supervisor.send(f"end {run} {os.waitstatus_to_exitcode(status)}".encode())


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
