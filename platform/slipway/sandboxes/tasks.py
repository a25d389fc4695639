"""What the worker does for sandboxes: start, stop, renew leases, and put right whatever was left half done.

Every task reads the row, calls the backend outside any transaction, and writes the outcome through a service. All are
idempotent: run twice, killed between, run again, the end is the same. A lock keeps two from working on one sandbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import kombu.exceptions
from celery import Task, shared_task
from celery.signals import worker_ready, worker_shutdown
from django.conf import settings
from django.utils.crypto import salted_hmac

from slipway.core import clock, locks
from slipway.core.errors import EngineError
from slipway.core.ids import SandboxId
from slipway.core.logs import get_logger
from slipway.core.loops import worker_loop
from slipway.sandboxes import services
from slipway.sandboxes.backends import end_worker_sessions, get_backend, worker_sessions
from slipway.sandboxes.backends.base import ClusterPlace, NodeLimits, NodeState, NodeStatus
from slipway.sandboxes.files import NodeFile
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.nodes import NodeRefusal
from slipway.sandboxes.states import LIVE, Phase, Reason, State
from slipway.sandboxes.topology import NodeKind, NodeSpec

_log = get_logger(__name__)
_START_ATTEMPTS = 3
_POWER_ATTEMPTS = 3
_POWER_SECONDS = 30  # a node without power has been cleaned of what it held in memory


def dispatch(task: Task[Any, Any], *arguments: str) -> None:
    """Hand work to a worker. A broker that is away loses nothing: the reaper asks again for what rows still want."""
    try:
        task.apply_async(arguments, retry=False)
    except (kombu.exceptions.OperationalError, OSError) as error:
        _log.warning("broker away", task=task.name, error=repr(error))


@shared_task
def admit() -> None:
    """Start waiting sandboxes for which there is room."""
    with locks.held("admission") as mine:
        if mine:
            services.admit_waiting()


@shared_task
def start(sandbox_id: str) -> None:
    """Bring a starting sandbox to ready, from wherever an earlier run left it."""
    key = SandboxId(UUID(sandbox_id))
    with locks.held(f"sandbox:{key}") as mine:
        sandbox = Sandbox.objects.get(pk=key) if mine else None
        if sandbox is None or sandbox.current is not State.STARTING:
            return
        try:
            _bring_up(sandbox)
            services.mark_ready(sandbox_id=key)
        except EngineError as error:
            _log.warning("start failed", sandbox=sandbox_id, error=str(error))
            if error.error_id == "image-missing":
                # Trying again within seconds would not help, and the learner should know what they wait for.
                _give_up(key, Reason.IMAGE_MISSING, str(error))
                return
            failures = services.record_start_error(sandbox_id=key, error=str(error))
            if failures >= _START_ATTEMPTS:
                _give_up(key, Reason.START_FAILED, str(error))


def _bring_up(sandbox: Sandbox) -> None:
    backend, key, topology = get_backend(), sandbox.sandbox_id, sandbox.topology
    services.record_phase(sandbox_id=key, phase=Phase.NETWORK)
    backend.create_network(sandbox=key)
    services.record_phase(sandbox_id=key, phase=Phase.NODES)
    lease = timedelta(seconds=settings.SLIPWAY_LEASE + settings.SLIPWAY_START_LIMIT) + services.LEASE_MARGIN

    cluster = _cluster_of(sandbox)

    def create(node: NodeSpec) -> None:
        backend.create_node(
            sandbox=key,
            node=node,
            peers=topology.names,
            limits=limits_of(node),
            lease_seconds=round(lease.total_seconds()),
            cluster=cluster if node.kind.is_kubernetes else None,
        )

    with ThreadPoolExecutor(len(topology.nodes)) as pool:
        list(pool.map(create, topology.nodes))
    services.record_phase(sandbox_id=key, phase=Phase.ENGINE)
    _wait_for(key, {node.name: _ENGINES[node.kind.is_kubernetes] for node in topology.nodes})
    worker_loop().run(_place_files(key, sandbox.files), timeout=settings.SLIPWAY_START_LIMIT)
    if topology.cluster:
        services.record_phase(sandbox_id=key, phase=Phase.CLUSTER)
        _wait_for(key, {topology.cluster[0]: "kubernetes"})


_ENGINES = {False: "dockerd", True: "containerd"}


def _cluster_of(sandbox: Sandbox) -> ClusterPlace | None:
    """The sandbox's Kubernetes cluster. Its secret is the same however often this is asked, and follows from ours."""
    members = sandbox.topology.cluster
    if not members:
        return None
    secret = salted_hmac("slipway.sandboxes.cluster", sandbox.sandbox_id.hex, algorithm="sha256").hexdigest()
    return ClusterPlace(members=members, secret=secret)


def _wait_for(sandbox: SandboxId, wanted: Mapping[str, str]) -> None:
    """Return the moment every node named in `wanted` says that its service is ready. Raises `EngineError`."""
    limit = settings.SLIPWAY_START_LIMIT

    async def wait(name: str, service: str) -> None:
        try:
            await worker_sessions().request(
                sandbox, name, "wait", {"service": service, "timeout_ms": 1000 * limit}, timeout=limit
            )
        except NodeRefusal as refusal:
            raise EngineError(
                "node-engine-down",
                "Docker or Kubernetes did not come up on one of the machines.",
                detail=f"{name}: {refusal}",
            ) from refusal

    async def wait_for_all() -> None:
        await asyncio.gather(*(wait(name, service) for name, service in wanted.items()))

    worker_loop().run(wait_for_all(), timeout=limit)


async def _place_files(sandbox: SandboxId, files: Sequence[NodeFile]) -> None:
    """Write the files one by one, for a request has its limit; a second time writes the same."""
    for file in files:
        try:
            await worker_sessions().request(sandbox, file.node, "write-files", {"files": [file.as_request()]})
        except NodeRefusal as refusal:
            raise EngineError(
                "file-not-placed",
                "A file of the lab could not be put on one of the machines.",
                detail=f"{file.node}:{file.path}: {refusal}",
            ) from refusal


def limits_of(node: NodeSpec) -> NodeLimits:
    """What a node may use: the installation's default, or what its exercise asks for, capped by the operator."""
    control = node.kind is NodeKind.KUBERNETES_CONTROL
    usual = settings.SLIPWAY_CONTROL_MEMORY if control else settings.SLIPWAY_NODE_MEMORY
    memory = node.memory_mb * 2**20 if node.memory_mb else usual
    disk = node.disk_mb * 2**20 if node.disk_mb else settings.SLIPWAY_NODE_DISK
    return NodeLimits(
        memory=min(memory, settings.SLIPWAY_NODE_MEMORY_MAX),
        disk=min(disk, settings.SLIPWAY_NODE_DISK_MAX),
        cpus=settings.SLIPWAY_NODE_CPUS,
        pids=settings.SLIPWAY_NODE_PIDS,
    )


def _give_up(sandbox: SandboxId, reason: Reason, detail: str) -> None:
    get_backend().remove(sandbox=sandbox)
    services.mark_failed(sandbox_id=sandbox, reason=reason, detail=detail)


@shared_task
def stop(sandbox_id: str) -> None:
    """Remove everything of a stopping sandbox."""
    key = SandboxId(UUID(sandbox_id))
    with locks.held(f"sandbox:{key}") as mine:
        if not mine or Sandbox.objects.get(pk=key).current is not State.STOPPING:
            return
        worker_loop().run(worker_sessions().forget(key), timeout=10)
        try:
            get_backend().remove(sandbox=key)
        except EngineError as error:
            _log.warning("stop failed, the reaper tries again", sandbox=sandbox_id, error=str(error))
            return
        services.mark_gone(sandbox_id=key)


@shared_task
def renew_lease(sandbox_id: str) -> None:
    """Tell the nodes how long they live by now."""
    sandbox = Sandbox.objects.get(pk=UUID(sandbox_id))
    if sandbox.current is not State.READY or sandbox.expires_at is None:
        return
    left = sandbox.expires_at - clock.now() + services.LEASE_MARGIN

    async def tell(name: str) -> None:
        try:
            await worker_sessions().request(sandbox.sandbox_id, name, "lease", {"seconds": round(left.total_seconds())})
        except (EngineError, NodeRefusal) as error:
            _log.warning("lease not renewed", sandbox=sandbox_id, node=name, error=str(error))

    async def tell_all() -> None:
        await asyncio.gather(*(tell(name) for name in sandbox.topology.names))

    worker_loop().run(tell_all(), timeout=30)


@shared_task
def apply_power(sandbox_id: str, node: str) -> None:
    """Pull a node's plug or put it in, as its row says by now.

    One at a time: two at once might reach the node in the wrong order. Whoever is done looks at the row again, and what
    falls between is the reaper's.
    """
    with locks.held(_power_lock(UUID(sandbox_id), node)) as mine:
        if mine:
            _tell_power(sandbox_id, node)


def _power_lock(sandbox: UUID, node: str) -> str:
    return f"power:{sandbox}:{node}"


def _tell_power(sandbox_id: str, node: str) -> None:
    for _ in range(_POWER_ATTEMPTS):
        sandbox = Sandbox.objects.get(pk=UUID(sandbox_id))
        if sandbox.current is not State.READY:
            return
        plugged = node not in sandbox.unplugged
        request = worker_sessions().request(
            sandbox.sandbox_id, node, "power", {"plugged": plugged}, timeout=_POWER_SECONDS
        )
        try:
            worker_loop().run(request, timeout=_POWER_SECONDS + 5)
        except (EngineError, NodeRefusal) as error:
            # The way to a node that kills all it can may be cut with the rest; the next one is opened anew.
            _log.warning("power not changed", sandbox=sandbox_id, node=node, plugged=plugged, error=str(error))
            continue
        if services.record_power(sandbox_id=sandbox.sandbox_id, node=node, plugged=plugged):
            return


@shared_task
def reap() -> None:
    """Compare rows and engine, both ways: nothing outlives its lease, nothing in the rows claims what is gone."""
    with locks.held("reaper") as mine:
        if not mine:
            return
        dispatch(admit)
        _resume_work()
        try:
            # Rows first would let a sandbox that starts in between look like an orphan; the engine's state
            # is read first, and a row exists before the engine holds anything.
            survey = get_backend().survey()
        except EngineError as error:
            _log.warning("engine away", error=str(error))
            return
        for sandbox in Sandbox.objects.filter(state=State.READY):
            reason = _reason_to_end(sandbox, dict(survey.get(sandbox.sandbox_id, {})))
            if reason:
                services.stop_sandbox(sandbox_id=sandbox.sandbox_id, reason=reason)
        live = set(Sandbox.objects.filter(state__in=LIVE).values_list("pk", flat=True))
        for orphan in [key for key in survey if key not in live]:
            _log.warning("orphan removed", sandbox=str(orphan))
            get_backend().remove(sandbox=orphan)


def _resume_work() -> None:
    """Ask again for starts, stops and changes of power that no worker is busy with."""
    for sandbox in Sandbox.objects.filter(state__in=[State.STARTING, State.STOPPING]):
        key = sandbox.sandbox_id
        if locks.is_held(f"sandbox:{key}"):
            continue
        if sandbox.current is State.STOPPING:
            dispatch(stop, str(key))
        elif _is_overdue(sandbox):
            _give_up(key, Reason.START_TOO_SLOW, f"in phase {sandbox.phase}")
        else:
            dispatch(start, str(key))
    for sandbox in Sandbox.objects.filter(state=State.READY).exclude(untold=[]):
        for node in sandbox.untold:
            if not locks.is_held(_power_lock(sandbox.pk, node)):
                dispatch(apply_power, str(sandbox.pk), node)


def _is_overdue(sandbox: Sandbox) -> bool:
    began = sandbox.starting_at or sandbox.requested_at
    return clock.now() > began + timedelta(seconds=settings.SLIPWAY_START_LIMIT)


def _reason_to_end(sandbox: Sandbox, nodes: dict[str, NodeStatus]) -> Reason | None:
    now = clock.now()
    if sandbox.expires_at and now >= sandbox.expires_at:
        return Reason.EXPIRED
    if now >= sandbox.last_used_at + timedelta(seconds=settings.SLIPWAY_IDLE_LIMIT):
        return Reason.IDLE
    states = [nodes[name].state if name in nodes else None for name in sandbox.topology.names]
    if NodeState.OUT_OF_MEMORY in states:
        return Reason.OUT_OF_MEMORY
    if None in states:
        return Reason.ENGINE_LOST
    if NodeState.ENDED in states:
        return Reason.NODE_ENDED
    return None


@worker_ready.connect
def _put_right(**_: object) -> None:
    """A worker that has just come up looks at once for what its predecessor left."""
    dispatch(reap)


@worker_shutdown.connect
def _let_go(**_: object) -> None:
    end_worker_sessions()
