"""The observer: follows every live cluster, keeps its picture right, and asks for checks the moment something changed.

One task per node reads the node's event stream, which feeds both. Nothing is believed of what an event says beyond that
something happened; what is true is looked at, by the picture's follower and by the checks themselves. When a stream
(re)opens, a look is asked for too, so that whatever happened unseen is not missed. What changed without an event, as
Swarm's tasks do, the follower finds and asks for checks as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

from channels.db import database_sync_to_async

from slipway.attempts import selectors, tasks
from slipway.attempts.models import Attempt
from slipway.clusters.budget import EventBudget
from slipway.clusters.follower import Follower
from slipway.clusters.pace import Pace
from slipway.core.errors import EngineError
from slipway.core.ids import SandboxId
from slipway.core.json import JSON, as_mapping, as_text
from slipway.core.logs import get_logger
from slipway.sandboxes.backends.base import Backend
from slipway.sandboxes.nodes import NodeRefusal, NodeSessions, follow_events
from slipway.sandboxes.tasks import dispatch

_log = get_logger(__name__)
_LIST_SECONDS = 1.0  # how soon a new sandbox is followed
_SETTLE_SECONDS = 0.1  # one command makes a burst of events; one look answers them all
_LONGEST_PAUSE = 5.0


class Observer:
    """Follows the ready sandboxes of unsubmitted attempts until cancelled."""

    def __init__(self, backend: Backend, *, pace: Pace | None = None) -> None:
        self._backend = backend
        self._pace = pace
        self._sessions = NodeSessions(backend)
        self._followers: dict[UUID, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Keep the set of followers equal to the set of live sandboxes."""
        try:
            while True:
                await self._keep_up()
                await asyncio.sleep(_LIST_SECONDS)
        finally:
            for follower in self._followers.values():
                follower.cancel()
            await asyncio.gather(*self._followers.values(), return_exceptions=True)
            await self._sessions.close()
            await self._backend.disconnect()

    async def _keep_up(self) -> None:
        try:
            wanted = await database_sync_to_async(selectors.watched_sandboxes)()
        except Exception as error:  # noqa: BLE001 - a database that is away for a moment must not end the observer
            _log.warning("database away", error=repr(error))
            return
        for sandbox in self._followers.keys() - wanted.keys():
            self._followers.pop(sandbox).cancel()
        for sandbox, nodes in wanted.items():
            follower = self._followers.get(sandbox)
            if follower is None or follower.done():
                self._followers[sandbox] = asyncio.create_task(self._follow(SandboxId(sandbox), nodes))

    async def _follow(self, sandbox: SandboxId, nodes: tuple[str, ...]) -> None:
        changed = asyncio.Event()
        follower = Follower(
            sandbox, nodes, backend=self._backend, sessions=self._sessions, on_change=changed.set, pace=self._pace
        )
        try:
            async with asyncio.TaskGroup() as group:
                for node in nodes:
                    group.create_task(self._listen(sandbox, node, follower, changed))
                group.create_task(follower.run())
                group.create_task(_ask_when(changed, sandbox))
        finally:
            await self._sessions.forget(sandbox)

    async def _listen(self, sandbox: SandboxId, node: str, follower: Follower, changed: asyncio.Event) -> None:
        pause, budget = 0.2, EventBudget()
        while True:
            try:
                async for event in follow_events(self._backend, sandbox, node):
                    pause = 0.2
                    follower.heard(node, event)
                    if is_change(event):
                        changed.set()
                    if wait := budget.spend():
                        follower.flooded(node)
                        await asyncio.sleep(wait)
            except (EngineError, NodeRefusal) as error:
                _log.info("stream lost", sandbox=str(sandbox), node=node, error=str(error))
            follower.mark(node)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def is_change(event: Mapping[str, JSON]) -> bool:
    """Whether an event may have changed what checks look at.

    Processes run inside containers are left out: checks run some themselves and would ask for checks for ever. What a
    learner runs that way is noticed by the end of their command in the shell.
    """
    match as_text(event.get("kind")):
        case "hello" | "links" | "service" | "power" | "dropped" | "kubernetes":
            return True
        case "shell":
            return as_text(event.get("what")) in {"finished", "exited"}
        case "docker":
            action = as_text(as_mapping(event.get("event")).get("Action"))
            return not action.startswith(("exec_", "health_status", "top"))
    return False


async def _ask_when(changed: asyncio.Event, sandbox: SandboxId) -> None:
    while True:
        await changed.wait()
        await asyncio.sleep(_SETTLE_SECONDS)
        changed.clear()
        try:
            await database_sync_to_async(_ask_for_checks)(sandbox)
        except Exception as error:  # noqa: BLE001 - as above; the mark is kept and asked for again
            _log.warning("checks not asked for", sandbox=str(sandbox), error=repr(error))
            changed.set()
            await asyncio.sleep(_LIST_SECONDS)


def _ask_for_checks(sandbox: SandboxId) -> None:
    for attempt in Attempt.objects.filter(sandbox=sandbox, submitted_at=None):
        dispatch(tasks.check_after_change, str(attempt.pk), attempt.current_step)
