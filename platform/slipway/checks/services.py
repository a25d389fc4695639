"""Running checks until they are decided: clusters converge, so a check may hold later, must perhaps hold for a while,
and a machine that cannot be reached is asked again rather than failed.

Looks happen in rounds. Within a round all undecided checks look at once and share what they ask; each result is
delivered the moment it is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from slipway.checks.clock import Clock, SystemClock
from slipway.checks.declared import CheckSpec
from slipway.checks.examiner import Ask, Examiner, Job, Verdict
from slipway.checks.results import BROKEN_SENTENCE, UNREACHABLE_SENTENCE, CheckResult, Outcome
from slipway.checks.round import Round
from slipway.core.errors import EngineError
from slipway.core.logs import get_logger

_log = get_logger(__name__)

BETWEEN_LOOKS = 0.4  # seconds
UNREACHABLE_PATIENCE = 8.0  # seconds for which a machine or the examiner is tried again

Deliver = Callable[[CheckResult], Awaitable[None]]


@dataclass
class _Watched:
    """A check that is not decided yet."""

    spec: CheckSpec
    title: str
    started: float
    holds_since: float | None = None

    def decide(self, verdict: Verdict, *, looked: float, now: float, patience: bool) -> CheckResult | None:
        """The result, or None to look again. `looked` is when this look began."""
        elapsed = now - self.started
        if verdict.outcome is Outcome.PASSED:
            if self.holds_since is None:
                self.holds_since = looked
            if now - self.holds_since >= self.spec.stable:
                return self.result(verdict, now=now)
            return None
        wavered = self.holds_since is not None
        self.holds_since = None
        if verdict.outcome is Outcome.UNREACHABLE:
            return None if elapsed < max(UNREACHABLE_PATIENCE, self.spec.within) else self.result(verdict, now=now)
        if verdict.outcome is Outcome.FAILED and patience and elapsed < self.spec.within:
            return None
        if wavered and verdict.outcome is Outcome.FAILED and not verdict.hint:
            verdict = replace(verdict, hint=f"It held, but not for {self.spec.stable:g} seconds.")
        return self.result(verdict, now=now)

    def result(self, verdict: Verdict, *, now: float) -> CheckResult:
        """The verdict as a result for people."""
        passed = verdict.outcome is Outcome.PASSED
        observed = {
            Outcome.BROKEN: BROKEN_SENTENCE,
            Outcome.UNREACHABLE: UNREACHABLE_SENTENCE,
        }.get(verdict.outcome, verdict.observed)
        ours = verdict.outcome in {Outcome.BROKEN, Outcome.UNREACHABLE}
        return CheckResult(
            check=self.spec.id,
            title=self.title,
            outcome=verdict.outcome,
            points=self.spec.points if passed else 0,
            of=self.spec.points,
            expected="" if ours else verdict.expected,
            observed=observed,
            hint="" if ours else verdict.hint,
            detail=verdict.detail,
            held_after=self.holds_since - self.started if passed and self.holds_since is not None else None,
            duration=now - self.started,
        )


async def run_checks(
    *,
    source: str,
    file: str,
    checks: Sequence[CheckSpec],
    parameters: Mapping[str, str | int],
    topology: Sequence[str],
    ask: Ask,
    examiner: Examiner,
    patience: bool,
    on_result: Deliver,
    clock: Clock | None = None,
) -> list[CheckResult]:
    """Look until every check is decided; results in the order of `checks`, each also delivered as it comes.

    With `patience` a check that does not hold is looked at again for its `within` seconds. `stable` counts either way.
    Never raises for what a check or a node does.
    """
    time = clock or SystemClock()
    started = time.now()
    watched = {spec.id: _Watched(spec, spec.title_for(parameters), started) for spec in checks}
    results: dict[str, CheckResult] = {}

    async def look(one: _Watched, shared: Round) -> None:
        job = Job(source=source, file=file, check=one.spec.id, parameters=parameters, nodes=topology)
        looked = time.now()
        verdict = await _looked(examiner, job, shared)
        result = one.decide(verdict, looked=looked, now=time.now(), patience=patience)
        if result is not None:
            results[result.check] = result
            _report(result, file)
            await on_result(result)

    while True:
        shared = Round(ask, time)
        try:
            async with asyncio.TaskGroup() as group:
                for one in watched.values():
                    if one.spec.id not in results:
                        group.create_task(look(one, shared))
        finally:
            await shared.close()
        if len(results) == len(watched):
            return [results[spec_id] for spec_id in watched]
        await time.sleep(BETWEEN_LOOKS)


async def _looked(examiner: Examiner, job: Job, shared: Round) -> Verdict:
    try:
        return await examiner.examine(job, shared.ask)
    except EngineError as error:
        _log.warning("examiner failed", check=job.check, error=str(error))
        return Verdict(Outcome.UNREACHABLE, detail=str(error))


def _report(result: CheckResult, file: str) -> None:
    if result.outcome is Outcome.BROKEN:
        _log.warning("check is broken", file=file, check=result.check, detail=result.detail)
