"""Everything that writes rows of attempts: opening, steps, results of checks, hints, answers, submission.

One transaction each, with the task or the news on commit. Checks themselves run in the worker (`tasks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from django.db import transaction

from slipway.accounts.models import User
from slipway.attempts import selectors
from slipway.attempts.models import Attempt, CheckRecord, HintOpening, QuizAnswer, Watching
from slipway.checks.declared import CheckSpec
from slipway.checks.results import CheckResult, Outcome
from slipway.core import clock
from slipway.core.errors import LearnerError
from slipway.core.events import attempt_group, publish
from slipway.core.json import JSON
from slipway.exercises.exercise import Exercise, Step
from slipway.exercises.placing import files_on_nodes
from slipway.exercises.selectors import draw_parameters, get_exercise, render_step
from slipway.sandboxes import services as sandboxes
from slipway.sandboxes.states import Reason, State
from slipway.sandboxes.tasks import dispatch


@dataclass(frozen=True)
class QuizVerdict:
    """Whether the chosen answer is right, and why, as safe HTML."""

    correct: bool
    explanation: str


def open_attempt(*, owner: User, exercise_slug: str) -> Attempt:
    """The owner's unfinished attempt at the exercise, or a new one; with machines, when they may have more.

    Raises `LearnerError` when there is no such exercise or the owner already runs as many labs as they may.
    """
    exercise = get_exercise(exercise_slug)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)
        attempt = Attempt.objects.filter(owner=owner, exercise=exercise.slug, submitted_at=None).first()
        if attempt is None:
            attempt = Attempt.objects.create(
                owner=owner,
                exercise=exercise.slug,
                title=exercise.title,
                # By person and exercise, not by attempt: the same values on every try, whatever the reason for it.
                parameters=draw_parameters(exercise, seed=str(owner.pk)),
                current_step=exercise.steps[0].slug,
                created_at=clock.now(),
            )
        _ensure_sandbox(attempt, exercise)
    return attempt


def restart_sandbox(*, attempt: Attempt) -> None:
    """Give an attempt new machines when its own have ended. Raises `LearnerError` when it was submitted."""
    exercise = get_exercise(attempt.exercise)
    with transaction.atomic():
        # As it is now: another window may have started machines, or submitted, since the attempt was read.
        row = Attempt.objects.select_for_update().get(pk=attempt.pk)
        _must_be_open(row)
        _ensure_sandbox(row, exercise)
    attempt.refresh_from_db()


def _ensure_sandbox(attempt: Attempt, exercise: Exercise) -> None:
    if not exercise.has_machines:
        return
    sandbox = attempt.sandbox
    if sandbox is not None and not sandbox.current.is_over and sandbox.current is not State.STOPPING:
        return
    attempt.sandbox = sandboxes.start_sandbox(
        owner=attempt.owner, topology=exercise.topology, files=files_on_nodes(exercise, attempt.parameters)
    )
    attempt.save(update_fields=["sandbox"])
    # New machines know nothing of what held on the old ones; what was earned stays earned.
    attempt.checks.update(held=False)
    _tell_overview(attempt)


def go_to_step(*, attempt: Attempt, step: str) -> None:
    """The learner reads this step now; its checks are the ones that run by themselves."""
    found = step_of(attempt, step)
    if attempt.current_step != found.slug:
        Attempt.objects.filter(pk=attempt.pk).update(current_step=found.slug)
    if attempt.submitted_at is None:
        _ask_for_checks(attempt, found, on_request=False)


def request_check(*, attempt: Attempt, step: str) -> None:
    """Look at the step's checks now and report each of them, also those that fail."""
    _must_be_open(attempt)
    found = step_of(attempt, step)
    if attempt.sandbox is None or attempt.sandbox.current is not State.READY:
        raise LearnerError("no-machines", "There are no running machines to look at. Start new ones first.")
    _ask_for_checks(attempt, found, on_request=True)


def _ask_for_checks(attempt: Attempt, step: Step, *, on_request: bool) -> None:
    from slipway.attempts import tasks  # noqa: PLC0415 - tasks call services; the circle is closed here

    key = str(attempt.pk)
    task = tasks.check_on_request if on_request else tasks.check_after_change
    transaction.on_commit(lambda: dispatch(task, key, step.slug))


def record_result(*, attempt: Attempt, step: str, spec: CheckSpec, result: CheckResult, on_request: bool) -> None:
    """Keep what a check found, and tell the page.

    Failures that nobody asked about are kept and told only when the check had held before: a step that is not done
    yet is no failure. A broken check or an unreachable node never takes anything away.
    """
    with transaction.atomic():
        record = CheckRecord.objects.select_for_update().filter(attempt=attempt, step=step, check_name=spec.id).first()
        known = record is not None
        passed = result.outcome is Outcome.PASSED
        if not passed and not on_request and not (known and record and record.held):
            return
        if record is None:
            record = CheckRecord(attempt=attempt, step=step, check_name=spec.id)
        if known and passed and record.held and not on_request:
            return  # nothing new
        record.outcome = result.outcome.value
        record.title, record.of = result.title, spec.points
        record.expected, record.observed = result.expected, result.observed
        record.hint, record.detail = result.hint, result.detail
        record.checked_at = clock.now()
        if passed:
            record.held = record.held_once = True
            record.earned = spec.points
        elif result.outcome is Outcome.FAILED:
            record.held = False
            if spec.keeps:
                record.earned = 0
        record.save()
        _tell_checks(attempt, step, [record])


def _tell_checks(attempt: Attempt, step: str, records: Sequence[CheckRecord]) -> None:
    score, of = selectors.Progress.of(attempt).score(get_exercise(attempt.exercise))
    _tell(
        attempt,
        {
            "type": "checks",
            "step": step,
            "results": [selectors.record_view(record) for record in records],
            "score": score,
            "of": of,
        },
    )


def tell_checking(*, attempt: Attempt, step: str, running: bool) -> None:
    """Tell the page that a round of checks it asked for has begun or ended."""
    _tell(attempt, {"type": "checking", "step": step, "running": running})


def record_hint(*, attempt: Attempt, step: str, hint: int) -> None:
    """The learner opened a hint; opening it again changes nothing."""
    found = step_of(attempt, step)
    if not 1 <= hint <= found.hints:
        raise LearnerError("no-such-hint", "There is no such hint.")
    _, opened = HintOpening.objects.get_or_create(
        attempt=attempt, step=found.slug, hint=hint, defaults={"opened_at": clock.now()}
    )
    if opened:
        _tell_checks(attempt, found.slug, [])  # a hint may cost points


def answer_quiz(*, attempt: Attempt, step: str, quiz: str, choice: int) -> QuizVerdict:
    """Judge an answer. Others may still be tried, to learn why; the row remembers whether the first was right."""
    exercise = get_exercise(attempt.exercise)
    rendered = render_step(exercise, step_of(attempt, step), parameters=attempt.parameters)
    question = rendered.quiz(quiz)
    if question is None or not 1 <= choice <= len(question.choices):
        raise LearnerError("no-such-answer", "There is no such question or answer.")
    chosen = question.choices[choice - 1]
    with transaction.atomic():
        answer = QuizAnswer.objects.select_for_update().filter(attempt=attempt, step=step, quiz=quiz).first()
        if answer is None:
            answer = QuizAnswer(attempt=attempt, step=step, quiz=quiz, correct_at_first=chosen.correct)
        if attempt.submitted_at is None:
            answer.choice, answer.correct, answer.answered_at = choice, chosen.correct, clock.now()
            answer.save()
            _tell_checks(attempt, step, [])
    return QuizVerdict(correct=chosen.correct, explanation=chosen.explanation)


def record_watching(*, attempt: Attempt, step: str, recording: str, seen: str, read: bool) -> bool:
    """Add seconds of a recording that were played, or that it was read; returns whether it counts as watched.

    `seen` has a digit for each second from the first, “1” where it was played. What was seen stays seen.
    """
    found = step_of(attempt, step)
    known = found.recording(recording)
    if known is None or not set(seen) <= {"0", "1"} or len(seen) > known.seconds:
        raise LearnerError("no-such-recording", "There is no such recording in this step.")
    with transaction.atomic():
        row = Watching.objects.select_for_update().filter(attempt=attempt, step=step, recording=recording).first()
        row = row or Watching(attempt=attempt, step=step, recording=recording)
        if attempt.submitted_at is None:
            row.seen = "".join(max(pair) for pair in zip_longest(row.seen[: known.seconds], seen, fillvalue="0"))
            row.read = row.read or read
            row.at = clock.now()
            row.save()
        watched = selectors.counts_as_watched(row, known)
        _tell(attempt, {"type": "watched", "step": step, "recording": recording, "watched": watched})
    return watched


def submit(*, attempt: Attempt) -> None:
    """Hand the attempt in: all checks are looked at once more, then the score is final and the machines end.

    A second submission of the same attempt changes nothing.
    """
    from slipway.attempts import tasks  # noqa: PLC0415 - as above

    with transaction.atomic():
        row = Attempt.objects.select_for_update().get(pk=attempt.pk)
        if row.submitted_at is None:
            row.submitted_at = clock.now()
            row.save(update_fields=["submitted_at"])
            transaction.on_commit(lambda: dispatch(tasks.grade, str(row.pk)))
            _tell_overview(row)
    attempt.refresh_from_db()


def record_grade(*, attempt: Attempt) -> None:
    """The last round of checks is done: write the final score, end the machines, tell the page."""
    with transaction.atomic():
        row = Attempt.objects.select_for_update().get(pk=attempt.pk)
        if row.graded_at is not None:
            return
        row.score, row.of = selectors.Progress.of(row).score(get_exercise(row.exercise))
        row.graded_at = clock.now()
        row.save()
        _tell(row, {"type": "submitted", "score": row.score, "of": row.of})
        if row.sandbox is not None:
            sandboxes.stop_sandbox(sandbox_id=row.sandbox.sandbox_id, reason=Reason.SUBMITTED, actor=row.owner)


def end_sandbox(*, attempt: Attempt) -> None:
    """End the attempt's machines; results and place in the guide remain."""
    if attempt.sandbox is not None:
        sandboxes.stop_sandbox(
            sandbox_id=attempt.sandbox.sandbox_id, reason=Reason.STOPPED_BY_OWNER, actor=attempt.owner
        )


def extend(*, attempt: Attempt) -> None:
    """Give the attempt's machines more time. Raises `LearnerError` at the limit or when there are none."""
    if attempt.sandbox is None:
        raise LearnerError("not-running", "There are no running machines to give more time to.")
    sandboxes.extend_lease(sandbox_id=attempt.sandbox.sandbox_id, actor=attempt.owner)


def set_power(*, attempt: Attempt, node: str, plugged: bool) -> None:
    """Unplug one of the attempt's machines, or plug it in. Raises `LearnerError` where the exercise does not say so."""
    _must_be_open(attempt)
    if node not in get_exercise(attempt.exercise).unplug:
        raise LearnerError("no-plug", "This machine cannot be unplugged in this lab.")
    if attempt.sandbox is None:
        raise LearnerError("not-running", "There are no running machines to plug in or unplug.")
    sandboxes.set_power(sandbox_id=attempt.sandbox.sandbox_id, node=node, plugged=plugged, actor=attempt.owner)


def step_of(attempt: Attempt, slug: str) -> Step:
    """The attempt's step of that slug. Raises `LearnerError`."""
    for step in get_exercise(attempt.exercise).steps:
        if step.slug == slug:
            return step
    raise LearnerError("no-such-step", "This lab has no such step.")


def _must_be_open(attempt: Attempt) -> None:
    if attempt.submitted_at is not None:
        raise LearnerError("already-submitted", "This lab was submitted; its result does not change any more.")


def _tell_overview(attempt: Attempt) -> None:
    transaction.on_commit(
        lambda: publish(
            attempt_group(attempt.pk),
            "attempt.event",
            selectors.overview(Attempt.objects.select_related("sandbox").get(pk=attempt.pk)),
        )
    )


def _tell(attempt: Attempt, event: dict[str, JSON]) -> None:
    publish(attempt_group(attempt.pk), "attempt.event", event)


def tell_notice(*, attempt: Attempt, sentence: str) -> None:
    """Tell the page something that went wrong on our side."""
    _tell(attempt, {"type": "notice", "level": "warning", "sentence": sentence})
