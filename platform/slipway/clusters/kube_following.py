"""Keeps the view of a sandbox's Kubernetes cluster right: its agent tells which kinds of objects have changed, and
these are listed again. Nothing is believed of what it tells beyond that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from slipway.clusters.kube_reading import KINDS, KubeView, Lists, read_cluster
from slipway.clusters.looking import Looker
from slipway.clusters.node_reading import NodePart
from slipway.clusters.pace import Pace, rest, set_within
from slipway.core.json import JSON, as_text

_KINDS_HEARD = 32  # of one event


class ClusterFollower:
    """Follows the cluster among the nodes, if there is one. `on_look` is called after each look at it."""

    def __init__(self, looker: Looker, pace: Pace, *, on_look: Callable[[], None]) -> None:
        self._looker = looker
        self._pace = pace
        self._on_look = on_look
        self._mark = asyncio.Event()
        self._kinds: set[str] = set()
        self._lists: Lists = {}
        self._silent_since: float | None = None
        self.view: KubeView | None = None
        self.looked = False
        """Whether it is known what there is of Kubernetes, be it nothing."""

    def heard(self, event: Mapping[str, JSON]) -> None:
        """A node reported something."""
        changed = event.get("changed")
        if as_text(event.get("kind")) == "kubernetes" and isinstance(changed, list):
            self.mark(kind for kind in map(as_text, changed[:_KINDS_HEARD]) if kind in KINDS)

    def mark(self, kinds: Iterable[str] = KINDS) -> None:
        """Look at these kinds again."""
        self._kinds.update(kinds)
        if self._kinds:
            self._mark.set()

    async def run(self, parts: Callable[[], Sequence[NodePart] | None]) -> None:
        """Keep the view right. `parts` gives what the nodes hold, None until that is known."""
        while True:
            await set_within(self._mark, self._pause())
            self._mark.clear()
            began = time.process_time()
            found = parts()
            if found is not None:
                await self._look(next((part.node for part in found if part.controls), ""))
                self.looked = True
                self._on_look()
            await rest(self._pace, began)

    async def _look(self, control: str) -> None:
        """Look at what was marked or, where nothing was for a while, at everything."""
        kinds, self._kinds = self._kinds or set(KINDS), set()
        if not control:
            self.view = None
            return
        lists = await self._looker.look_at_cluster(control, kinds, self._lists)
        if lists is None:
            self._silent_since = self._silent_since or time.monotonic()
            self._kinds.update(KINDS)
            self.view = replace(self.view or KubeView(), silent=True)
        else:
            self._silent_since = None
            self._lists = lists
            self.view = read_cluster(lists)

    def _pause(self) -> float:
        if self._silent_since is None:
            return self._pace.slow
        waits = time.monotonic() - self._silent_since < self._pace.patience
        return self._pace.unsettled if waits else self._pace.stuck
