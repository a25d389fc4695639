"""Looks at a machine and says what it found, what that means for labs, how to mend it, and which isolation holds.

Only looks: nothing is started, installed or changed. Every look is bounded in time and survives whatever it finds.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests
from django.conf import settings
from django.db import DatabaseError, connection

from slipway.core.json import JSON
from slipway.operations.programs import redis_answers

_LEAST_KERNEL = (5, 11)  # overlay file systems inside user namespaces
_LEAST_MEMORY_GIB = 2
_LEAST_DISK_GIB = 8
_WATCHES_PER_CLUSTER = 42  # inotify instances of three nodes, counted
_FEW_CLUSTERS = 10


class Verdict(StrEnum):
    """What a finding means for labs."""

    GOOD = "good"
    WEAK = "weak"  # labs run, with less isolation or room
    BAD = "bad"  # labs cannot run


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    found: str
    meaning: str
    mend: str = ""

    def as_json(self) -> dict[str, JSON]:
        """For scripts."""
        return dict(asdict(self))


def examine() -> list[Finding]:
    """Everything `doctor` looks at, in the order in which one thing needs another."""
    engine = _Engine()
    looks: list[Callable[[], Finding]] = [
        _kernel,
        _privileges,
        _user_namespaces,
        _watches,
        _cgroups,
        _memory,
        _disk,
        _programs,
        engine.answers,
        engine.user_namespace,
        engine.storage,
        engine.runtime,
        engine.images,
        engine.kubernetes_image,
        _redis,
        _database,
    ]
    findings = [_survive(look) for look in looks]
    return [*findings, _isolation(findings)]


def _survive(look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - doctor must tell of the others whatever one look meets
        name = look.__name__.strip("_").replace("_", " ")
        return Finding(name, Verdict.BAD, f"could not be looked at: {error!r}", "This is a fault of doctor itself.")


def _kernel() -> Finding:
    release = platform.release()
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2])
    if version < _LEAST_KERNEL:
        return Finding(
            "kernel",
            Verdict.BAD,
            release,
            "Docker inside a node needs overlay file systems in user namespaces, which came with Linux 5.11.",
            "Upgrade to Debian 12 or later.",
        )
    return Finding("kernel", Verdict.GOOD, release, "New enough for Docker inside nodes.")


def _privileges() -> Finding:
    if os.geteuid() == 0 or not settings.SLIPWAY_OWN_ENGINE:
        return Finding("privileges", Verdict.GOOD, f"user id {os.geteuid()}", "Enough to run what is configured.")
    return Finding(
        "privileges",
        Verdict.BAD,
        f"user id {os.geteuid()}",
        "Starting our own Docker Engine takes root.",
        "Run as root, or set SLIPWAY_DOCKER_HOST to an engine that is there.",
    )


def _user_namespaces() -> Finding:
    limit = Path("/proc/sys/user/max_user_namespaces")
    count = int(limit.read_text()) if limit.exists() else 0
    if count == 0:
        return Finding(
            "user namespaces",
            Verdict.BAD,
            "none allowed",
            "A node's root must be nobody on this machine; without user namespaces no lab starts.",
            "sysctl user.max_user_namespaces=10000 (and allow them in the kernel).",
        )
    return Finding("user namespaces", Verdict.GOOD, f"up to {count}", "A node's root is nobody on this machine.")


def _watches() -> Finding:
    """Every component of Kubernetes watches its files; the kernel counts that for all nodes together."""
    count = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    clusters = count // _WATCHES_PER_CLUSTER
    if clusters < _FEW_CLUSTERS:
        return Finding(
            "file watches",
            Verdict.WEAK,
            f"fs.inotify.max_user_instances is {count}",
            f"At most {clusters} Kubernetes clusters of three nodes run at once; the kubelets of further ones end.",
            "sysctl fs.inotify.max_user_instances=8192, and the same in /etc/sysctl.d to keep it.",
        )
    return Finding("file watches", Verdict.GOOD, f"{count} instances", "Enough for many Kubernetes clusters at once.")


def _cgroups() -> Finding:
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return Finding("cgroups", Verdict.GOOD, "version 2", "Limits on memory, CPU and processes hold per node.")
    enabled = {line.split()[0] for line in Path("/proc/cgroups").read_text().splitlines()[1:] if line.split()[3] == "1"}
    missing = {"memory", "cpu", "pids", "devices", "freezer"} - enabled
    if "memory" in missing:
        return Finding(
            "cgroups",
            Verdict.BAD,
            f"version 1 without {', '.join(sorted(missing))}",
            "One learner could take all memory of the machine.",
            "Boot with cgroup_enable=memory.",
        )
    verdict = Verdict.WEAK if missing else Verdict.GOOD
    found = "version 1" + (f" without {', '.join(sorted(missing))}" if missing else "")
    return Finding("cgroups", verdict, found, "Limits hold per node for every controller that is there.")


def _memory() -> Finding:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = f"{gib:.0f} GiB; room for {settings.SLIPWAY_CAPACITY_NODES} nodes at once"
    if gib < _LEAST_MEMORY_GIB:
        return Finding(
            "memory", Verdict.WEAK, found, "Few learners fit.", "Add memory, or lower SLIPWAY_NODE_MEMORY_MB."
        )
    return Finding("memory", Verdict.GOOD, found, "Further learners wait in a queue.")


def _disk() -> Finding:
    settings.SLIPWAY_VAR.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.SLIPWAY_VAR).free / 2**30
    found = f"{free:.0f} GiB free under {settings.SLIPWAY_VAR}"
    meaning = "Each node has a disk of its own, a sparse file: a learner who fills it hurts only that node."
    if free < _LEAST_DISK_GIB:
        return Finding("disk", Verdict.WEAK, found, meaning, "Free some space, or point SLIPWAY_VAR to a larger disk.")
    return Finding("disk", Verdict.GOOD, found, meaning)


def _programs() -> Finding:
    wanted = ["redis-server", *(["dockerd", "containerd", "runc", "mkfs.ext4"] if settings.SLIPWAY_OWN_ENGINE else [])]
    missing = [name for name in wanted if shutil.which(name) is None]
    if missing:
        return Finding(
            "programs", Verdict.BAD, f"missing: {', '.join(missing)}", "`make run` installs them.", "Run `make run`."
        )
    return Finding("programs", Verdict.GOOD, "all there", "Nothing needs to be installed.")


class _Engine:
    """The engine's answers, asked for once."""

    def __init__(self) -> None:
        self._info: dict[str, Any] | None = None  # the engine's own untyped answer
        self._client: docker.APIClient | None = None
        self._error = ""
        try:
            self._client = docker.APIClient(base_url=settings.SLIPWAY_DOCKER_HOST, timeout=5, version="auto")
            self._info = self._client.info()
        except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
            self._error = str(error)

    def answers(self) -> Finding:
        where = settings.SLIPWAY_DOCKER_HOST
        if self._info is None:
            mend = "Start it with `make run`." if settings.SLIPWAY_OWN_ENGINE else "Check SLIPWAY_DOCKER_HOST."
            return Finding("engine", Verdict.BAD, f"none at {where}", "Labs have nothing to run on right now.", mend)
        version = self._info.get("ServerVersion", "?")
        return Finding("engine", Verdict.GOOD, f"Docker {version} at {where}", "Labs have something to run on.")

    def user_namespace(self) -> Finding:
        options = (self._info or {}).get("SecurityOptions") or []
        if any("userns" in option or "rootless" in option for option in options):
            return Finding("remapped users", Verdict.GOOD, "on", "Root in a node is an unprivileged user here.")
        return self._unknown("remapped users") or Finding(
            "remapped users",
            Verdict.BAD,
            "off",
            "Root in a node would be root on this machine; Slipway starts no node on such an engine.",
            "Run the engine with --userns-remap, or let `make run` start our own.",
        )

    def storage(self) -> Finding:
        driver = (self._info or {}).get("Driver", "")
        good = driver in {"overlay2", "overlayfs", "btrfs", "zfs"}
        return self._unknown("storage driver") or Finding(
            "storage driver",
            Verdict.GOOD if good else Verdict.WEAK,
            driver,
            "Nodes share the files of their image." if good else "Each node copies its whole image: slow and large.",
            "" if good else "Use overlay2.",
        )

    def runtime(self) -> Finding:
        if "slipway" in ((self._info or {}).get("Runtimes") or {}):
            return Finding("runtime", Verdict.GOOD, "slipway", "Each node has its own disk and its own cgroups.")
        return self._unknown("runtime") or Finding(
            "runtime",
            Verdict.BAD,
            "the engine does not know the runtime “slipway”",
            "Nodes could neither run containers nor be kept to a disk of their own.",
            "Register slipway-runtime with the engine (docs/operate.md), or let `make run` start our own.",
        )

    def images(self) -> Finding:
        from slipway.sandboxes.backends.docker_node import NODE_IMAGE  # noqa: PLC0415 - keeps doctor's start light

        if self._client is None or self._info is None:
            return Finding("node images", Verdict.BAD, "unknown", "The engine does not answer.", "See engine, above.")
        try:
            image = self._client.inspect_image(NODE_IMAGE)  # type: ignore[no-untyped-call]  # the SDK's stubs lack it
        except docker.errors.ImageNotFound:
            return Finding(
                "node images", Verdict.BAD, f"{NODE_IMAGE} is missing", "No node can start.", "Run `make run`."
            )
        return Finding("node images", Verdict.GOOD, f"{NODE_IMAGE}, {image['Size'] // 2**20} MiB", "Nodes can start.")

    def kubernetes_image(self) -> Finding:
        from slipway.sandboxes.backends.docker_node import KUBERNETES_IMAGE  # noqa: PLC0415 - as above

        subject = "Kubernetes image"
        if self._client is None or self._info is None:
            return Finding(subject, Verdict.WEAK, "unknown", "The engine does not answer.", "See engine, above.")
        try:
            image = self._client.inspect_image(KUBERNETES_IMAGE)  # type: ignore[no-untyped-call]  # as above
        except docker.errors.ImageNotFound:
            return Finding(
                subject,
                Verdict.WEAK,
                f"{KUBERNETES_IMAGE} is missing",
                "Docker labs run; labs with Kubernetes say that their machines are still being built.",
                "`make run` builds it in the background; `manage.py images --only kubernetes` in the foreground.",
            )
        size = image["Size"] // 2**20
        return Finding(subject, Verdict.GOOD, f"{KUBERNETES_IMAGE}, {size} MiB", "Labs with Kubernetes can start.")

    def _unknown(self, subject: str) -> Finding | None:
        if self._info is not None:
            return None
        return Finding(subject, Verdict.BAD, "unknown", "The engine does not answer.", "See engine, above.")


def _redis() -> Finding:
    if redis_answers():
        return Finding(
            "Redis", Verdict.GOOD, f"answers at {settings.SLIPWAY_REDIS_SOCKET}", "Work reaches the workers."
        )
    return Finding(
        "Redis", Verdict.BAD, "does not answer", "No lab starts and no check runs.", "Start everything with `make run`."
    )


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Finding("database", Verdict.BAD, str(error), "Nobody can sign in.", "Check SLIPWAY_DATABASE_URL.")
    return Finding("database", Verdict.GOOD, connection.vendor, "Attempts and results are kept.")


def _isolation(findings: list[Finding]) -> Finding:
    """Which isolation holds, as one sentence from what was found."""
    by_subject = {finding.subject: finding for finding in findings}

    def holds() -> Iterator[str]:
        if by_subject["remapped users"].verdict is Verdict.GOOD:
            yield "root in a node is an unprivileged user here"
        if by_subject["runtime"].verdict is Verdict.GOOD:
            yield "each node has its own disk, memory, CPU and process limits"
        if settings.SLIPWAY_OWN_ENGINE:
            yield "the engine has a network of its own with no way out, so nodes reach neither this machine nor others"
        else:
            yield "sandbox networks are internal and have no address of this machine"

    if by_subject["engine"].verdict is Verdict.BAD:
        return Finding("isolation", Verdict.BAD, "unknown", "The engine does not answer.", "See engine, above.")
    return Finding("isolation", Verdict.GOOD, "user namespaces", "; ".join(holds()) + ".")
