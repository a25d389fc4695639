"""Runs our own Docker Engine in the foreground, in namespaces of its own, and leaves nothing behind.

The engine has no uplink, no address of the host, its own /run and its own (empty) packet filter; it can disturb no
other engine and no learner's packet finds a way out. This process stays outside: it starts PID 1 of the namespaces
(`engine_inside`), empties the engine of what a killed predecessor left before any client may see it, and on SIGTERM
removes every container before it lets go.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import docker.errors

from slipway.operations import cgroups, kernel
from slipway.operations.engine_config import EngineConfig
from slipway.operations.only_one import SomebodyElse, only_one

log = logging.getLogger(__name__)

_START_SECONDS = 60.0
_EMPTY_SECONDS = 10.0
_PROGRAMS = ("dockerd", "containerd", "containerd-shim-runc-v2", "runc", "iptables", "mkfs.ext4")


class EngineTrouble(Exception):
    """The engine cannot start or stay up; the message is for the operator."""


def run_engine(config: EngineConfig, *, follow: int | None = None) -> int:
    """Run the engine until SIGTERM or SIGINT, or until the process `follow` ends; returns the exit status.

    Must be called in a process of its own with a single thread. Raises `EngineTrouble` when it cannot start.
    """
    _check_machine()
    for folder in (config.state, config.data, config.templates, config.registry, config.socket.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone_on(config.state):
        left = cgroups.remove_subtree(config.cgroup, seconds=10)
        if left:
            raise EngineTrouble(f"processes of an engine before this one would not end: {left[0]}")
        _remove_sockets(config)
        stop_reader = _stop_signals(follow)
        pid, control = _enter_namespaces(config)
        try:
            return _attend(config, pid, control, stop_reader)
        finally:
            control.close()
            _end(pid)
            _remove_sockets(config)
            cgroups.remove_subtree(config.cgroup, seconds=5)


def missing_programs() -> list[str]:
    """Programs the engine needs and the machine lacks."""
    return [name for name in _PROGRAMS if shutil.which(name) is None]


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise EngineTrouble("the engine must be started by root: it makes namespaces and mounts")
    missing = missing_programs()
    if missing:
        raise EngineTrouble(f"missing on this machine: {', '.join(missing)}")


@contextlib.contextmanager
def _alone_on(state: Path) -> Iterator[None]:
    """Refuse to be a second engine on the same folder."""
    try:
        with only_one(state / "lock"):
            yield
    except SomebodyElse as other:
        raise EngineTrouble(f"an engine already runs on {state} (process {other})") from None


def _stop_signals(follow: int | None) -> list[int]:
    """File descriptors that become readable when it is time to stop."""
    kernel.die_with_parent(signal.SIGTERM)
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    watched = [reader]
    if follow is not None:
        watched.append(os.pidfd_open(follow))
    return watched


def _enter_namespaces(config: EngineConfig) -> tuple[int, socket.socket]:
    """Start `engine_inside` as PID 1 of new mount, network and pid namespaces; returns its pid and control socket."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _become_inside(config, theirs)
    theirs.close()
    return pid, ours


def _become_inside(config: EngineConfig, control: socket.socket) -> None:
    """In the forked child: unshare, fork PID 1, wait for it. Never returns."""
    status = 1
    try:
        kernel.die_with_parent(signal.SIGKILL)
        os.setsid()  # a Ctrl-C of the terminal is the launcher's business
        kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWPID)
        inside = os.fork()
        if inside == 0:
            control.set_inheritable(True)
            code = str(Path(__file__).resolve().parents[2])
            environment = {**os.environ, "PYTHONPATH": code}
            module = "slipway.operations.engine_inside"
            argv = [sys.executable, "-m", module, config.to_json(), str(control.fileno())]
            os.execve(sys.executable, argv, environment)  # noqa: S606 - there is no shell to start
        control.close()
        _, ended = os.waitpid(inside, 0)
        status = os.waitstatus_to_exitcode(ended) & 0xFF
    except OSError as error:
        os.write(2, f"engine: {error}\n".encode())
    finally:
        os._exit(status)


def _attend(config: EngineConfig, pid: int, control: socket.socket, stop: list[int]) -> int:
    """Wait for starts of dockerd and for the end; returns the exit status."""
    first = True
    while True:
        readable, _, _ = select.select([control.fileno(), *stop], [], [])
        if any(descriptor in readable for descriptor in stop):
            log.info("engine: stopping")
            _close_down(config)
            control.sendall(b"stop\n")
            _wait(pid)
            return 0
        message = control.recv(64)
        if not message:
            _, code = os.waitpid(pid, 0)
            raise EngineTrouble(f"the engine ended ({os.waitstatus_to_exitcode(code)}):\n{_last_lines(config.log)}")
        began = time.monotonic()
        version = _wait_for_api(config, control, stop)
        if version is None:
            continue
        if first:
            removed = empty_engine(config.starting_socket)
            if removed:
                log.info("engine: removed %d containers that a killed engine left", removed)
        config.starting_socket.rename(config.socket)
        log.info("engine: Docker %s ready after %.1f s", version, time.monotonic() - began)
        first = False


def _wait_for_api(config: EngineConfig, control: socket.socket, stop: list[int]) -> str | None:
    """The engine's version once it answers; None when there is other news first."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(docker.errors.DockerException, OSError):
            client = docker.DockerClient(f"unix://{config.starting_socket}", timeout=30)
            with contextlib.closing(client):
                return str(client.version()["Version"])
        if select.select([control.fileno(), *stop], [], [], 0.05)[0]:
            return None
    raise EngineTrouble(f"dockerd does not answer:\n{_last_lines(config.log)}")


def empty_engine(socket_path: Path) -> int:
    """Remove every container and network of the engine; returns how many containers there were.

    The engine is ours alone, so everything in it is; "already gone" counts as done.
    """
    client = docker.DockerClient(f"unix://{socket_path}", timeout=int(_EMPTY_SECONDS))
    with contextlib.closing(client), ThreadPoolExecutor(8) as pool:
        containers = client.api.containers(all=True)
        list(pool.map(lambda item: _remove_container(client, item["Id"]), containers))
        for network in client.api.networks():
            if network["Name"] not in {"none", "host", "bridge"}:
                with contextlib.suppress(docker.errors.APIError):
                    client.api.remove_network(network["Id"])
        return len(containers)


def _remove_container(client: docker.DockerClient, container: str) -> None:
    with contextlib.suppress(docker.errors.APIError, OSError):
        client.api.remove_container(container, v=True, force=True)


def _close_down(config: EngineConfig) -> None:
    """Take the socket away from clients, then empty the engine; bounded in time, PID 1's end does the rest."""
    with contextlib.suppress(OSError):
        config.socket.rename(config.starting_socket)
    try:
        empty_engine(config.starting_socket)
    except (docker.errors.DockerException, OSError) as error:
        log.warning("engine: could not be emptied in order (%s); its processes end all the same", error)


def _wait(pid: int, seconds: float = 12.0) -> None:
    """Wait for the namespaces' keeper to end by itself."""
    descriptor = os.pidfd_open(pid)
    select.select([descriptor], [], [], seconds)
    os.close(descriptor)


def _end(pid: int) -> None:
    """End the namespaces whatever state they are in."""
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _remove_sockets(config: EngineConfig) -> None:
    for path in (config.socket, config.starting_socket):
        path.unlink(missing_ok=True)


def _last_lines(path: Path, count: int = 15) -> str:
    """The end of a log, for a message."""
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    return ""


def main(arguments: list[str]) -> int:
    """`python -m slipway.operations.engine CONFIG [FOLLOW]`: a process without Django, so that it stays small."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    follow = int(arguments[1]) if len(arguments) > 1 else None
    try:
        return run_engine(EngineConfig.from_json(arguments[0]), follow=follow)
    except EngineTrouble as trouble:
        log.error("engine: %s", trouble)  # noqa: TRY400 - the trouble is the whole message
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
