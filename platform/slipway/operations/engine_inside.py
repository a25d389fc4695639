"""PID 1 of the engine's namespaces: prepares them and keeps dockerd running.

Because it is PID 1, its end, however it comes, takes every process, mount, bridge and loop device of the engine
with it. It speaks to the launcher through one socket and ends when that closes. It must never call the engine.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from slipway.operations import cgroups, kernel
from slipway.operations.engine_config import (
    INSIDE,
    INSIDE_CONFIG,
    INSIDE_DATA,
    INSIDE_REGISTRY,
    INSIDE_RUN,
    INSIDE_RUNTIME,
    INSIDE_TEMPLATES,
    EngineConfig,
    daemon_json,
    user_tables,
)
from slipway.operations.id_ranges import choose_range

_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGIO}
_STOP_SECONDS = 8.0
_LONGEST_LOG = 20 * 2**20


def main(config: EngineConfig, control: socket.socket) -> int:
    """Run until told to stop or left alone; returns the exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    kernel.die_with_parent(signal.SIGKILL)
    _prepare(config)
    threading.Thread(target=deny_names, args=(_dns_socket(),), daemon=True).start()
    starts = 0
    dockerd = _start_dockerd(config)
    started = time.monotonic()
    control.sendall(b"started\n")
    control.setblocking(False)  # noqa: FBT003 - the socket's own interface
    fcntl.fcntl(control, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(control, fcntl.F_SETFL, fcntl.fcntl(control, fcntl.F_GETFL) | os.O_ASYNC)
    while True:
        signal.sigtimedwait(_SIGNALS, 5)
        if _told_to_stop(control):
            _stop(dockerd)
            return 0
        if dockerd not in _reaped():
            continue
        # The nodes live on; only a dockerd that cannot stay up is worth giving up.
        starts = starts + 1 if time.monotonic() - started < 10 else 1
        if starts > 5:
            return 1
        time.sleep(0.2 * (starts - 1))
        dockerd = _start_dockerd(config)
        started = time.monotonic()
        control.sendall(b"started\n")


def _prepare(config: EngineConfig) -> None:
    """Build the engine's own view of the machine: private /proc and /run, its folders, its id range, its network."""
    ids = choose_range(Path(table).read_text() for table in ("/etc/subuid", "/etc/subgid") if Path(table).exists())
    tables = user_tables(Path("/etc/passwd").read_text(), Path("/etc/group").read_text(), ids)
    binds = {
        INSIDE_DATA: config.data,
        INSIDE_TEMPLATES: config.templates,
        INSIDE_REGISTRY: config.registry,
        INSIDE_RUN: config.socket.parent,
    }
    # Opened now: the host's /run, where the sockets' folder may lie, is about to be covered.
    opened = {inside: os.open(outside, os.O_PATH | os.O_DIRECTORY) for inside, outside in binds.items()}
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    runtime = Path(config.runtime).read_bytes()
    cgroups.mount_pids_controller()
    kernel.mount("tmpfs", "/run", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=256m")
    for inside, descriptor in opened.items():
        inside.mkdir(parents=True)
        kernel.mount(f"/proc/self/fd/{descriptor}", inside, flags=kernel.MS_BIND | kernel.MS_REC)
        os.close(descriptor)
    INSIDE_RUNTIME.parent.mkdir()
    INSIDE_RUNTIME.write_bytes(runtime)
    INSIDE_RUNTIME.chmod(0o755)
    INSIDE_CONFIG.write_text(daemon_json(config))
    for name, content in {**tables, "resolv.conf": "nameserver 127.0.0.1\n"}.items():
        table = INSIDE / name
        table.write_text(content)
        host_table = (Path("/etc") / name).resolve()
        # Missing below our own /run (a resolv.conf that points there), or on a host without any subuid.
        host_table.parent.mkdir(parents=True, exist_ok=True)
        host_table.touch(exist_ok=True)
        kernel.mount(table, host_table, flags=kernel.MS_BIND)
    kernel.bring_loopback_up()
    _write_sysctl("net/ipv4/ip_forward", "0")
    _write_sysctl("net/ipv6/conf/all/disable_ipv6", "1")
    _write_sysctl("net/ipv6/conf/default/disable_ipv6", "1")
    _write_sysctl("net/bridge/bridge-nf-call-iptables", "0")


def _write_sysctl(name: str, value: str) -> None:
    path = Path("/proc/sys") / name
    if path.exists():
        path.write_text(value)


def _dns_socket() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 53))
    return listener


def deny_names(listener: socket.socket) -> None:
    """Answer every DNS question with "no such name".

    The engine asks here for names that no container has. Were nobody to answer, each of a learner's mistyped names
    would take twenty seconds to fail.
    """
    while True:
        question, sender = listener.recvfrom(1500)
        if len(question) >= 12 and not question[2] & 0x80:
            # The same message with the bits "response", "recursion available" and the code NXDOMAIN.
            listener.sendto(question[:2] + bytes((question[2] | 0x80, 0x83)) + question[4:], sender)


def _start_dockerd(config: EngineConfig) -> int:
    """Start dockerd in a session of its own, its output in the log; returns its pid."""
    if config.log.exists() and config.log.stat().st_size > _LONGEST_LOG:
        config.log.replace(config.log.with_suffix(".log.old"))
    path = shutil.which("dockerd")
    if path is None:
        raise FileNotFoundError("dockerd")
    with config.log.open("ab") as log:
        return os.posix_spawn(
            path,
            ["dockerd", "--config-file", str(INSIDE_CONFIG)],
            dict(os.environ),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
            setsid=True,
            setsigmask=[],
        )


def _reaped() -> set[int]:
    """Every child that has ended; orphans of the whole namespace are ours."""
    pids: set[int] = set()
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return pids
        if pid == 0:
            return pids
        pids.add(pid)


def _told_to_stop(control: socket.socket) -> bool:
    """Whether the launcher said so or is gone."""
    try:
        control.recv(16)
    except BlockingIOError:
        return False
    return True


def _stop(dockerd: int) -> None:
    """End dockerd in order, so that its data is whole; what remains dies with this process."""
    os.kill(dockerd, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline and dockerd not in _reaped():
        signal.sigtimedwait({signal.SIGCHLD}, 0.1)


if __name__ == "__main__":
    sys.exit(main(EngineConfig.from_json(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))))
