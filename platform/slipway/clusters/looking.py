"""Asking nodes what they hold. One look at a node, or at the swarms among them, is a handful of requests; what is not
answered in time is as it was. Never raises for what a node does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from slipway.clusters.kube_reading import KINDS, OBJECTS_READ, SELECTORS, Lists
from slipway.clusters.node_reading import (
    CONTAINERS_READ,
    NodeAnswers,
    NodePart,
    read_node,
    runs_kubernetes,
    says_leaderless,
)
from slipway.clusters.swarm_reading import SwarmView, read_swarm
from slipway.core.errors import EngineError
from slipway.core.ids import SandboxId
from slipway.core.json import JSON, as_mapping
from slipway.core.logs import get_logger
from slipway.sandboxes.backends.base import Backend, NodeState
from slipway.sandboxes.nodes import NodeRefusal, NodeSessions

_log = get_logger(__name__)
_PATIENCE = 5.0  # seconds for one answer
# A manager that is losing its quorum hangs at /info, and its containers should not wait for that; nor should a picture
# for an API server that has lost its etcd.
_INFO_PATIENCE = 2.5
_CONTAINERS = f"/containers/json?all=true&limit={CONTAINERS_READ}"


@dataclass(frozen=True, slots=True)
class Refused:
    """An engine's answer that is an error, or that was not given at all."""

    message: JSON = None


class Looker:
    """Asks the nodes of one sandbox."""

    def __init__(self, sandbox: SandboxId, *, backend: Backend, sessions: NodeSessions) -> None:
        self._sandbox = sandbox
        self._backend = backend
        self._sessions = sessions

    async def look_at_node(self, node: str, before: NodePart | None) -> NodePart:
        """The node's part as it is now."""
        try:
            status = await self._ask(node, "status", {})
        except EngineError as error:
            _log.info("node does not answer", sandbox=str(self._sandbox), node=node, error=error.detail)
            return await self._silent(node, before)
        except NodeRefusal:
            status = None
        if runs_kubernetes(status):  # what it runs is the cluster's to tell
            return read_node(node, NodeAnswers(status=status, links=await self._links(node)), before)
        links, info, networks, containers = await asyncio.gather(
            self._links(node),
            self._docker(node, "/info", patience=_INFO_PATIENCE),
            self._docker(node, "/networks"),
            self._docker(node, _CONTAINERS),
        )
        answers = NodeAnswers(status=status, links=links, info=_body(info), networks=_body(networks))
        return read_node(node, replace(answers, containers=_body(containers)), before)

    async def look_at_swarms(self, parts: Sequence[NodePart], before: Iterable[SwarmView]) -> tuple[SwarmView, ...]:
        """Every swarm that a node manages, as its leader sees it; where none leads, as it last was."""
        managers: dict[str, list[NodePart]] = {}
        for part in parts:
            if part.membership and part.membership.manages and part.state in {"up", "unplugged"}:
                managers.setdefault(part.membership.cluster, []).append(part)
        old = {view.cluster: view for view in before}
        return tuple(
            [
                await self._look_at_swarm(cluster, those, old.get(cluster) or SwarmView(cluster))
                for cluster, those in managers.items()
            ]
        )

    async def _look_at_swarm(self, cluster: str, managers: list[NodePart], before: SwarmView) -> SwarmView:
        """The first answer counts. One that is unplugged may not know yet that it no longer leads: it is asked last."""

        def order(part: NodePart) -> tuple[bool, bool]:
            return part.state != "up", part.membership is None or part.membership.id != before.leader

        leaderless = all(part.state == "unplugged" for part in managers)
        for part in sorted(managers, key=order):
            nodes = await self._docker(part.node, "/nodes")
            if not isinstance(nodes, Refused):
                services, tasks = await asyncio.gather(
                    self._docker(part.node, "/services?status=true"), self._docker(part.node, "/tasks")
                )
                if not isinstance(services, Refused) and not isinstance(tasks, Refused):
                    return read_swarm(cluster, nodes=nodes, services=services, tasks=tasks)
                nodes = services if isinstance(services, Refused) else tasks
            known = part.membership is not None and part.membership.leaderless
            leaderless = leaderless or known or (isinstance(nodes, Refused) and says_leaderless(nodes.message))
        return replace(before, leaderless=leaderless or before.leaderless)

    async def look_at_cluster(self, control: str, kinds: Collection[str], before: Lists) -> Lists | None:
        """The lists of these kinds as they are now and the others as they were; None when nothing is answered."""
        wanted = sorted(kinds)
        paths = [f"{KINDS[kind]}?limit={OBJECTS_READ}&{SELECTORS.get(kind, '')}".rstrip("&") for kind in wanted]
        answers = await asyncio.gather(*(self._kubernetes(control, path) for path in paths))
        told = {kind: answer for kind, answer in zip(wanted, answers, strict=True) if not isinstance(answer, Refused)}
        return {**before, **told} if told else None

    async def traffic(self, node: str) -> JSON:
        """The node's counters; None when it does not tell them."""
        try:
            return await self._ask(node, "traffic", {})
        except (EngineError, NodeRefusal):
            return None

    async def _silent(self, node: str, before: NodePart | None) -> NodePart:
        """A node that does not answer: ended, as the engine under it says, or nobody knows."""
        try:
            survey = await asyncio.to_thread(self._backend.survey, sandbox=self._sandbox)
        except EngineError:
            return replace(before or NodePart(node), state="unknown")
        status = survey.get(self._sandbox, {}).get(node)
        if status is None or status.state is not NodeState.RUNNING:
            return NodePart(node, state="down", address=before.address if before else "")
        return replace(before or NodePart(node), state="unknown")

    async def _links(self, node: str) -> JSON:
        try:
            return await self._ask(node, "links", {})
        except (EngineError, NodeRefusal):
            return None

    async def _docker(self, node: str, path: str, *, patience: float = _PATIENCE) -> JSON | Refused:
        return await self._api(node, "docker", {"method": "GET", "path": path, "timeout_ms": int(1000 * patience)})

    async def _kubernetes(self, node: str, path: str) -> JSON | Refused:
        return await self._api(node, "kubernetes", {"path": path, "timeout_ms": int(1000 * _INFO_PATIENCE)})

    async def _api(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON | Refused:
        try:
            answer = as_mapping(await self._ask(node, op, params))
        except (EngineError, NodeRefusal):
            return Refused()
        if answer.get("status") != 200 or answer.get("truncated") is not False:
            return Refused(as_mapping(answer.get("body")).get("message"))
        return answer.get("body")

    async def _ask(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON:
        return await self._sessions.request(self._sandbox, node, op, params, timeout=_PATIENCE + 1)


def _body(answer: JSON | Refused) -> JSON:
    return None if isinstance(answer, Refused) else answer
