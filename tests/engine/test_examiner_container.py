"""The examiner in its container on a real engine: the same misbehaviour as in the unit tests, and the kernel's walls.

The walls are tried without the examiner's own courtesy refusals, which an author could remove.
"""

from __future__ import annotations

import asyncio
import contextlib
import platform
import uuid
from collections.abc import AsyncIterator

import docker
import pytest

from slipway.checks.container_examiner import ContainerExaminer
from slipway.checks.examiner_side.limits import Limits
from slipway.checks.results import Outcome
from slipway.core.errors import EngineError
from tests.live import LivePlatform
from tests.unit.checks.examining import MISBEHAVIOURS, Misbehaviour, Nodes, job

pytestmark = pytest.mark.engine

WITHOUT_COURTESY = "from slipway.checks.examiner_side import limits\nlimits._REFUSED.clear()\nlimits._WRITING = 0\n"
SYSCALL = (
    WITHOUT_COURTESY
    + "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nlibc.syscall.restype = ctypes.c_long\n"
    + "if libc.syscall({arguments}) == -1:\n    raise OSError(ctypes.get_errno(), 'refused by the kernel')\n"
)
# Linux on x86_64: what a check could try to get out, and the numbers of the calls.
FORBIDDEN = {
    "an internet socket": "41, 2, 1, 0",
    "a unix socket": "41, 1, 1, 0",
    "a raw socket": "41, 2, 3, 1",
    "a netlink socket": "41, 16, 3, 0",
    "a user namespace": "272, 0x10000000",
    "a user namespace by clone": "56, 0x10000000 | 17, 0, 0, 0, 0",
    "another process's namespaces": "308, 0, 0",
    "a mount": "165, b'none', b'/tmp', b'tmpfs', 0, 0",
    "a chroot": "161, b'/proc'",
    "tracing its examiner": "101, 16, os.getppid(), 0, 0",
    "reading its examiner's memory": "310, os.getppid(), 0, 0, 0, 0, 0",
    "a kernel keyring": "250, 0, -3, 0, 0, 0",
    "a BPF program": "321, 0, 0, 0",
    "a performance counter": "298, 0, 0, -1, -1, 0",
    "an io_uring": "425, 8, 0",
    "a userfaultfd": "323, 0",
    "becoming root": "117, 0, 0, 0",
    "a device": "133, b'/tmp/device', 0o60600, 0x700",
}


@pytest.fixture
async def examiner(live_platform: LivePlatform) -> AsyncIterator[ContainerExaminer]:
    """An examiner of its own on the installation's engine, removed at the end."""
    examiner = ContainerExaminer(live_platform.docker_host, installation=f"test-{uuid.uuid4().hex[:8]}")
    yield examiner
    await examiner.remove()


async def _outcome(examiner: ContainerExaminer, body: str, limits: Limits | None = None) -> tuple[Outcome, str]:
    nodes = Nodes(answers={"links": {"links": []}})
    verdict = await examiner.examine(job(body, **({"limits": limits} if limits else {})), nodes.ask)
    return verdict.outcome, verdict.detail


async def test_every_misbehaviour_ends_as_the_authors_fault_and_the_next_check_works(
    examiner: ContainerExaminer,
) -> None:
    async def misbehave(one: Misbehaviour) -> str:
        outcome, detail = await _outcome(examiner, one.body, one.limits)
        return "" if outcome is Outcome.BROKEN and one.told in detail else f"{one.name}: {outcome}, {detail}"

    wrong = list(filter(None, await asyncio.gather(*(misbehave(one) for one in MISBEHAVIOURS))))
    assert not wrong
    assert (await _outcome(examiner, "pass"))[0] is Outcome.PASSED


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of the calls are those of x86_64")
async def test_the_kernel_refuses_every_way_out(examiner: ContainerExaminer) -> None:
    told = {}
    for name, arguments in FORBIDDEN.items():
        outcome, detail = await _outcome(examiner, SYSCALL.format(arguments=arguments))
        if outcome is not Outcome.BROKEN or "refused by the kernel" not in detail:
            told[name] = f"{outcome}: {detail}"
    assert not told


async def test_a_check_can_start_no_process_even_without_the_courtesy(examiner: ContainerExaminer) -> None:
    outcome, detail = await _outcome(examiner, WITHOUT_COURTESY + "while True:\n    os.fork()")
    assert (outcome, "Resource temporarily unavailable" in detail) == (Outcome.BROKEN, True)


async def test_a_check_can_write_nowhere_even_without_the_courtesy(examiner: ContainerExaminer) -> None:
    search = (
        WITHOUT_COURTESY
        + "written = []\nfor folder, _, _ in os.walk('/'):\n    if folder.startswith('/proc/'):\n        continue\n"
        + "    try:\n        with open(folder + '/mine', 'w') as file:\n            file.write('x' * 10)\n"
        + "        written.append(folder)\n    except OSError:\n        pass\nexpect(written, 'written').equals([])"
    )
    outcome, detail = await _outcome(examiner, search, Limits(cpu=5, thinking=20, total=30))
    assert outcome is Outcome.PASSED, detail


async def test_a_check_sees_no_network_and_none_of_its_neighbours(examiner: ContainerExaminer) -> None:
    body = (
        "lines = open('/proc/net/dev').read().split('\\n')[2:]\n"
        "expect([line.split(':')[0].strip() for line in lines if line], 'the interfaces').equals(['lo'])\n"
        "for name in os.listdir('/proc'):\n"
        "    if name.isdecimal() and int(name) != os.getpid():\n"
        "        for what in ('environ', 'maps', 'mem', 'fd/0', 'fd/4', 'root'):\n"
        "            try:\n"
        "                os.open(f'/proc/{name}/{what}', os.O_RDONLY)\n"
        "            except OSError:\n"
        "                continue\n"
        "            expect(f'{name}/{what}', 'what could be opened').is_absent()\n"
    )
    waiting = "import time\ntime.sleep(0.7)"
    seen, *_ = await asyncio.gather(
        _outcome(examiner, "import time\ntime.sleep(0.2)\n" + body),
        _outcome(examiner, waiting),
        _outcome(examiner, waiting),
    )
    assert seen == (Outcome.PASSED, "")


async def test_checks_that_eat_memory_together_do_not_take_the_examiner_with_them(examiner: ContainerExaminer) -> None:
    hoard = "hoard = [bytearray(b'x' * (240 * 2**20))]\nimport time\ntime.sleep(1)"
    ends = await asyncio.gather(*(_outcome(examiner, hoard) for _ in range(6)))
    assert {outcome for outcome, _ in ends} <= {Outcome.PASSED, Outcome.BROKEN}
    assert (await _outcome(examiner, "pass"))[0] is Outcome.PASSED


async def test_a_container_that_was_removed_or_changed_is_made_anew(
    examiner: ContainerExaminer, live_platform: LivePlatform
) -> None:
    await _outcome(examiner, "pass")
    with contextlib.closing(docker.DockerClient(base_url=live_platform.docker_host)) as engine:
        container = engine.containers.get(examiner.container)
        assert container.attrs["HostConfig"]["NetworkMode"] == "none"
        assert container.attrs["HostConfig"]["ReadonlyRootfs"]
        assert not container.attrs["HostConfig"]["Privileged"]
        container.remove(force=True)
        with pytest.raises(EngineError):
            # The session that was in it is gone; whoever looks again gets a new one.
            await _outcome(examiner, "pass")
        assert (await _outcome(examiner, "pass"))[0] is Outcome.PASSED
        assert engine.containers.get(examiner.container).status == "running"


async def test_an_engine_that_is_away_is_our_failure() -> None:
    examiner = ContainerExaminer("unix:///nowhere/docker.sock", installation="none")
    with pytest.raises(EngineError):
        await _outcome(examiner, "pass")


async def test_two_worker_processes_share_the_container(
    examiner: ContainerExaminer, live_platform: LivePlatform
) -> None:
    other = ContainerExaminer(
        live_platform.docker_host, installation=examiner.container.removeprefix("slipway-examiner-")
    )
    ends = await asyncio.gather(*(_outcome(one, "pass") for one in (examiner, other) for _ in range(5)))
    assert {outcome for outcome, _ in ends} == {Outcome.PASSED}
    await other.close()
    assert (await _outcome(examiner, "pass"))[0] is Outcome.PASSED
