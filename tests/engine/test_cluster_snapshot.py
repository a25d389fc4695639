"""The picture of a live sandbox: it follows real containers, networks and a swarm, and outlives the observer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from slipway.clusters.snapshot import LIMITS
from slipway.sandboxes.backends.docker import DockerBackend
from tests.browsing import Visitor
from tests.engine.machines import Machines, container, running, unsettled
from tests.engine.rows import ready_attempt, sandbox_row
from tests.live import LivePlatform
from tests.picture import LivePicture, Picture

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def visitor(live_platform: LivePlatform) -> Visitor:
    """One guest for all of these."""
    return Visitor.as_guest(live_platform)


@pytest.fixture
def attempt(live_platform: LivePlatform, visitor: Visitor) -> Iterator[str]:
    """A lab with two machines of its own."""
    started = ready_attempt(live_platform, visitor)
    yield started
    visitor.post(f"/attempts/{started}/stop", {})


@pytest.fixture
async def machines(live_platform: LivePlatform, docker_backend: DockerBackend, attempt: str) -> AsyncIterator[Machines]:
    """As above."""
    found = Machines(docker_backend, sandbox_row(live_platform, attempt).sandbox)
    yield found
    await found.leave()


@pytest.fixture
async def picture(live_platform: LivePlatform, visitor: Visitor, attempt: str) -> AsyncIterator[LivePicture]:
    """The page's picture."""
    async with LivePicture(live_platform, visitor, attempt) as shown:
        yield shown


async def test_containers_networks_and_traffic_are_seen_as_they_happen(
    machines: Machines, picture: LivePicture
) -> None:
    await picture.watch()
    await machines.run("node1", "docker network create front")
    await picture.until(lambda now: any(network["name"] == "front" for network in now["networks"]), seconds=3)
    await machines.run("node1", "docker run -d --name web --network front -p 8080:80 nginx")
    took = await picture.until(lambda now: container(now, "web").get("state") == "running", seconds=3)
    web = container(picture.current, "web")
    print(f"\nseen {took * 1000:.0f} ms after docker run had ended")
    front = next(network["id"] for network in picture.current["networks"] if network["name"] == "front")
    assert [place["network"] for place in web["networks"]] == [front]  # type: ignore[index,attr-defined]
    assert web["ports"] == [{"address": "0.0.0.0", "published": 8080, "target": 80, "protocol": "tcp"}]
    assert [node["address"] != "" for node in picture.current["nodes"]] == [True, True]
    await picture.until_rates(lambda rates: not rates)
    await machines.run("node1", "for i in $(seq 20); do curl -s -o /dev/null localhost:8080; sleep 0.1; done")
    await picture.until_rates(lambda rates: any(r["container"] == web["id"] and r["network"] == front for r in rates))
    await picture.until_rates(lambda rates: not rates)
    await machines.run("node1", "docker kill web")
    await picture.until(lambda now: container(now, "web").get("exit_code") == 137, seconds=3)
    await machines.run("node1", "docker rm web")
    await picture.until(lambda now: not container(now, "web"), seconds=3)


async def test_a_service_over_two_nodes_is_seen_with_its_tasks_and_what_becomes_of_them(
    machines: Machines, picture: LivePicture
) -> None:
    await machines.make_swarm()
    await picture.until(lambda now: all(node["swarm"] for node in now["nodes"]), seconds=5)
    seats = [(node["swarm"]["role"], node["swarm"]["leader"]) for node in picture.current["nodes"]]
    assert seats == [("manager", True), ("worker", False)]
    await machines.run("node1", "docker network create -d overlay front")
    await machines.run("node1", "docker service create -d --name web --network front --replicas 4 -p 8081:80 nginx")
    await picture.until(lambda now: running(now) == {"node1": 2, "node2": 2}, seconds=20)
    (service,) = picture.current["services"]
    assert (service["name"], service["desired"], service["ports"][0]["published"]) == ("web", 4, 8081)
    (front,) = [network for network in picture.current["networks"] if network["name"] == "front"]
    await picture.until(lambda now: len(attached(now, front["id"])) == 4, seconds=5)
    assert attached(picture.current, front["id"]) == {task["container"] for task in picture.current["tasks"]}
    assert front["id"] in service["networks"]
    await picture.until(lambda now: network_nodes(now, "front") == ["node1", "node2"], seconds=5)
    await machines.run("node1", "docker service scale -d web=1")
    await picture.until(lambda now: sum(running(now).values()) == 1 and not unsettled(now), seconds=30)
    await machines.run("node1", "docker service update -d --image no-such-image web")
    await picture.until(lambda now: any(task["error"] for task in now["tasks"]), seconds=30)
    await machines.run("node1", "docker service rm web")
    await picture.until(lambda now: not now["services"] and not now["tasks"], seconds=20)


def attached(picture: Picture, network: str) -> set[str]:
    """The running containers on a network."""
    return {
        each["id"]
        for each in picture["containers"]
        if each["state"] == "running" and any(place["network"] == network for place in each["networks"])
    }


def network_nodes(picture: Picture, name: str) -> list[str]:
    """Which nodes have the network."""
    return next((network["nodes"] for network in picture["networks"] if network["name"] == name), [])


async def test_a_swarm_that_loses_its_quorum_says_so_and_stays_in_the_picture(
    machines: Machines, picture: LivePicture
) -> None:
    await machines.make_swarm()
    await machines.run("node1", "docker node promote node2")
    await machines.run("node1", "docker service create -d --name web nginx")
    await picture.until(lambda now: sum(running(now).values()) == 1, seconds=20)
    await machines.run("node2", "ip link set eth0 down")
    took = await picture.until(lambda now: [p["id"] for p in now["problems"]] == ["quorum-lost"], seconds=60)
    print(f"\nsaid {took:.1f} s after the link was cut: {picture.current['problems'][0]['sentence']}")
    assert [service["name"] for service in picture.current["services"]] == ["web"]
    assert not any(node["swarm"]["leader"] for node in picture.current["nodes"])
    await machines.run("node1", "docker run -d --name alone nginx")
    await picture.until(lambda now: container(now, "alone").get("state") == "running", seconds=8)
    await machines.run("node2", "ip link set eth0 up")
    await picture.until(lambda now: not now["problems"], seconds=60)
    await picture.until(lambda now: sum(node["swarm"]["leader"] for node in now["nodes"]) == 1, seconds=10)


async def test_a_killed_observer_comes_back_with_the_right_picture(
    live_platform: LivePlatform, machines: Machines, picture: LivePicture
) -> None:
    await machines.run("node1", "docker run -d --name before nginx")
    await picture.until(lambda now: container(now, "before"))
    old, whole = live_platform.pid("observer"), picture.whole
    live_platform.kill("observer")
    await machines.run("node1", "docker rm -f before; docker run -d --name after nginx")
    await asyncio.to_thread(live_platform.wait_for_restart, "observer", old)
    came_back = time.monotonic()
    await picture.until(lambda now: container(now, "after") and not container(now, "before"))
    print(f"\nright {time.monotonic() - came_back:.1f} s after the observer's process began")
    assert picture.whole > whole
    await machines.run("node1", "docker rm -f after")
    await picture.until(lambda now: not container(now, "after"), seconds=3)


async def test_sixty_tasks_fit_into_the_picture(machines: Machines, picture: LivePicture) -> None:
    await machines.make_swarm()
    before = picture.bytes
    began = time.monotonic()
    command = "sh -c 'while :; do sleep 1000; done'"
    await machines.run("node1", f"docker service create -d --name many --replicas 60 busybox {command}")
    await picture.until(lambda now: sum(running(now).values()) == 60, seconds=150)
    took = time.monotonic() - began
    await picture.until(lambda now: len([c for c in now["containers"] if c["state"] == "running"]) == 60, seconds=10)
    print(f"\n60 tasks ran after {took:.1f} s; {(picture.bytes - before) // 1024} KiB of events")
    assert len(picture.current["containers"]) <= LIMITS["containers"]
    assert not any(picture.current["left_out"].values())
    await machines.run("node1", "docker service rm many")
    await picture.until(lambda now: not now["tasks"] and not now["containers"], seconds=120)


async def test_two_pages_see_the_same(
    live_platform: LivePlatform, visitor: Visitor, attempt: str, machines: Machines
) -> None:
    async with AsyncExitStack() as pages:
        both = [await pages.enter_async_context(LivePicture(live_platform, visitor, attempt)) for _ in range(2)]
        await machines.run("node2", "docker run -d --name web nginx")
        for page in both:
            await page.until(lambda now: container(now, "web").get("state") == "running", seconds=3)
        assert both[0].current == both[1].current
