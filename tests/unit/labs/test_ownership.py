"""Whose attempt it is decides what a page answers."""

from __future__ import annotations

import pytest
from django.test import Client

from slipway.attempts.models import Attempt
from slipway.sandboxes.states import State

pytestmark = pytest.mark.usefixtures("small_lab")
PAGES = ["", "result/", "steps/networks"]
ACTIONS = ["step", "check", "hint", "quiz", "extend", "stop", "restart", "submit"]


@pytest.mark.parametrize("page", PAGES)
def test_another_learners_pages_are_not_there(theirs: Client, attempt: Attempt, page: str) -> None:
    answer = theirs.get(f"/attempts/{attempt.pk}/{page}")
    assert answer.status_code == 404
    assert "node1" not in answer.content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_another_learner_changes_nothing(theirs: Client, attempt: Attempt, action: str) -> None:
    answer = theirs.post(f"/attempts/{attempt.pk}/{action}", "{}", content_type="application/json")
    assert answer.status_code == 404
    assert answer.json()["error"]["id"] == "no-such-attempt"
    attempt.refresh_from_db()
    assert attempt.submitted_at is None
    assert attempt.sandbox
    assert attempt.sandbox.current is State.READY


@pytest.mark.parametrize("page", PAGES)
def test_who_is_not_signed_in_is_sent_to_sign_in(client: Client, attempt: Attempt, page: str) -> None:
    path = f"/attempts/{attempt.pk}/{page}"
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.url == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_tells_who_is_not_signed_in_to_sign_in(client: Client, attempt: Attempt, action: str) -> None:
    answer = client.post(f"/attempts/{attempt.pk}/{action}", "{}", content_type="application/json")
    assert answer.status_code == 401
    assert answer.json()["error"]["id"] == "sign-in"


def test_ones_own_pages_are_shown(mine: Client, attempt: Attempt) -> None:
    for page in ("", "result/"):
        assert mine.get(f"/attempts/{attempt.pk}/{page}").status_code == 200
    for step in attempt_steps(mine, attempt):
        assert mine.get(f"/attempts/{attempt.pk}/steps/{step}").status_code == 200


def test_my_labs_shows_mine_only(mine: Client, theirs: Client, attempt: Attempt) -> None:
    assert str(attempt.pk) in mine.get("/my-labs/").content.decode()
    assert str(attempt.pk) not in theirs.get("/my-labs/").content.decode()


def attempt_steps(client: Client, attempt: Attempt) -> list[str]:
    """The slugs of the lab's steps, as the page has them."""
    overview = client.get(f"/attempts/{attempt.pk}/").context["overview"]
    return [step["slug"] for step in overview["steps"]]
