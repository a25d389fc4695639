"""One look at a cluster: checks that ask the same thing within it share one answer.

Only questions that change nothing and see the whole cluster at once (GETs of Docker and Kubernetes, interfaces) are
shared; pages, pings and programs are asked anew by every check.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from slipway.checks.clock import Clock
from slipway.checks.examiner import Ask
from slipway.core.json import JSON
from slipway.sandboxes.nodes import NodeRefusal

_SHARED = frozenset({"docker", "kubernetes", "links"})
_ENGINE_BACK = 3.0  # seconds within which a node's agent has a killed Docker back


class Round:
    """Answers shared within one look."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._answers: dict[str, asyncio.Task[JSON]] = {}

    async def ask(self, node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:  # noqa: ASYNC109
        """As `Ask`; the first check to ask waits for the node, the others for it."""
        if op not in _SHARED:
            return await self._patient(node, op, params, timeout)
        key = json.dumps([node, op, params], sort_keys=True)
        task = self._answers.get(key)
        if task is None:
            task = self._answers[key] = asyncio.create_task(self._patient(node, op, params, timeout))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Forget the answers, and end questions that nobody waits for any more."""
        for task in self._answers.values():
            task.cancel()
        await asyncio.gather(*self._answers.values(), return_exceptions=True)

    async def _patient(self, node: str, op: str, params: Mapping[str, JSON], timeout: float) -> JSON:  # noqa: ASYNC109
        """Ask; while the node's Docker is coming back, ask again: nobody should fail for two bad seconds."""
        until = self._clock.now() + _ENGINE_BACK
        while True:
            try:
                return await self._ask(node, op, params, timeout)
            except NodeRefusal as refusal:
                if refusal.code != "unavailable" or self._clock.now() >= until:
                    raise
            await self._clock.sleep(0.5)
