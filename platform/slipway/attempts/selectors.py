"""Everything that reads rows of attempts for pages, tasks and the observer. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import get_language

from slipway.accounts.models import User
from slipway.attempts.models import Attempt, CheckRecord, QuizAnswer, Watching
from slipway.checks.declared import CheckSpec
from slipway.checks.results import Outcome
from slipway.core.errors import AuthorError, LearnerError
from slipway.core.json import JSON
from slipway.exercises.exercise import Exercise, Quiz, Recording, Step
from slipway.exercises.selectors import get_exercise
from slipway.sandboxes.selectors import sandbox_news
from slipway.sandboxes.states import State

# Whoever missed a breath at the end has watched it all the same; what was skipped was not watched.
WATCHED_SHARE = 0.9


@dataclass(frozen=True)
class AttemptCard:
    """One line of “my labs”. `total` is 0 when the exercise is no longer there or is broken."""

    attempt: Attempt
    state: str  # "running", "paused" (no machines), "submitted"
    done: int
    total: int
    score: int
    of: int


def get_attempt(*, attempt_id: UUID, owner: User) -> Attempt:
    """The owner's attempt of that id. Raises `LearnerError` when there is none or it is somebody else's."""
    attempt = Attempt.objects.select_related("sandbox").filter(pk=attempt_id, owner=owner).first()
    if attempt is None:
        raise LearnerError("no-such-attempt", "There is no such lab, or it is not yours.")
    return attempt


def attempts_of(owner: User) -> list[AttemptCard]:
    """All attempts of a person, the newest first."""
    attempts = (
        Attempt.objects.filter(owner=owner)
        .select_related("sandbox")
        .prefetch_related("checks", "answers", "hints", "watchings")
    )
    return [_card(attempt) for attempt in attempts]


def _card(attempt: Attempt) -> AttemptCard:
    exercise = _exercise_of(attempt)
    progress = Progress.of(attempt)
    score, of = (attempt.score, attempt.of) if attempt.graded_at or not exercise else progress.score(exercise)
    alive = attempt.sandbox is not None and not attempt.sandbox.current.is_over
    state = "submitted" if attempt.submitted_at else "running" if alive else "paused"
    steps = exercise.steps if exercise else ()
    done = sum(progress.is_done(step) for step in steps)
    return AttemptCard(attempt=attempt, state=state, done=done, total=len(steps), score=score, of=of)


def _exercise_of(attempt: Attempt) -> Exercise | None:
    try:
        return get_exercise(attempt.exercise)
    except (LearnerError, AuthorError):
        return None


@dataclass(frozen=True)
class Progress:
    """Everything a learner has done in one attempt: results, answers and opened hints, by step and name."""

    checks: Mapping[tuple[str, str], CheckRecord]
    answers: Mapping[tuple[str, str], QuizAnswer]
    hints: Mapping[str, int]  # how many a step
    watched: Mapping[tuple[str, str], Watching]

    @classmethod
    def of(cls, attempt: Attempt) -> Progress:
        """As the rows have it now."""
        return cls(
            checks={(record.step, record.check_name): record for record in attempt.checks.all()},
            answers={(answer.step, answer.quiz): answer for answer in attempt.answers.all()},
            hints=Counter(opening.step for opening in attempt.hints.all()),
            watched={(watching.step, watching.recording): watching for watching in attempt.watchings.all()},
        )

    def score(self, exercise: Exercise) -> tuple[int, int]:
        """Points earned and points there are. Hints cost what the exercise says, never more than their step earned."""
        earned = 0
        for step in exercise.steps:
            records = (self.checks.get((step.slug, spec.id)) for spec in step.checks)
            points = sum(record.earned for record in records if record)
            earned += max(0, points - exercise.hint_cost * self.hints.get(step.slug, 0))
        return earned, exercise.total_points

    def is_done(self, step: Step) -> bool:
        """Whether all checks of the step have been earned, its recordings watched and its questions answered."""
        checks = all((record := self.checks.get((step.slug, spec.id))) and record.held_once for spec in step.checks)
        watched = all(self.is_watched(step, recording) for recording in step.recordings)
        return checks and watched and all((step.slug, quiz.id) in self.answers for quiz in step.quizzes)

    def is_watched(self, step: Step, recording: Recording) -> bool:
        """Whether nearly every second of the recording was played, or all of it read."""
        watching = self.watched.get((step.slug, recording.name))
        return watching is not None and counts_as_watched(watching, recording)


def counts_as_watched(watching: Watching, recording: Recording) -> bool:
    """Whether this is enough of the recording."""
    return watching.read or watching.seen.count("1") >= WATCHED_SHARE * recording.seconds


def overview(attempt: Attempt) -> dict[str, JSON]:
    """The whole of what the lab page shows about an attempt, as it stands now."""
    exercise = get_exercise(attempt.exercise)
    progress = Progress.of(attempt)
    score, of = (attempt.score, attempt.of) if attempt.graded_at else progress.score(exercise)
    return {
        "type": "overview",
        "attempt": str(attempt.pk),
        "title": exercise.title,
        "steps": [_step_view(attempt, step, progress) for step in exercise.steps],
        "current_step": attempt.current_step,
        "score": score,
        "of": of,
        "submitted_at": attempt.submitted_at.isoformat() if attempt.submitted_at else None,
        "graded": attempt.graded_at is not None,
        "sandbox": sandbox_news(attempt.sandbox) if attempt.sandbox else None,
    }


def _step_view(attempt: Attempt, step: Step, progress: Progress) -> dict[str, JSON]:
    return {
        "slug": step.slug,
        "number": step.number,
        "title": step.title_in(get_language() or ""),
        "done": progress.is_done(step),
        "terminal": step.terminal,
        "checks": [_check_view(attempt, step, spec, progress) for spec in step.checks],
        "quizzes": [_quiz_view(step, quiz, progress) for quiz in step.quizzes],
        "recordings": [_recording_view(step, recording, progress) for recording in step.recordings],
    }


def _recording_view(step: Step, recording: Recording, progress: Progress) -> dict[str, JSON]:
    watching = progress.watched.get((step.slug, recording.name))
    return {
        "recording": recording.name,
        "seconds": recording.seconds,
        "seen": watching.seen if watching else "",
        "watched": progress.is_watched(step, recording),
    }


def _check_view(attempt: Attempt, step: Step, spec: CheckSpec, progress: Progress) -> dict[str, JSON]:
    record = progress.checks.get((step.slug, spec.id))
    if record is None:
        record = CheckRecord(
            attempt=attempt, check_name=spec.id, title=spec.title_for(attempt.parameters), of=spec.points
        )
    return record_view(record)


def _quiz_view(step: Step, quiz: Quiz, progress: Progress) -> dict[str, JSON]:
    answer = progress.answers.get((step.slug, quiz.id))
    return {
        "quiz": quiz.id,
        "answered": answer is not None,
        "choice": answer.choice if answer else None,
        "correct": answer.correct if answer else None,
    }


def record_view(record: CheckRecord) -> dict[str, JSON]:
    """One check's latest result as pages get it; an author's traceback stays here."""
    return {
        "check": record.check_name,
        "title": record.title,
        "outcome": record.outcome or None,
        "held": record.held,
        "lost": record.held_once and not record.held and record.outcome == Outcome.FAILED.value,
        "points": record.earned,
        "of": record.of,
        "expected": record.expected,
        "observed": record.observed,
        "hint": record.hint,
    }


def watched_sandboxes() -> dict[UUID, tuple[str, ...]]:
    """The ready sandboxes of unsubmitted attempts, with the names of their nodes: what the observer follows."""
    attempts = Attempt.objects.filter(submitted_at__isnull=True, sandbox__state=State.READY).select_related("sandbox")
    return {attempt.sandbox.pk: attempt.sandbox.topology.names for attempt in attempts if attempt.sandbox is not None}
