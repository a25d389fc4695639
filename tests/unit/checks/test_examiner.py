"""The examiner-side program, run as a subprocess: whatever a check does, its end is clear and the next check works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from slipway.checks.authoring.lab import Lab
from slipway.checks.examiner_side.limits import Limits
from slipway.checks.results import Outcome
from slipway.checks.subprocess_examiner import SubprocessExaminer
from slipway.core.errors import EngineError
from slipway.sandboxes.nodes import NodeRefusal
from tests.unit.checks.examining import MISBEHAVIOURS, QUICK, Misbehaviour, Nodes, job


@pytest.fixture
async def examiner() -> AsyncIterator[SubprocessExaminer]:
    examiner = SubprocessExaminer()
    yield examiner
    await examiner.close()


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS, ids=lambda one: one.name)
async def test_a_misbehaving_check_is_the_authors_fault_and_the_next_one_works(
    examiner: SubprocessExaminer, misbehaviour: Misbehaviour
) -> None:
    nodes = Nodes(answers={"links": {"links": []}})
    verdict = await examiner.examine(job(misbehaviour.body, limits=misbehaviour.limits), nodes.ask)
    assert verdict.outcome is Outcome.BROKEN
    assert misbehaviour.told in verdict.detail
    assert "sample/checks.py:" in verdict.detail
    assert (await examiner.examine(job("pass"), nodes.ask)).outcome is Outcome.PASSED


async def test_what_a_check_prints_reaches_the_instructor_and_100_megabytes_of_it_stop_nobody(
    examiner: SubprocessExaminer,
) -> None:
    body = "print('looking')\nfor _ in range(100):\n    print('x' * 10**6)"
    verdict = await examiner.examine(job(body), Nodes().ask)
    assert verdict.outcome is Outcome.PASSED
    assert "looking" in verdict.detail
    assert len(verdict.detail) < 5000


async def test_a_check_that_kills_everything_it_can_kills_nothing_but_itself(examiner: SubprocessExaminer) -> None:
    waiting = "import time\ntime.sleep(0.5)"
    killer = "import time\ntime.sleep(0.1)\nos.kill(-1, 9)"
    neighbour, _ = await asyncio.gather(
        examiner.examine(job(waiting), Nodes().ask), examiner.examine(job(killer), Nodes().ask)
    )
    assert neighbour.outcome is Outcome.PASSED


async def test_a_check_finds_nothing_in_its_memory_of_what_another_was_told(examiner: SubprocessExaminer) -> None:
    nodes = Nodes(
        answers={"read-file": {"content": "the-neighbours-secret", "size": 21, "truncated": False, "mode": 0}}
    )
    read = "assert lab.node('node1').files.read('/secret').content"
    assert (await examiner.examine(job(read), nodes.ask)).outcome is Outcome.PASSED
    search = """
def found(needle):
    for line in open("/proc/self/maps"):
        where, rights = line.split()[:2]
        start, end = (int(part, 16) for part in where.split("-"))
        if rights.startswith("rw") and "[v" not in line:
            memory = os.open("/proc/self/mem", os.O_RDONLY)
            if needle in os.pread(memory, end - start, start):
                return True
            os.close(memory)
    return False
expect(found(b"def found"), "the search finds what is there").is_true()
expect(found(bytes(letter ^ 1 for letter in b"uid,odhficntsr,rdbsdu")), "the secret is found").is_false()
"""
    assert bytes(letter ^ 1 for letter in b"uid,odhficntsr,rdbsdu") == b"the-neighbours-secret"
    verdict = await examiner.examine(job(search), Nodes().ask)
    # Where checks have users of their own, a check cannot even look at its own memory as a file.
    cannot_look = verdict.outcome is Outcome.BROKEN and "PermissionError" in verdict.detail
    assert verdict.outcome is Outcome.PASSED or cannot_look


async def test_a_check_that_does_not_hold_says_what_was_expected_and_what_was_observed(
    examiner: SubprocessExaminer,
) -> None:
    nodes = Nodes(answers={"http": {"status": 0, "headers": {}, "body": "", "truncated": False, "error": "refused"}})
    body = """
page = lab.node("node1").http("http://localhost/")
expect(page.status, "the status").equals(200, hint="Look.")
"""
    verdict = await examiner.examine(job(body), nodes.ask)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.expected == "The status is 200."
    assert verdict.observed == "The status is missing: no answer came (the connection was refused)."
    assert verdict.hint == "Look."


async def test_a_check_that_holds_says_what_was_found(examiner: SubprocessExaminer) -> None:
    nodes = Nodes(docker={"/networks": [{"Id": "1", "Name": "web", "Driver": "bridge"}]})
    body = "names = [n.name for n in lab.node('node1').docker.networks()]\nexpect(names, 'the list').contains('web')"
    verdict = await examiner.examine(job(body), nodes.ask)
    assert (verdict.outcome, verdict.expected) == (Outcome.PASSED, "The list contains “web”.")
    assert verdict.observed == "The list is “web”."


async def test_a_node_that_cannot_be_reached_is_our_failure_even_if_the_check_catches_everything(
    examiner: SubprocessExaminer,
) -> None:
    body = "try:\n    lab.node('node1').links()\nexcept Exception:\n    raise ValueError('hidden')"
    verdict = await examiner.examine(job(body), Nodes(unreachable=True).ask)
    assert verdict.outcome is Outcome.UNREACHABLE


@pytest.mark.parametrize("lie", [7, "text", [{"Id": 5}], [[]], {"a": 1}, [{"Id": "1", "Name": {"x": 1}}], None])
async def test_a_node_that_lies_fails_the_check_with_a_sentence(examiner: SubprocessExaminer, lie: object) -> None:
    nodes = Nodes(docker={"/networks": lie})  # type: ignore[dict-item]
    body = "expect(lab.node('node1').docker.network('web'), 'the network web').exists()"
    verdict = await examiner.examine(job(body), nodes.ask)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.observed.endswith(".")


async def test_docker_that_does_not_answer_fails_with_a_sentence(examiner: SubprocessExaminer) -> None:
    nodes = Nodes(refusal=NodeRefusal("unavailable", "dockerd is down"))
    verdict = await examiner.examine(job("lab.node('node2').docker.info()"), nodes.ask)
    assert (verdict.outcome, verdict.observed) == (Outcome.FAILED, "It does not answer.")
    assert verdict.expected == "Docker on node2 answers."


async def test_an_answer_of_megabytes_is_refused_not_read(examiner: SubprocessExaminer) -> None:
    nodes = Nodes(docker={"/networks": ["x" * 7_000_000]})
    verdict = await examiner.examine(job("lab.node('node1').docker.networks()"), nodes.ask)
    assert verdict.outcome is Outcome.FAILED
    assert "too long" in verdict.observed


async def test_a_large_answer_arrives_whole(examiner: SubprocessExaminer) -> None:
    many = [{"Id": str(i), "Name": f"network-{i}-{'x' * 800}", "Driver": "bridge"} for i in range(1500)]
    verdict = await examiner.examine(
        job("expect(len(lab.node('node1').docker.networks()), 'the number').equals(1500)"),
        Nodes(docker={"/networks": many}).ask,
    )
    assert verdict.outcome is Outcome.PASSED


async def test_waiting_for_a_slow_node_does_not_count_as_thinking(examiner: SubprocessExaminer) -> None:
    async def slow(*_: object, **__: object) -> object:
        await asyncio.sleep(1)
        return {"links": []}

    verdict = await examiner.examine(
        job("lab.node('node1').links()", limits=Limits(cpu=1, thinking=0.8, total=10)),
        slow,  # type: ignore[arg-type]
    )
    assert verdict.outcome is Outcome.PASSED


async def test_many_checks_run_side_by_side(examiner: SubprocessExaminer) -> None:
    nodes = Nodes(answers={"links": {"links": []}})
    body = "import time\nfor _ in range(3):\n    lab.node('node1').links()\ntime.sleep(0.3)"
    async with asyncio.timeout(4):
        verdicts = await asyncio.gather(*(examiner.examine(job(body), nodes.ask) for _ in range(24)))
    assert {verdict.outcome for verdict in verdicts} == {Outcome.PASSED}


async def test_a_check_that_is_no_longer_awaited_is_ended(examiner: SubprocessExaminer) -> None:
    loops = job("while True:\n    pass", limits=Limits(cpu=30, thinking=60, total=60))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await examiner.examine(loops, Nodes().ask)
    async with asyncio.timeout(3):
        await examiner.examine(job("pass"), Nodes().ask)
        await examiner.close()


async def test_an_examiner_that_dies_is_our_failure_and_is_started_again(examiner: SubprocessExaminer) -> None:
    await examiner.examine(job("pass"), Nodes().ask)
    session = examiner._sessions._session
    assert session is not None
    running = asyncio.create_task(examiner.examine(job("import time\ntime.sleep(5)"), Nodes().ask))
    await asyncio.sleep(0.2)
    session._streams._process.kill()  # type: ignore[attr-defined]
    with pytest.raises(EngineError):
        await running
    assert (await examiner.examine(job("pass"), Nodes().ask)).outcome is Outcome.PASSED


async def test_a_source_that_is_not_python_is_told_with_its_line(examiner: SubprocessExaminer) -> None:
    verdict = await examiner.examine(job("x = ("), Nodes().ask)
    assert verdict.outcome is Outcome.BROKEN
    assert verdict.detail.startswith("sample/checks.py:6: SyntaxError")


async def test_a_check_that_has_gone_is_broken(examiner: SubprocessExaminer) -> None:
    verdict = await examiner.examine(job("pass", check="gone"), Nodes().ask)
    assert verdict.outcome is Outcome.BROKEN
    assert "there is no check gone" in verdict.detail


def test_the_lab_api_can_be_used_without_an_examiner() -> None:
    class Table:
        def ask(self, node: str, op: str, params: object) -> object:
            return {"sent": 1, "received": 1, "rtt_ms": 0.2}

    lab = Lab(Table(), nodes=["node1"], parameters={"port": 1})  # type: ignore[arg-type]
    assert lab.node("node1").ping("10.0.0.2").answered
    assert QUICK.memory == 256 * 2**20
