"""Looking until a cluster has converged: within, stable, sharing of answers, machines that cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from slipway.checks.declared import CheckSpec
from slipway.checks.examiner import Ask, Job, Verdict
from slipway.checks.results import BROKEN_SENTENCE, UNREACHABLE_SENTENCE, CheckResult, Outcome
from slipway.checks.services import run_checks
from slipway.core.errors import EngineError
from slipway.core.json import JSON
from slipway.sandboxes.nodes import NodeRefusal

HOLDS = Verdict(Outcome.PASSED, expected="It is so.", observed="It is so.")
FAILS = Verdict(Outcome.FAILED, expected="It is so.", observed="It is not.")
LOST = Verdict(Outcome.UNREACHABLE)
BROKEN = Verdict(Outcome.BROKEN, detail="checks.py:3: ValueError")


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)


class Scripted:
    """An examiner whose verdicts are a function of the check and the seconds gone by."""

    def __init__(self, clock: FakeClock, verdicts: Mapping[str, Callable[[float], Verdict]]) -> None:
        self._clock = clock
        self._verdicts = verdicts
        self._start = clock.now()
        self.looks: list[tuple[str, float]] = []

    async def examine(self, job: Job, ask: Ask) -> Verdict:
        elapsed = self._clock.now() - self._start
        self.looks.append((job.check, elapsed))
        return self._verdicts[job.check](elapsed)

    async def close(self) -> None:
        """Nothing to let go of."""


async def _nobody(node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:
    raise AssertionError("nobody asks")


async def _run(
    specs: list[CheckSpec],
    verdicts: Mapping[str, Callable[[float], Verdict]],
    *,
    patience: bool = True,
    delivered: list[CheckResult] | None = None,
) -> tuple[dict[str, CheckResult], Scripted]:
    clock = FakeClock()
    examiner = Scripted(clock, verdicts)

    async def on_result(result: CheckResult) -> None:
        if delivered is not None:
            delivered.append(result)

    results = await run_checks(
        source="",
        file="x/checks.py",
        checks=specs,
        parameters={"port": 8080},
        topology=("node1",),
        ask=_nobody,
        examiner=examiner,
        patience=patience,
        on_result=on_result,
        clock=clock,
    )
    assert [result.check for result in results] == [spec.id for spec in specs]
    return {result.check: result for result in results}, examiner


def _after(seconds: float) -> Callable[[float], Verdict]:
    return lambda elapsed: HOLDS if elapsed >= seconds else FAILS


async def test_a_check_that_holds_is_decided_in_one_look_and_earns_its_points() -> None:
    results, examiner = await _run([CheckSpec("a", "On port {port}", points=3)], {"a": _after(0)})
    assert results["a"].outcome is Outcome.PASSED
    assert (results["a"].points, results["a"].of, results["a"].title) == (3, 3, "On port 8080")
    assert results["a"].held_after == 0
    assert len(examiner.looks) == 1


async def test_a_check_without_within_fails_at_the_first_look() -> None:
    results, examiner = await _run([CheckSpec("a", "A")], {"a": _after(1)})
    assert (results["a"].outcome, results["a"].points, results["a"].held_after) == (Outcome.FAILED, 0, None)
    assert len(examiner.looks) == 1


async def test_a_check_is_looked_at_until_it_holds() -> None:
    results, examiner = await _run([CheckSpec("a", "A", within=10)], {"a": _after(3)})
    assert results["a"].outcome is Outcome.PASSED
    assert results["a"].held_after == pytest.approx(3, abs=0.5)
    gaps = [later - sooner for (_, sooner), (_, later) in zip(examiner.looks, examiner.looks[1:], strict=False)]
    assert all(0.3 <= gap <= 0.5 for gap in gaps)


async def test_a_check_that_never_holds_fails_when_its_time_is_over() -> None:
    results, examiner = await _run([CheckSpec("a", "A", within=5)], {"a": _after(1000)})
    assert (results["a"].outcome, results["a"].observed) == (Outcome.FAILED, "It is not.")
    assert 5 <= results["a"].duration <= 5.5
    assert len(examiner.looks) > 10


async def test_without_patience_there_is_one_look() -> None:
    results, examiner = await _run([CheckSpec("a", "A", within=60)], {"a": _after(5)}, patience=False)
    assert results["a"].outcome is Outcome.FAILED
    assert len(examiner.looks) == 1


@pytest.mark.parametrize("patience", [True, False])
async def test_a_stable_check_must_go_on_holding(patience: bool) -> None:
    results, _ = await _run([CheckSpec("a", "A", within=10, stable=2)], {"a": _after(0)}, patience=patience)
    assert results["a"].outcome is Outcome.PASSED
    assert results["a"].held_after == 0
    assert results["a"].duration >= 2


async def test_a_check_that_wavers_starts_to_hold_anew() -> None:
    results, _ = await _run(
        [CheckSpec("a", "A", within=10, stable=2)], {"a": lambda t: HOLDS if t < 1 or t >= 4 else FAILS}
    )
    assert results["a"].outcome is Outcome.PASSED
    assert results["a"].held_after == pytest.approx(4, abs=0.5)


async def test_a_check_that_does_not_stay_fails_and_says_so() -> None:
    results, _ = await _run([CheckSpec("a", "A", stable=2)], {"a": lambda t: HOLDS if t < 1 else FAILS})
    assert results["a"].outcome is Outcome.FAILED
    assert results["a"].hint == "It held, but not for 2 seconds."


async def test_a_broken_check_is_not_looked_at_again_and_hides_its_traceback_from_the_learner() -> None:
    results, examiner = await _run([CheckSpec("a", "A", within=60)], {"a": lambda _: BROKEN})
    assert results["a"].outcome is Outcome.BROKEN
    assert (results["a"].observed, results["a"].detail) == (BROKEN_SENTENCE, "checks.py:3: ValueError")
    assert len(examiner.looks) == 1


@pytest.mark.parametrize("patience", [True, False])
async def test_a_machine_that_comes_back_costs_nothing(patience: bool) -> None:
    results, _ = await _run([CheckSpec("a", "A")], {"a": lambda t: LOST if t < 3 else HOLDS}, patience=patience)
    assert results["a"].outcome is Outcome.PASSED


async def test_a_machine_that_stays_away_is_unreachable_never_failed() -> None:
    results, _ = await _run([CheckSpec("a", "A")], {"a": lambda _: LOST})
    assert (results["a"].outcome, results["a"].observed) == (Outcome.UNREACHABLE, UNREACHABLE_SENTENCE)
    assert results["a"].duration < 20


async def test_results_are_delivered_as_they_come() -> None:
    delivered: list[CheckResult] = []
    specs = [CheckSpec("slow", "Slow", within=10), CheckSpec("quick", "Quick")]
    await _run(specs, {"slow": _after(5), "quick": _after(0)}, delivered=delivered)
    assert [result.check for result in delivered] == ["quick", "slow"]


async def test_an_examiner_that_fails_is_our_fault() -> None:
    class Lost(Scripted):
        async def examine(self, job: Job, ask: Ask) -> Verdict:
            raise EngineError("examiner-lost", "The checks could not be run.")

    clock = FakeClock()

    async def on_result(_: CheckResult) -> None:
        return

    results = await run_checks(
        source="",
        file="f",
        checks=[CheckSpec("a", "A")],
        parameters={},
        topology=(),
        ask=_nobody,
        examiner=Lost(clock, {}),
        patience=True,
        on_result=on_result,
        clock=clock,
    )
    assert results[0].outcome is Outcome.UNREACHABLE


class Curious(Scripted):
    """An examiner whose checks all ask the same questions."""

    async def examine(self, job: Job, ask: Ask) -> Verdict:
        try:
            await ask("node1", "docker", {"path": "/networks"})
            await ask("node1", "kubernetes", {"path": "/api/v1/nodes"})
            await ask("node1", "ping", {"address": "node2"})
        except NodeRefusal:
            return FAILS
        return await super().examine(job, ask)


async def _ask_around(
    ask: Ask, clock: FakeClock, verdicts: Mapping[str, Callable[[float], Verdict]]
) -> list[CheckResult]:
    async def on_result(_: CheckResult) -> None:
        return

    return await run_checks(
        source="",
        file="f",
        checks=[CheckSpec(name, name, within=1) for name in verdicts],
        parameters={},
        topology=("node1",),
        ask=ask,
        examiner=Curious(clock, verdicts),
        patience=True,
        on_result=on_result,
        clock=clock,
    )


async def test_checks_of_one_look_share_what_docker_and_kubernetes_said_and_the_next_look_asks_anew() -> None:
    asked: list[str] = []

    async def ask(node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:
        asked.append(op)
        await asyncio.sleep(0)
        return {}

    await _ask_around(ask, FakeClock(), {name: _after(0.3) for name in "abc"})
    assert asked.count("docker") == asked.count("kubernetes") == 2
    assert asked.count("ping") == 6


async def test_a_docker_that_is_coming_back_is_asked_again() -> None:
    clock = FakeClock()

    async def ask(node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:
        if clock.now() < 102:
            raise NodeRefusal("unavailable", "dockerd is starting")
        return {}

    results = await _ask_around(ask, clock, {"a": _after(0)})
    assert results[0].outcome is Outcome.PASSED


async def test_a_docker_that_stays_away_is_a_finding() -> None:
    async def ask(node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:
        raise NodeRefusal("unavailable", "dockerd is down")

    results = await _ask_around(ask, FakeClock(), {"a": _after(0)})
    assert results[0].outcome is Outcome.FAILED
