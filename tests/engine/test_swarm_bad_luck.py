"""What goes wrong with a swarm, on real machines: the learner sees what happened, checks say what they observed, and
nobody else notices.

The tests share one guest's three machines, in this order; each leaves the swarm without services. A neighbour has
machines of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from slipway.clusters.snapshot import LIMITS
from slipway.sandboxes.backends.docker import DockerBackend
from tests.browsing import Visitor
from tests.engine.machines import Machines, container, running, unsettled
from tests.engine.rows import CheckRow, check_row, ready_attempt, sandbox_row
from tests.live import LivePlatform
from tests.picture import LivePicture, Picture
from tests.waiting import wait_until

pytestmark = pytest.mark.engine

NODES = ("node1", "node2", "node3")
STACK = """
services:
  web: {image: nginx, deploy: {replicas: 6}, networks: [inside]}
  store: {image: redis, networks: [inside]}
networks: {inside: }
"""


class Learner:
    """A guest with a running lab."""

    def __init__(self, platform: LivePlatform, lab: str) -> None:
        self.platform = platform
        self.visitor = Visitor.as_guest(platform)
        self.attempt = ready_attempt(platform, self.visitor, lab)
        self.sandbox = sandbox_row(platform, self.attempt).sandbox

    def act(self, action: str, **body: object) -> None:
        """What a button of the page does."""
        answer = self.visitor.post(f"/attempts/{self.attempt}/{action}", body)
        assert answer.status in {200, 204}, answer

    def check_says(self, check: str, what: Callable[[CheckRow], object], *, seconds: float = 60) -> CheckRow:
        """Wait until the check's latest result is so."""
        found: list[CheckRow] = []

        def look() -> object:
            row = check_row(self.platform, self.attempt, check)
            found[:] = [row] if row else []
            return row and what(row)

        wait_until(look, seconds=seconds, what=f"{check} as wanted (it is {found})")
        return found[0]


@pytest.fixture(scope="module")
def learner(live_platform: LivePlatform) -> Iterator[Learner]:
    """Who has the bad luck."""
    found = Learner(live_platform, "swarm-mode")
    yield found
    found.act("stop")


@pytest.fixture(scope="module")
def neighbour(live_platform: LivePlatform) -> Iterator[Learner]:
    """Who must not notice."""
    found = Learner(live_platform, "docker-networking")
    yield found
    found.act("stop")


@pytest.fixture
async def machines(docker_backend: DockerBackend, learner: Learner) -> AsyncIterator[Machines]:
    """The learner's machines."""
    found = Machines(docker_backend, learner.sandbox)
    yield found
    await found.leave()


@pytest.fixture
async def picture(live_platform: LivePlatform, learner: Learner) -> AsyncIterator[LivePicture]:
    """The learner's picture."""
    async with LivePicture(live_platform, learner.visitor, learner.attempt) as shown:
        yield shown


def node(picture: Picture, name: str) -> dict[str, object]:
    """The node of that name."""
    return next(each for each in picture["nodes"] if each["id"] == name)


def is_whole(picture: Picture) -> bool:
    """Whether all machines are up and ready members of one swarm with a leader."""
    seats = [each["swarm"] for each in picture["nodes"] if each["state"] == "up" and each["swarm"]]
    return [seat["state"] for seat in seats] == ["ready"] * 3 and any(seat["leader"] for seat in seats)


def runs_as_wanted(picture: Picture) -> bool:
    """Whether there are services, each with all of its tasks running."""
    wanted = [(each["running"], each["desired"]) for each in picture["services"]]
    return bool(wanted) and all(run == desired for run, desired in wanted) and not unsettled(picture)


@pytest.fixture(autouse=True)
async def _left_as_found(machines: Machines, picture: LivePicture) -> AsyncIterator[None]:
    """Whatever came of a test, nothing of it runs on."""
    yield
    await machines.run("node1", "docker service ls -q | xargs -r docker service rm")
    for name in NODES:
        await machines.run(name, "docker ps -aq --filter label=bad-luck | xargs -r docker rm -f")
    await picture.until(lambda now: not now["services"] and not now["containers"], seconds=90)


async def test_what_happens_while_the_observer_is_dead_is_seen_and_checked(
    learner: Learner, live_platform: LivePlatform, machines: Machines, picture: LivePicture
) -> None:
    parent, child = live_platform.pid("observer"), live_platform.child_pid("observer")
    assert not any(kind.startswith("socket:") for kind in open_files(parent)), "a connection would be inherited"
    os.kill(parent, signal.SIGSTOP)  # or it would be back before the command has run
    try:
        os.kill(child, signal.SIGKILL)
        await machines.make_swarm("node2", "node3")
    finally:
        os.kill(parent, signal.SIGCONT)
    began = time.monotonic()
    await picture.until(is_whole, seconds=30)
    print(f"\nright {time.monotonic() - began:.2f} s after the observer could come back")
    await asyncio.to_thread(learner.check_says, "workers_joined", lambda row: row.held)
    assert live_platform.pid("observer") == parent
    assert live_platform.child_pid("observer") != child


def open_files(pid: int) -> list[str]:
    """What a process's descriptors are."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return found


async def test_a_service_that_crashes_in_a_loop_stays_bounded_and_the_neighbour_sees_as_ever(
    live_platform: LivePlatform,
    docker_backend: DockerBackend,
    neighbour: Learner,
    machines: Machines,
    picture: LivePicture,
) -> None:
    child = live_platform.child_pid("observer")
    command = "docker service create -d --name loop --replicas 3 --restart-delay 200ms busybox sh -c 'exit 3'"
    await machines.run("node1", command)
    await picture.until(lambda now: sum("(3)" in task["error"] for task in now["tasks"]) >= 3, seconds=60)
    await sees_as_ever(live_platform, docker_backend, neighbour, "beside-a-loop")
    assert len(picture.current["tasks"]) <= 3 * 2, "of each slot the current task and the last that failed"
    assert len(picture.current["containers"]) <= LIMITS["containers"]
    assert live_platform.child_pid("observer") == child


async def test_an_image_that_does_not_exist_is_told_in_dockers_words(machines: Machines, picture: LivePicture) -> None:
    await machines.run("node1", "docker service create -d --name wrong no-such-image:9")
    await picture.until(lambda now: any("No such image" in task["error"] for task in now["tasks"]), seconds=60)
    assert [(each["running"], each["desired"]) for each in picture.current["services"]] == [(0, 1)]


async def test_a_taken_port_is_refused_in_dockers_words_and_who_has_it_goes_on(
    machines: Machines, picture: LivePicture
) -> None:
    await machines.run("node1", "docker service create -d --name first -p 8099:80 nginx")
    await picture.until(runs_as_wanted, seconds=60)
    said = await machines.run("node1", "docker service create -d --name second -p 8099:80 nginx 2>&1 || true")
    assert "already in use" in said
    assert [each["name"] for each in picture.current["services"]] == ["first"]
    ask = "curl -s -o /dev/null -w '%{http_code}' --retry 20 --retry-delay 1 --retry-all-errors http://localhost:8099/"
    assert await machines.run("node3", ask) == "200"


async def sees_as_ever(platform: LivePlatform, backend: DockerBackend, neighbour: Learner, name: str) -> None:
    """The neighbour's picture follows what they do."""
    theirs = Machines(backend, neighbour.sandbox)
    async with LivePicture(platform, neighbour.visitor, neighbour.attempt) as shown:
        await theirs.run("node2", f"docker run -d --name {name} nginx")
        took = await shown.until(lambda now: container(now, name).get("state") == "running", seconds=10)
        print(f"\nthe neighbour saw it {took:.2f} s after their command")
        assert not shown.current["problems"]
        await theirs.run("node2", f"docker rm -f {name}")
        await shown.until(lambda now: not container(now, name), seconds=10)
    await theirs.sessions.close()


FLOOD = """
docker pull -q busybox
touch /tmp/flood
url='http://docker/images/busybox/tag?repo=flood&tag=[1-500]'
for round in $(seq 60); do
    [ -e /tmp/flood ] || break
    curl -s -o /dev/null --unix-socket /run/docker.sock -X POST "$url"
    docker create --name flood busybox && docker rm flood
done
docker image ls -q flood | sort -u | xargs -r docker image rm -f >/dev/null 2>&1
"""


async def test_a_node_that_floods_events_says_so_and_harms_no_neighbour(
    live_platform: LivePlatform,
    docker_backend: DockerBackend,
    neighbour: Learner,
    machines: Machines,
    picture: LivePicture,
) -> None:
    flood = asyncio.create_task(machines.run("node2", FLOOD))
    try:
        await picture.until(lambda now: [p["id"] for p in now["problems"]] == ["node-flooding"], seconds=30)
        await sees_as_ever(live_platform, docker_backend, neighbour, "beside-a-flood")
        await machines.run("node1", "docker run -d -l bad-luck --name calm nginx")
        await picture.until(lambda now: container(now, "calm").get("state") == "running", seconds=20)
    finally:
        await machines.run("node2", "rm -f /tmp/flood")
        await flood
    await picture.until(lambda now: not now["problems"], seconds=60)


async def test_a_node_unplugged_during_a_deploy_leaves_its_work_to_the_others_and_comes_back(
    learner: Learner, machines: Machines, picture: LivePicture
) -> None:
    deploy = asyncio.create_task(
        machines.run("node1", f"docker stack deploy --detach=true -c - shop <<'E'\n{STACK}\nE")
    )
    await picture.until(lambda now: now["services"], seconds=30)
    learner.act("unplug", node="node3", plugged=False)
    await deploy
    await picture.until(lambda now: node(now, "node3")["state"] == "unplugged", seconds=30)
    await picture.until(lambda now: runs_as_wanted(now) and not running(now)["node3"], seconds=90)
    assert sum(running(picture.current).values()) == 7
    learner.act("unplug", node="node3", plugged=True)
    await picture.until(lambda now: is_whole(now) and runs_as_wanted(now), seconds=90)
    await machines.run("node1", "docker service scale -d shop_web=9")
    await picture.until(lambda now: runs_as_wanted(now) and running(now)["node3"] > 0, seconds=60)
    await machines.run("node1", "docker stack rm shop")
