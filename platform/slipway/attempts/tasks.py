"""What the worker does for attempts: looking at checks when the cluster changed, when asked, and at submission.

One round at a time per attempt; what arrives while one runs is remembered and done right after it. A node that cannot
be reached never costs a point: it is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from asgiref.sync import sync_to_async
from celery import shared_task

from slipway.attempts import selectors, services
from slipway.attempts.models import Attempt
from slipway.checks.declared import CheckSpec
from slipway.checks.examiner import worker_examiner
from slipway.checks.results import CheckResult
from slipway.checks.services import run_checks
from slipway.core import clock, locks
from slipway.core.errors import AuthorError, EngineError, LearnerError
from slipway.core.json import JSON
from slipway.core.logs import get_logger
from slipway.core.loops import worker_loop
from slipway.exercises.exercise import Exercise
from slipway.exercises.selectors import get_exercise
from slipway.sandboxes.backends import worker_sessions
from slipway.sandboxes.states import State
from slipway.sandboxes.tasks import dispatch

_log = get_logger(__name__)
_Checks = list[tuple[str, CheckSpec]]  # each with the step that asks for it
_ROUND_LIMIT = 180.0  # seconds for one round of checks, waiting included
_AGAIN_LIFETIME = 60  # seconds for which a remembered request makes sense
_GRADE_LIMIT = timedelta(minutes=3)


@shared_task
def check_after_change(attempt_id: str, step: str) -> None:
    """The cluster changed: look at what does not hold yet in the current step, and at what must keep holding."""
    _check(attempt_id, step, on_request=False)


@shared_task
def check_on_request(attempt_id: str, step: str) -> None:
    """The learner asks: look at all checks of the step and report each."""
    _check(attempt_id, step, on_request=True)


@shared_task
def grade(attempt_id: str) -> None:
    """Look at all checks of a submitted attempt once more, then make the score final.

    When the machines are gone, what was earned before counts. When they cannot be reached, it is tried again for a
    while before that.
    """
    with locks.held(f"grade:{attempt_id}") as mine:
        attempt = Attempt.objects.select_related("sandbox", "owner").get(pk=UUID(attempt_id))
        if not mine or attempt.submitted_at is None or attempt.graded_at is not None:
            return
        if attempt.sandbox is not None and attempt.sandbox.current is State.READY:
            try:
                exercise = get_exercise(attempt.exercise)
                undecided, safe = _by_what_they_may_change(attempt, exercise)
                _run(attempt, exercise, safe, on_request=True, patience=False)
                _run(attempt, exercise, undecided, on_request=True)
            except (EngineError, TimeoutError) as error:
                _log.warning("grading put off", attempt=attempt_id, error=str(error))
                if clock.now() < attempt.submitted_at + _GRADE_LIMIT:
                    return  # the sweep comes back to it
            except (AuthorError, LearnerError) as error:
                _log.warning("graded from what was earned", attempt=attempt_id, error=str(error))
        try:
            services.record_grade(attempt=attempt)
        except (AuthorError, LearnerError) as error:
            # The score follows from the exercise. What was earned is kept until that is there again, and then counts.
            _log.warning("grading waits for the exercise", attempt=attempt_id, error=str(error))


@shared_task
def sweep() -> None:
    """Grade what was submitted and, for whatever reason, not graded yet."""
    for attempt in Attempt.objects.filter(submitted_at__isnull=False, graded_at=None):
        if not locks.is_held(f"grade:{attempt.pk}"):
            dispatch(grade, str(attempt.pk))


def _check(attempt_id: str, step: str, *, on_request: bool) -> None:
    again = f"check-again:{attempt_id}:{'request' if on_request else 'change'}"
    redis = locks.connection()
    redis.set(again, step, ex=_AGAIN_LIFETIME)
    while redis.exists(again):
        with locks.held(f"check:{attempt_id}") as mine:
            if not mine:
                return  # whoever holds the lock looks at the mark when it is done
            wanted = redis.getdel(again)
            if isinstance(wanted, bytes):
                _look(attempt_id, wanted.decode(), on_request=on_request)
        other = f"check-again:{attempt_id}:{'change' if on_request else 'request'}"
        waiting = redis.get(other)
        if isinstance(waiting, bytes):
            dispatch(check_after_change if on_request else check_on_request, attempt_id, waiting.decode())


def _look(attempt_id: str, step: str, *, on_request: bool) -> None:
    attempt = Attempt.objects.select_related("sandbox", "owner").get(pk=UUID(attempt_id))
    if attempt.submitted_at is not None or attempt.sandbox is None or attempt.sandbox.current is not State.READY:
        return
    if on_request:
        services.tell_checking(attempt=attempt, step=step, running=True)
    try:
        exercise = get_exercise(attempt.exercise)
        _run(attempt, exercise, _wanted(attempt, exercise, step, on_request=on_request), on_request=on_request)
    except (AuthorError, EngineError, TimeoutError) as error:
        _log.warning("checks not run", attempt=attempt_id, step=step, error=repr(error))
        if on_request:
            services.tell_notice(
                attempt=attempt,
                sentence="The checks could not be run just now. Nothing was counted against you.",
            )
    finally:
        if on_request:
            services.tell_checking(attempt=attempt, step=step, running=False)


def _wanted(attempt: Attempt, exercise: Exercise, step: str, *, on_request: bool) -> _Checks:
    """Which checks a round looks at: what does not hold yet in the step (all of it on request), and what must keep."""
    records = selectors.Progress.of(attempt).checks
    wanted: _Checks = []
    for candidate in exercise.steps:
        for spec in candidate.checks:
            record = records.get((candidate.slug, spec.id))
            kept = spec.keeps and record is not None and record.held_once
            open_here = candidate.slug == step and (on_request or record is None or not record.held)
            if kept or open_here:
                wanted.append((candidate.slug, spec))
    return wanted


def _by_what_they_may_change(attempt: Attempt, exercise: Exercise) -> tuple[_Checks, _Checks]:
    """The checks whose points may still come or go, and those whose points are safe.

    What the safe ones saw may be gone since, as the lab went on; waiting for it to come back would be in vain.
    """
    records = selectors.Progress.of(attempt).checks
    earned = {key for key, record in records.items() if record.held_once}
    undecided: _Checks = []
    safe: _Checks = []
    for step in exercise.steps:
        for spec in step.checks:
            is_safe = (step.slug, spec.id) in earned and not spec.keeps
            (safe if is_safe else undecided).append((step.slug, spec))
    return undecided, safe


def _run(
    attempt: Attempt,
    exercise: Exercise,
    wanted: _Checks,
    *,
    on_request: bool,
    patience: bool = True,
) -> None:
    """Run the checks; every result is recorded the moment it is known. For `patience` see `run_checks`."""
    places: dict[str, _Checks] = {}
    for step, spec in wanted:
        places.setdefault(spec.id, []).append((step, spec))  # two steps may share a check
    if not places or attempt.sandbox is None:
        return
    sandbox_id = attempt.sandbox.sandbox_id

    async def ask(node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:  # noqa: ASYNC109
        return await worker_sessions().request(sandbox_id, node, op, params, timeout=timeout)

    async def record(result: CheckResult) -> None:
        for step, spec in places[result.check]:
            await sync_to_async(services.record_result)(
                attempt=attempt, step=step, spec=spec, result=result, on_request=on_request
            )

    round_of_checks = run_checks(
        source=exercise.checks_source,
        file=exercise.checks_file,
        checks=[found[0][1] for found in places.values()],
        parameters=attempt.parameters,
        topology=exercise.topology.names,
        ask=ask,
        examiner=worker_examiner(),
        patience=patience,
        on_result=record,
    )
    worker_loop().run(round_of_checks, timeout=_ROUND_LIMIT)
