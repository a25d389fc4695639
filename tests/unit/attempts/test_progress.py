"""What a learner earns, keeps and loses in an attempt; on the fake backend, with an exercise made for the test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slipway.accounts.models import User
from slipway.attempts import selectors, services
from slipway.attempts.models import Attempt
from slipway.attempts.observer import is_change
from slipway.checks.results import CheckResult, Outcome
from slipway.core.errors import LearnerError
from slipway.exercises.selectors import get_exercise
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.states import OVER, Reason, State

Report = Callable[..., None]


@pytest.fixture
def report(attempt: Attempt) -> Report:
    """Record that a check ended so, as the worker would."""
    places = {spec.id: (step.slug, spec) for step in get_exercise("two-steps").steps for spec in step.checks}

    def record(check: str, outcome: Outcome, *, on_request: bool = False) -> None:
        step, spec = places[check]
        result = CheckResult(
            check=check,
            title=spec.title,
            outcome=outcome,
            points=0,
            of=spec.points,
            expected="this",
            observed="that",
            hint="Try it.",
            detail="",
            held_after=None,
            duration=0.1,
        )
        services.record_result(attempt=attempt, step=step, spec=spec, result=result, on_request=on_request)

    return record


def score(attempt: Attempt) -> int:
    """The score as the page has it."""
    points = selectors.overview(attempt)["score"]
    assert isinstance(points, int)
    return points


def test_a_check_that_held_once_has_earned_its_points_for_good(attempt: Attempt, report: Report) -> None:
    report("network_is_there", Outcome.PASSED)
    assert score(attempt) == 3
    report("network_is_there", Outcome.FAILED)
    assert score(attempt) == 3


def test_a_check_that_must_keep_holding_loses_its_points_and_says_so(attempt: Attempt, report: Report) -> None:
    report("page_answers", Outcome.PASSED)
    report("page_answers", Outcome.FAILED)
    assert score(attempt) == 0
    view = selectors.overview(attempt)["steps"][0]["checks"][1]
    assert (view["lost"], view["observed"]) == (True, "that")
    report("page_answers", Outcome.PASSED)
    assert score(attempt) == 5


def test_a_step_that_is_not_done_yet_is_no_failure_until_the_learner_asks(attempt: Attempt, report: Report) -> None:
    report("network_is_there", Outcome.FAILED)
    assert selectors.overview(attempt)["steps"][0]["checks"][0]["outcome"] is None
    report("network_is_there", Outcome.FAILED, on_request=True)
    assert selectors.overview(attempt)["steps"][0]["checks"][0]["outcome"] == "failed"


@pytest.mark.parametrize("outcome", [Outcome.BROKEN, Outcome.UNREACHABLE])
def test_what_is_not_the_learners_fault_takes_nothing_away(attempt: Attempt, report: Report, outcome: Outcome) -> None:
    report("page_answers", Outcome.PASSED)
    report("page_answers", outcome, on_request=True)
    assert score(attempt) == 5
    assert selectors.overview(attempt)["steps"][0]["checks"][1]["lost"] is False


def test_an_opened_hint_costs_what_the_exercise_says_and_only_once(attempt: Attempt, report: Report) -> None:
    report("network_is_there", Outcome.PASSED)
    for _ in range(2):
        services.record_hint(attempt=attempt, step="first", hint=1)
    assert score(attempt) == 2


def test_a_hint_never_costs_more_than_its_step_earned(attempt: Attempt) -> None:
    services.record_hint(attempt=attempt, step="first", hint=1)
    assert score(attempt) == 0


def test_a_hint_that_is_not_there_cannot_be_opened(attempt: Attempt) -> None:
    with pytest.raises(LearnerError, match="no such hint"):
        services.record_hint(attempt=attempt, step="first", hint=2)


def test_a_question_may_be_tried_again_and_the_first_answer_is_remembered(attempt: Attempt) -> None:
    wrong = services.answer_quiz(attempt=attempt, step="first", quiz="why", choice=1)
    right = services.answer_quiz(attempt=attempt, step="first", quiz="why", choice=2)
    assert (wrong.correct, right.correct) == (False, True)
    assert "No, the other." in wrong.explanation
    answer = attempt.answers.get()
    assert (answer.correct, answer.correct_at_first) == (True, False)


@pytest.mark.parametrize(("quiz", "choice"), [("why", 0), ("why", 3), ("who", 1)])
def test_an_answer_that_does_not_exist_is_refused(attempt: Attempt, quiz: str, choice: int) -> None:
    with pytest.raises(LearnerError, match="no such question or answer"):
        services.answer_quiz(attempt=attempt, step="first", quiz=quiz, choice=choice)


def test_opening_the_exercise_again_resumes_the_same_attempt_with_the_same_values(
    attempt: Attempt, learner: User
) -> None:
    again = services.open_attempt(owner=learner, exercise_slug="two-steps")
    assert (again.pk, again.parameters, again.sandbox_id) == (attempt.pk, attempt.parameters, attempt.sandbox_id)
    assert again.parameters["port"] in {8080, 8081, 8088, 9090}


def test_new_machines_keep_what_was_earned(attempt: Attempt, learner: User, report: Report) -> None:
    report("network_is_there", Outcome.PASSED)
    services.end_sandbox(attempt=attempt)
    old = attempt.sandbox
    assert old is not None
    old.refresh_from_db()
    assert (old.current, old.reason) == (State.GONE, Reason.STOPPED_BY_OWNER)
    services.restart_sandbox(attempt=attempt)
    assert attempt.sandbox_id != old.pk
    assert score(attempt) == 3


def test_another_learners_attempt_cannot_be_told_from_none(attempt: Attempt, stranger: User) -> None:
    with pytest.raises(LearnerError) as refused:
        selectors.get_attempt(attempt_id=attempt.pk, owner=stranger)
    assert refused.value.error_id == "no-such-attempt"


def test_after_the_grade_nothing_changes_any_more(attempt: Attempt, report: Report) -> None:
    report("network_is_there", Outcome.PASSED)
    services.end_sandbox(attempt=attempt)
    services.submit(attempt=attempt)
    attempt.refresh_from_db()
    assert (attempt.score, attempt.of, attempt.graded_at is not None) == (3, 10, True)
    with pytest.raises(LearnerError, match="was submitted"):
        services.request_check(attempt=attempt, step="first")
    graded = attempt.graded_at
    services.submit(attempt=attempt)
    attempt.refresh_from_db()
    assert attempt.graded_at == graded


def test_my_labs_shows_state_steps_and_points(attempt: Attempt, learner: User, report: Report) -> None:
    report("still_clean", Outcome.PASSED)
    (card,) = selectors.attempts_of(learner)
    assert (card.state, card.done, card.total, card.score, card.of) == ("running", 1, 2, 2, 10)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"kind": "hello"}, True),
        ({"kind": "docker", "event": {"Type": "container", "Action": "start"}}, True),
        ({"kind": "docker", "event": {"Type": "container", "Action": "exec_start: ping web"}}, False),
        ({"kind": "shell", "what": "finished"}, True),
        ({"kind": "shell", "what": "started"}, False),
        ({"kind": "tick"}, False),
        ({"kind": 7, "event": "garbage"}, False),
        ({"kind": "docker", "event": ["garbage"]}, True),
    ],
)
def test_only_what_may_change_a_cluster_asks_for_checks(event: dict[str, object], expected: bool) -> None:
    assert is_change(event) is expected


def test_two_windows_that_ask_for_new_machines_get_the_same(attempt: Attempt, learner: User) -> None:
    services.end_sandbox(attempt=attempt)
    windows = [selectors.get_attempt(attempt_id=attempt.pk, owner=learner) for _ in range(2)]
    for window in windows:
        services.restart_sandbox(attempt=window)
    assert windows[0].sandbox_id == windows[1].sandbox_id != attempt.sandbox_id
    assert Sandbox.objects.exclude(state__in=OVER).count() == 1


def test_a_window_from_before_the_submission_starts_no_machines(attempt: Attempt, learner: User) -> None:
    old = selectors.get_attempt(attempt_id=attempt.pk, owner=learner)
    services.submit(attempt=attempt)
    with pytest.raises(LearnerError, match="was submitted"):
        services.restart_sandbox(attempt=old)
