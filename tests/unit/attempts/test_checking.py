"""Checks of an attempt as the worker runs them: the real examiner in a subprocess, nodes from the fake backend."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from slipway.accounts.models import User
from slipway.attempts import selectors, services, tasks
from slipway.attempts.models import Attempt
from slipway.core import clock
from slipway.core.errors import AuthorError, LearnerError
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.backends.fake_node import FakeNode

NETWORK = {
    "Id": "f" * 64,
    "Name": "bridge",
    "Driver": "bridge",
    "Scope": "local",
    "IPAM": {"Config": []},
    "Containers": {},
}
PAGE = {"status": 200, "headers": {}, "body": "hello", "truncated": False, "duration_ms": 1, "error": ""}


@pytest.fixture
def node(attempt: Attempt, backend: FakeBackend) -> FakeNode:
    """The attempt's only machine."""
    assert attempt.sandbox is not None
    return backend.nodes(attempt.sandbox.sandbox_id)["node1"]


def outcomes(attempt: Attempt, step: int = 0) -> list[object]:
    """The outcomes of a step's checks, as the page has them."""
    return [check["outcome"] for check in selectors.overview(attempt)["steps"][step]["checks"]]


def test_a_check_turns_green_by_itself_after_the_change_that_makes_it_hold(attempt: Attempt, node: FakeNode) -> None:
    tasks.check_after_change(str(attempt.pk), "first")
    assert outcomes(attempt) == [None, None]
    node.docker["/networks"] = [NETWORK]
    tasks.check_after_change(str(attempt.pk), "first")
    assert outcomes(attempt) == ["passed", None]


def test_on_request_a_check_that_fails_says_what_was_expected_and_what_is_there(
    attempt: Attempt, node: FakeNode
) -> None:
    services.request_check(attempt=attempt, step="first")
    (network, page) = selectors.overview(attempt)["steps"][0]["checks"]
    assert network["outcome"] == page["outcome"] == "failed"
    assert "200" in page["expected"]
    assert page["observed"]


def test_a_kept_check_of_an_earlier_step_is_watched_while_the_learner_is_elsewhere(
    attempt: Attempt, node: FakeNode
) -> None:
    url = f"http://localhost:{attempt.parameters['port']}/"
    node.pages[url] = PAGE
    tasks.check_after_change(str(attempt.pk), "first")
    assert outcomes(attempt) == [None, "passed"]
    del node.pages[url]
    tasks.check_after_change(str(attempt.pk), "second")
    view = selectors.overview(attempt)["steps"][0]["checks"][1]
    assert (view["outcome"], view["lost"], view["points"]) == ("failed", True, 0)


def test_submission_does_not_wait_for_what_was_earned_for_good_and_holds_no_more(
    attempt: Attempt, node: FakeNode
) -> None:
    node.docker["/networks"] = [NETWORK]
    for step in ("first", "second"):
        tasks.check_after_change(str(attempt.pk), step)
    node.docker["/networks"] = []
    before = node.asked.copy()
    services.submit(attempt=attempt)
    attempt.refresh_from_db()
    assert (attempt.score, attempt.of) == (5, 10)
    assert node.asked - before == {"docker": 2, "http": 1}  # the networks, the containers and the page, once


def test_submission_looks_at_everything_once_more_and_ends_the_machines(
    attempt: Attempt, node: FakeNode, backend: FakeBackend
) -> None:
    node.docker["/networks"] = [NETWORK]
    services.submit(attempt=attempt)
    attempt.refresh_from_db()
    assert attempt.graded_at is not None
    assert (attempt.score, attempt.of) == (5, 10)
    assert not backend.survey()


def test_a_submission_whose_machines_cannot_be_reached_is_graded_later_not_as_failed(
    attempt: Attempt, node: FakeNode, backend: FakeBackend
) -> None:
    node.docker["/networks"] = [NETWORK]
    tasks.check_after_change(str(attempt.pk), "first")
    node.end(1)
    services.submit(attempt=attempt)
    attempt.refresh_from_db()
    assert attempt.graded_at is None or attempt.score >= 3
    with clock.moved_by(minutes=4):
        tasks.sweep()
    attempt.refresh_from_db()
    assert attempt.graded_at is not None
    assert attempt.score >= 3


@pytest.mark.parametrize("mishap", ["a mistake in it", "its folder moved away"])
def test_a_submission_waits_for_an_exercise_that_cannot_be_used_and_keeps_what_was_earned(
    attempt: Attempt, node: FakeNode, tmp_path: Path, mishap: str
) -> None:
    node.docker["/networks"] = [NETWORK]
    tasks.check_after_change(str(attempt.pk), "first")
    folder, text = tmp_path / "two-steps", (tmp_path / "two-steps" / "exercise.yaml").read_text()
    if mishap == "a mistake in it":
        (folder / "exercise.yaml").write_text("title: [")
    else:
        folder.rename(tmp_path / "elsewhere")
    with suppress(AuthorError, LearnerError):  # the page that cannot be told
        services.submit(attempt=attempt)
    with clock.moved_by(minutes=4):
        tasks.sweep()
    attempt.refresh_from_db()
    assert attempt.submitted_at is not None
    assert attempt.graded_at is None
    if not folder.exists():
        (tmp_path / "elsewhere").rename(folder)
    (folder / "exercise.yaml").write_text(text)
    tasks.sweep()
    attempt.refresh_from_db()
    assert attempt.graded_at is not None
    assert attempt.score >= 3


def test_without_machines_checks_cannot_be_asked_for_and_the_sentence_says_so(attempt: Attempt, node: FakeNode) -> None:
    services.end_sandbox(attempt=attempt)
    again = selectors.get_attempt(attempt_id=attempt.pk, owner=attempt.owner)
    with pytest.raises(LearnerError, match="no running machines"):
        services.request_check(attempt=again, step="first")


def test_what_arrives_while_a_round_runs_is_done_after_it(attempt: Attempt, node: FakeNode, learner: User) -> None:
    from slipway.core import locks  # noqa: PLC0415

    node.docker["/networks"] = [NETWORK]
    with locks.held(f"check:{attempt.pk}") as mine:
        assert mine
        tasks.check_after_change(str(attempt.pk), "first")
        assert outcomes(attempt) == [None, None]
    tasks.check_on_request(str(attempt.pk), "second")
    assert outcomes(attempt)[0] == "passed"
