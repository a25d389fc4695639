"""The follower of a Kubernetes cluster, with nodes in memory and a real Redis: what pages see, and how soon."""

from __future__ import annotations

import asyncio

import pytest
import redis

from slipway.clusters.kube_reading import KINDS
from slipway.clusters.pace import Pace
from slipway.core.json import JSON
from slipway.sandboxes.backends.fake import FakeBackend
from tests.unit.clusters.kube_answers import cluster, key, listed, pod
from tests.unit.clusters.test_follower import World, ids, problems
from tests.unit.clusters.test_kube_reading import CONTROL, WORKER

PATIENT = Pace(settle=0.01, rest=0.02, slow=60)
QUICK = Pace(settle=0.01, rest=0.02, slow=0.3, unsettled=0.05, stuck=0.05)
PODS_CHANGED: JSON = {"kind": "kubernetes", "changed": ["configmaps", "pods"]}


@pytest.fixture
async def world(redis_server: redis.Redis) -> World:
    """A control plane and two workers, with a deployment."""
    redis_server.flushall()
    made = World(FakeBackend(), "control", "worker1", "worker2")
    await made.page.listen()
    for name in made.names:
        made.node(name).components = CONTROL if name == "control" else WORKER
    made.node("control").kubernetes = {KINDS[kind]: answer for kind, answer in cluster().items()}
    return made


async def test_the_first_picture_is_complete(world: World) -> None:
    async with world.followed(PATIENT):
        await world.page.read()
    assert len(ids(world.page.picture, "pods")) == 2
    assert ids(world.page.picture, "workloads") == {key("web"), key("web-5f6d")}
    assert world.page.whole == 1


async def test_only_what_changed_is_listed_again(world: World) -> None:
    control = world.node("control")
    async with world.followed(PATIENT) as follower:
        await world.page.read()
        asked = control.asked["kubernetes"]
        control.kubernetes[KINDS["pods"]] = listed(pod("web-5f6d-ccccc"))
        follower.heard("control", PODS_CHANGED)  # type: ignore[arg-type]
        await world.page.sees(lambda picture: ids(picture, "pods") == {key("web-5f6d-ccccc")})
        assert control.asked["kubernetes"] - asked == 1
    assert world.changes == 1


async def test_kinds_that_are_not_shown_and_nonsense_are_not_looked_at(world: World) -> None:
    control = world.node("control")
    async with world.followed(PATIENT) as follower:
        await world.page.read()
        asked = control.asked["kubernetes"]
        nonsense: list[JSON] = ["configmaps", "pods", ["configmaps"], [["pods"], {}, None, 7], ["x" * 9999], {}]
        for changed in nonsense:
            follower.heard("control", {"kind": "kubernetes", "changed": changed})
        await asyncio.sleep(0.2)
        assert control.asked["kubernetes"] == asked


async def test_a_silent_api_server_is_said_and_asked_until_it_answers(world: World) -> None:
    control = world.node("control")
    async with world.followed(QUICK) as follower:
        await world.page.read()
        control.engine_is_up = False
        follower.heard("control", PODS_CHANGED)  # type: ignore[arg-type]
        await world.page.sees(lambda picture: problems(picture) == {"api-server-silent"})
        assert len(ids(world.page.picture, "pods")) == 2
        control.engine_is_up = True
        await world.page.sees(lambda picture: not problems(picture))


async def test_docker_is_not_asked_of_nodes_that_have_none(world: World) -> None:
    async with world.followed(PATIENT):
        await world.page.read()
    assert [world.node(name).asked["docker"] for name in world.names] == [0, 0, 0]
