"""Keeps the picture of one sandbox right: looks where something happened, and tells pages what changed.

What nodes report are only marks that say "look again". Each node is looked at by a task of its own, which rests after
a look in proportion to what it cost, so that a loud or hostile node holds up nobody's picture but its own. Swarm moves
tasks without a word, so while some are not where they should be its leader is asked again and again; a Kubernetes
cluster, whose agent tells of every change, is followed in `kube_following`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from redis.exceptions import RedisError

from slipway.clusters import store
from slipway.clusters.assembling import assemble
from slipway.clusters.difference import difference
from slipway.clusters.kube_following import ClusterFollower
from slipway.clusters.looking import Looker
from slipway.clusters.node_reading import NodePart
from slipway.clusters.pace import Pace, rest, set_within
from slipway.clusters.problems import ProblemKind
from slipway.clusters.snapshot import Snapshot
from slipway.clusters.swarm_reading import SwarmView
from slipway.clusters.traffic import Counters, rates, read_counters
from slipway.core.events import publish_now, sandbox_group
from slipway.core.ids import SandboxId
from slipway.core.json import JSON, as_mapping, as_text
from slipway.core.logs import get_logger
from slipway.sandboxes.backends.base import Backend
from slipway.sandboxes.nodes import NodeSessions

_log = get_logger(__name__)


class Follower:
    """Follows one sandbox until cancelled. `on_change` is called when the picture has changed."""

    def __init__(
        self,
        sandbox: SandboxId,
        nodes: tuple[str, ...],
        *,
        backend: Backend,
        sessions: NodeSessions,
        on_change: Callable[[], None],
        pace: Pace | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._nodes = nodes
        self._looker = Looker(sandbox, backend=backend, sessions=sessions)
        self._on_change = on_change
        self._pace = pace or Pace()
        self._marks = {node: asyncio.Event() for node in nodes}
        self._swarm_mark = asyncio.Event()
        self._looked = asyncio.Event()
        self._parts: dict[str, NodePart] = {}
        self._views: tuple[SwarmView, ...] | None = None
        self._cluster = ClusterFollower(self._looker, self._pace, on_look=self._looked.set)
        self._told: Snapshot | None = None
        self._moved_at = 0.0
        self._loud: dict[str, float] = {}
        # Milliseconds of the clock: a follower that begins again is ahead of what pages have seen.
        self._sequence = int(time.time() * 1000)

    def heard(self, node: str, event: Mapping[str, JSON]) -> None:
        """A node reported something."""
        if as_text(event.get("kind")) == "dropped":
            self.flooded(node)
        self._cluster.heard(event)
        if may_show(event):
            self.mark(node)

    def mark(self, node: str) -> None:
        """Look at the node again."""
        self._marks[node].set()

    def flooded(self, node: str) -> None:
        """The node reports more than is followed."""
        self._loud[node] = time.monotonic()

    async def run(self) -> None:
        """Keep the picture right."""
        async with asyncio.TaskGroup() as group:
            for node in self._nodes:
                group.create_task(self._watch_node(node))
            group.create_task(self._watch_swarms())
            group.create_task(self._cluster.run(self._all_parts))
            group.create_task(self._tell())
            group.create_task(self._measure_traffic())

    async def _watch_node(self, node: str) -> None:
        mark, marked = self._marks[node], True
        while True:
            mark.clear()
            began = time.process_time()
            before = self._parts.get(node)
            part = self._parts[node] = await self._looker.look_at_node(node, before)
            moved = before is None or before.membership != part.membership
            if marked or moved:
                self._swarm_mark.set()
            if before is None or (before.components, before.state) != (part.components, part.state):
                self._cluster.mark()
            if not moved:  # a node that has just joined is told of together with what its leader says of it
                self._looked.set()
            await rest(self._pace, began)
            marked = await set_within(mark, self._pace.slow)
            await asyncio.sleep(self._pace.settle)

    async def _watch_swarms(self) -> None:
        while True:
            await set_within(self._swarm_mark, self._swarm_pause())
            self._swarm_mark.clear()
            began = time.process_time()
            if parts := self._all_parts():
                views = await self._looker.look_at_swarms(parts, self._views or ())
                if views != self._views:
                    self._moved_at = time.monotonic()
                self._views = views
                self._looked.set()
            await rest(self._pace, began)

    def _swarm_pause(self) -> float:
        if all(view.is_settled for view in self._views or ()):
            return self._pace.slow
        moves = time.monotonic() - self._moved_at < self._pace.patience
        return self._pace.unsettled if moves else self._pace.stuck

    def _all_parts(self) -> list[NodePart] | None:
        """What all nodes hold, in their order; None until each was looked at."""
        return [self._parts[node] for node in self._nodes] if len(self._parts) == len(self._nodes) else None

    async def _tell(self) -> None:
        renewed = time.monotonic()
        while True:
            await set_within(self._looked, self._pace.slow)
            self._looked.clear()
            if self._views is None or not self._cluster.looked:
                continue  # a picture with half of its parts would only flicker
            try:
                await self._tell_changes()
                if time.monotonic() - renewed > self._pace.slow:
                    renewed = time.monotonic()
                    if not await asyncio.to_thread(store.renew, self._sandbox):
                        await self._tell_everything(self._told or self._assembled())
            except (RedisError, OSError) as error:
                _log.warning("picture not told", sandbox=str(self._sandbox), error=repr(error))
                self._told = None
                await asyncio.sleep(1)
                self._looked.set()

    def _assembled(self) -> Snapshot:
        loud = any(time.monotonic() - since < self._pace.flood for since in self._loud.values())
        problems = [ProblemKind.NODE_FLOODING] if loud else []
        return assemble(self._all_parts() or (), self._views or (), problems, cluster=self._cluster.view)

    async def _tell_changes(self) -> None:
        snapshot = self._assembled()
        if self._told is None:
            await self._tell_everything(snapshot)
        elif changes := difference(self._told, snapshot):
            await self._send(snapshot, {"changes": changes})
            self._on_change()

    async def _tell_everything(self, snapshot: Snapshot) -> None:
        await self._send(snapshot, {"snapshot": snapshot.to_json()})

    async def _send(self, snapshot: Snapshot, content: Mapping[str, JSON]) -> None:
        """Keep everything first: a page that connects in between has either this or the one before, and says so."""
        self._sequence += 1
        head: dict[str, JSON] = {"type": "cluster", "sandbox": str(self._sandbox), "sequence": self._sequence}
        whole = {**head, "snapshot": content.get("snapshot") or snapshot.to_json()}
        await asyncio.to_thread(store.keep, self._sandbox, whole)
        await publish_now(sandbox_group(self._sandbox), "cluster.event", {**head, **content})
        self._told = snapshot

    async def _measure_traffic(self) -> None:
        """Once a second while somebody looks: what goes through each link of the picture."""
        counted: dict[str, tuple[float, Counters]] = {}
        glowing = False
        while True:
            await asyncio.sleep(self._pace.traffic)
            if not await self._is_watched():
                counted.clear()
                await asyncio.sleep(self._pace.traffic)
                continue
            found = [rate for each in await self._rates(counted) for rate in each]
            if found or glowing:
                event: dict[str, JSON] = {"type": "traffic", "sandbox": str(self._sandbox), "rates": found}
                await publish_now(sandbox_group(self._sandbox), "cluster.event", event)
            glowing = bool(found)

    async def _rates(self, counted: dict[str, tuple[float, Counters]]) -> list[list[JSON]]:
        async def of(node: str) -> list[JSON]:
            answer = await self._looker.traffic(node)
            if answer is None:
                return []
            moment, now = time.monotonic(), read_counters(answer, self._parts[node])
            since, before = counted.get(node, (moment, {}))
            counted[node] = moment, now
            return rates(before, now, moment - since) if moment > since else []

        return await asyncio.gather(*(of(node) for node in self._nodes if node in self._parts))

    async def _is_watched(self) -> bool:
        try:
            return await asyncio.to_thread(store.is_watched, self._sandbox)
        except (RedisError, OSError):
            return False


def may_show(event: Mapping[str, JSON]) -> bool:
    """Whether the picture may look different after this event. What runs inside a container is not in it."""
    match as_text(event.get("kind")):
        case "hello" | "links" | "service" | "dropped" | "power":
            return True
        case "docker":
            action = as_text(as_mapping(event.get("event")).get("Action"))
            return not action.startswith(("exec_", "top"))
    return False
