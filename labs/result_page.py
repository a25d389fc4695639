"""What the result page shows of each step: its checks as they stood, and its questions with the answers given.

Right answers of questions that the learner has not answered stay here.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipway.attempts.models import Attempt
from slipway.core.json import JSON, as_mapping
from slipway.exercises.exercise import Choice, Exercise
from slipway.exercises.selectors import render_step


@dataclass(frozen=True)
class AnsweredQuiz:
    """A question, and the choice that was made, if one was; `question` is safe HTML."""

    question: str
    choice: Choice | None


@dataclass(frozen=True)
class ResultStep:
    """One step of an attempt; `checks` are those of the overview."""

    slug: str
    number: int
    title: str
    done: bool
    checks: list[JSON]
    quizzes: list[AnsweredQuiz]
    points: int
    of: int


def result_steps(attempt: Attempt, exercise: Exercise, overview: dict[str, JSON]) -> list[ResultStep]:
    """Every step of the overview, in order."""
    views = overview["steps"]
    assert isinstance(views, list)  # noqa: S101 - the overview's own shape
    by_slug = {str(as_mapping(view)["slug"]): as_mapping(view) for view in views}
    answers = {(answer.step, answer.quiz): answer.choice for answer in attempt.answers.all()}
    steps = []
    for step in exercise.steps:
        checks = by_slug[step.slug]["checks"]
        assert isinstance(checks, list)  # noqa: S101 - as above
        rendered = render_step(exercise, step, parameters=attempt.parameters)
        quizzes = [
            AnsweredQuiz(quiz.question, quiz.choice(str(answers.get((step.slug, quiz.id), ""))))
            for quiz in rendered.quizzes
        ]
        points = [as_mapping(check).get("points") for check in checks]
        steps.append(
            ResultStep(
                slug=step.slug,
                number=step.number,
                title=rendered.title,
                done=by_slug[step.slug]["done"] is True,
                checks=checks,
                quizzes=quizzes,
                points=sum(earned for earned in points if isinstance(earned, int)),
                of=step.points,
            )
        )
    return steps
