"""The follower of a sandbox, with nodes in memory and a real Redis: what pages see, and what nodes cannot do to it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import redis
from channels.layers import get_channel_layer

from slipway.clusters import store
from slipway.clusters.budget import EVENTS_A_SECOND, EventBudget
from slipway.clusters.difference import apply
from slipway.clusters.follower import Follower, may_show
from slipway.clusters.pace import Pace
from slipway.core.events import sandbox_group
from slipway.core.ids import SandboxId
from slipway.core.json import JSON
from slipway.sandboxes.backends.base import NodeLimits
from slipway.sandboxes.backends.fake import FakeBackend, VanishingBackend
from slipway.sandboxes.backends.fake_node import FakeNode
from slipway.sandboxes.nodes import NodeSessions
from slipway.sandboxes.topology import NodeSpec
from tests.unit.clusters.answers import (
    CONTAINERS,
    NODE1,
    NODE2,
    SERVICES,
    container,
    info,
    member,
    network,
    service,
    task,
)

LIMITS = NodeLimits(memory=2**29, disk=2**30, cpus=1, pids=100)
QUICK = Pace(settle=0.01, rest=0.02, slow=0.3, unsettled=0.05, stuck=0.05, flood=0.3, traffic=0.05)
PATIENT = Pace(settle=0.01, rest=0.02, slow=60)
START: JSON = {"kind": "docker", "event": {"Type": "container", "Action": "start"}}

pytestmark = pytest.mark.usefixtures("empty_redis")


@pytest.fixture
def empty_redis(redis_server: redis.Redis) -> redis.Redis:
    """Redis, with nothing in it."""
    redis_server.flushall()
    return redis_server


class World:
    """A sandbox of fake nodes, its follower, and a page that hears of it."""

    def __init__(self, backend: FakeBackend, *nodes: str) -> None:
        self.backend = backend
        self.sandbox = SandboxId(uuid.uuid4())
        self.names = nodes
        backend.create_network(sandbox=self.sandbox)
        for name in nodes:
            backend.create_node(
                sandbox=self.sandbox, node=NodeSpec(name=name), peers=nodes, limits=LIMITS, lease_seconds=600
            )
        self.changes = 0
        self.page = Page(self.sandbox)

    def node(self, name: str = "node1") -> FakeNode:
        """One of its machines."""
        return self.backend.nodes(self.sandbox)[name]

    @asynccontextmanager
    async def followed(self, pace: Pace = QUICK) -> AsyncIterator[Follower]:
        """A follower that runs meanwhile."""
        sessions = NodeSessions(self.backend)
        follower = Follower(
            self.sandbox, self.names, backend=self.backend, sessions=sessions, on_change=self._changed, pace=pace
        )
        running = asyncio.create_task(follower.run())
        try:
            yield follower
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await sessions.close()

    def _changed(self) -> None:
        self.changes += 1


class Page:
    """What a page makes of the events that it gets."""

    def __init__(self, sandbox: SandboxId) -> None:
        self._group = sandbox_group(sandbox)
        self._channel = f"page.{uuid.uuid4().hex}"
        self.picture: dict[str, JSON] = {}
        self.sequence = 0
        self.whole = 0
        self.rates: list[JSON] = []

    async def listen(self) -> None:
        """Join the group of the sandbox."""
        await get_channel_layer().group_add(self._group, self._channel)

    async def sees(self, what: Callable[[dict[str, JSON]], object], *, seconds: float = 20) -> None:
        """Read events until the picture is so."""
        async with asyncio.timeout(seconds):
            while not (self.picture and what(self.picture)):
                await self.read()

    async def read(self) -> None:
        """Read one event."""
        event = (await get_channel_layer().receive(self._channel))["event"]
        if event["type"] == "traffic":
            self.rates = event["rates"]
            return
        if "snapshot" in event:
            self.picture = event["snapshot"]
            self.whole += 1
        else:
            assert event["sequence"] == self.sequence + 1
            self.picture = apply(event["changes"], self.picture)
        assert event["sequence"] > self.sequence
        self.sequence = event["sequence"]


@pytest.fixture
async def world() -> World:
    """One sandbox of two machines."""
    made = World(FakeBackend(), "node1", "node2")
    await made.page.listen()
    for name in made.names:
        made.node(name).docker["/networks"] = [network()]
    return made


def ids(picture: dict[str, JSON], collection: str) -> set[str]:
    """The ids in one collection of the picture."""
    return {entry["id"] for entry in picture[collection]}  # type: ignore[union-attr,index,call-overload,misc]


def states(picture: dict[str, JSON]) -> list[str]:
    """The states of the nodes."""
    return [node["state"] for node in picture["nodes"]]  # type: ignore[union-attr,index,call-overload,misc]


def problems(picture: dict[str, JSON]) -> set[str]:
    """What is wrong."""
    return ids(picture, "problems")


def make_swarm(world: World) -> None:
    """Node1 leads, node2 works."""
    world.node("node1").docker.update(
        {
            "/info": info(NODE1, manager=True),
            "/nodes": [member(NODE1, leader=True), member(NODE2)],
            SERVICES: [],
            "/tasks": [],
        }
    )
    world.node("node2").docker["/info"] = info(NODE2)


async def test_a_container_is_seen_soon_after_its_event(world: World) -> None:
    async with world.followed(PATIENT) as follower:
        await world.page.sees(lambda picture: states(picture) == ["up", "up"])
        world.node().docker[CONTAINERS] = [container("a" * 64)]
        follower.heard("node1", START)
        await world.page.sees(lambda picture: ids(picture, "containers") == {"a" * 12})
    assert (world.page.whole, world.changes) == (1, 1)


async def test_the_first_picture_is_complete(world: World) -> None:
    make_swarm(world)
    world.node().docker[SERVICES] = [service()]
    async with world.followed(PATIENT):
        await world.page.read()
    assert (ids(world.page.picture, "nodes"), len(ids(world.page.picture, "services"))) == ({"node1", "node2"}, 1)


async def test_tasks_are_followed_to_their_end_though_nothing_reports_them(world: World) -> None:
    make_swarm(world)
    manager = world.node().docker
    manager[SERVICES], manager["/tasks"] = [service(running=0, desired=1)], [task("t1", state="starting")]
    async with world.followed(Pace(settle=0.01, rest=0.02, slow=60, unsettled=0.05)):
        await world.page.sees(lambda picture: picture["tasks"])
        manager[SERVICES], manager["/tasks"] = [service(running=1, desired=1)], [task("t1")]
        await world.page.sees(lambda picture: picture["tasks"][0]["state"] == "running")  # type: ignore[index,call-overload]
        assert world.changes == 1
        asked = world.node().asked["docker"]
        await asyncio.sleep(0.5)
        assert world.node().asked["docker"] - asked <= 6, "a settled swarm is asked all the time"


async def test_a_node_that_joins_is_told_of_with_what_its_leader_says(world: World) -> None:
    async with world.followed(PATIENT) as follower:
        await world.page.sees(lambda picture: picture["nodes"])
        make_swarm(world)
        follower.heard("node1", START)
        await world.page.sees(lambda picture: picture["nodes"][0]["swarm"])  # type: ignore[index,call-overload]
        assert world.page.picture["nodes"][0]["swarm"]["leader"] is True  # type: ignore[index,call-overload]


async def test_a_lost_quorum_is_said_and_services_stay_in_the_picture(world: World) -> None:
    make_swarm(world)
    manager = world.node().docker
    manager[SERVICES] = [service()]
    async with world.followed(QUICK):
        await world.page.sees(lambda picture: picture["services"])
        manager["/info"] = info(NODE1, manager=True, error="rpc error: The swarm does not have a leader.")
        del manager["/nodes"]
        await world.page.sees(lambda picture: problems(picture) == {"quorum-lost"})
        assert world.page.picture["services"]
        make_swarm(world)
        await world.page.sees(lambda picture: not problems(picture))


async def test_of_several_managers_an_unplugged_one_is_asked_last(world: World) -> None:
    make_swarm(world)
    other = world.node("node2")
    other.docker.update({"/info": info(NODE2, manager=True), SERVICES: [], "/tasks": []})
    other.docker["/nodes"] = [member(NODE1, leader=False, state="down"), member(NODE2, leader=True)]
    world.node("node1").plugged = False
    async with world.followed(QUICK):
        await world.page.sees(lambda picture: states(picture) == ["unplugged", "up"])
        await world.page.sees(lambda picture: picture["nodes"][1]["swarm"]["leader"])  # type: ignore[index,call-overload]


async def test_a_node_that_ended_is_down_and_one_whose_engine_is_away_keeps_its_containers(world: World) -> None:
    world.node("node2").docker[CONTAINERS] = [container("a" * 64)]
    async with world.followed(QUICK) as follower:
        await world.page.sees(lambda picture: picture["containers"])
        world.node("node2").engine_is_up = False
        await world.page.sees(lambda picture: picture["nodes"][1]["engine"] == "down")  # type: ignore[index,call-overload]
        assert world.page.picture["containers"]
        world.node("node2").end(0)
        follower.mark("node2")
        await world.page.sees(lambda picture: states(picture) == ["up", "down"] and not picture["containers"])


async def test_a_sandbox_that_was_lost_is_down(world: World) -> None:
    lost = World(VanishingBackend(), "node1")
    await lost.page.listen()
    async with lost.followed(QUICK) as follower:
        await lost.page.sees(lambda picture: states(picture) == ["up"])
        node = lost.node()
        lost.backend.lose(lost.sandbox)  # type: ignore[attr-defined]
        node.end(0)
        follower.mark("node1")
        await lost.page.sees(lambda picture: states(picture) == ["down"])


async def test_a_follower_that_begins_again_tells_everything_and_its_sequence_is_ahead(world: World) -> None:
    async with world.followed(PATIENT):
        await world.page.sees(lambda picture: not picture["containers"])
    world.node().docker[CONTAINERS] = [container("a" * 64)]
    async with world.followed(PATIENT):
        await world.page.sees(lambda picture: ids(picture, "containers") == {"a" * 12})
    assert world.page.whole == 2


async def test_a_redis_that_forgot_is_told_everything_again(world: World, empty_redis: redis.Redis) -> None:
    async with world.followed(QUICK):
        await world.page.sees(lambda picture: picture["nodes"])
        empty_redis.flushall()
        await world.page.listen()
        while world.page.whole < 2:
            await world.page.read()
    latest = store.latest(world.sandbox)
    assert latest is not None
    assert (latest["sequence"], latest["snapshot"]) == (world.page.sequence, world.page.picture)


async def test_a_loud_node_is_looked_at_now_and_then_and_its_neighbours_are_not_held_up(world: World) -> None:
    neighbour = World(world.backend, "node1")
    await neighbour.page.listen()
    async with AsyncExitStack() as both:
        loud = await both.enter_async_context(world.followed(Pace()))
        quiet = await both.enter_async_context(neighbour.followed(Pace()))
        await neighbour.page.sees(lambda picture: picture["nodes"])
        await world.page.sees(lambda picture: picture["nodes"])
        began, asked = time.monotonic(), world.node().asked["status"]
        flood = asyncio.create_task(flood_with_marks(loud))
        neighbour.node().docker[CONTAINERS] = [container("a" * 64)]
        quiet.heard("node1", START)
        await neighbour.page.sees(lambda picture: picture["containers"])
        assert not flood.done()
        flood.cancel()
        looks = world.node().asked["status"] - asked
        assert looks <= 1 + (time.monotonic() - began) / (Pace().rest + Pace().settle)


async def flood_with_marks(follower: Follower) -> None:
    """Report changes without end, letting others have their turn in between."""
    while True:
        for _ in range(200):
            follower.heard("node1", START)
        await asyncio.sleep(0)


async def test_while_events_are_dropped_the_picture_says_that_it_may_lag(world: World) -> None:
    async with world.followed(QUICK) as follower:
        follower.heard("node2", {"kind": "dropped", "count": 800})
        await world.page.sees(lambda picture: problems(picture) == {"node-flooding"})
        await world.page.sees(lambda picture: not problems(picture))


async def test_traffic_is_measured_only_while_somebody_looks(world: World) -> None:
    node = world.node()
    node.docker[CONTAINERS] = [container("a" * 64)]
    async with world.followed(QUICK):
        await world.page.sees(lambda picture: picture["containers"])
        await asyncio.sleep(0.3)
        assert node.asked["traffic"] == 0
        store.watch(world.sandbox)
        async with asyncio.timeout(5):
            while not world.page.rates:
                sent = node.asked["traffic"]
                node.traffic = [
                    {
                        "id": "a" * 64,
                        "interfaces": [{"mac": "02:42:ac:11:00:02", "rx_bytes": 900 * sent, "tx_bytes": 0}],
                    }
                ]
                await asyncio.sleep(0.02)
                if sent > 3:
                    await world.page.read()
    assert world.page.rates[0]["container"] == "a" * 12  # type: ignore[index,call-overload]


def test_a_stream_is_read_no_faster_than_its_budget() -> None:
    moment = 0.0
    budget = EventBudget(now=lambda: moment)
    waits = [budget.spend() for _ in range(EVENTS_A_SECOND)]
    assert (sum(1 for wait in waits if wait), waits[-1]) == (1, 1.0)
    moment = 1.0
    assert budget.spend() == 0


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"kind": "hello"}, True),
        ({"kind": "docker", "event": {"Type": "container", "Action": "health_status: healthy"}}, True),
        ({"kind": "docker", "event": {"Type": "container", "Action": "exec_start: true"}}, False),
        ({"kind": "power", "plugged": False}, True),
        ({"kind": "shell", "what": "finished"}, False),
        ({"kind": "tick"}, False),
        ({"kind": ["garbage"], "event": 7}, False),
    ],
)
def test_only_what_may_show_in_the_picture_asks_for_a_look(event: dict[str, JSON], expected: bool) -> None:
    assert may_show(event) is expected
