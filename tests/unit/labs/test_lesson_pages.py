"""Pages about a lesson that is only watched: there are no points to win and no machines to end."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from slipway.accounts.models import User
from slipway.attempts import services
from slipway.attempts.models import Attempt

LESSON = "kubernetes-in-five-minutes"


@pytest.fixture
def watched(learner: User) -> Attempt:
    """An attempt at the lesson, its first step done."""
    attempt = services.open_attempt(owner=learner, exercise_slug=LESSON)
    services.record_watching(attempt=attempt, step="five-minutes", recording="five-minutes", seen="", read=True)
    services.answer_quiz(attempt=attempt, step="five-minutes", quiz="who-starts-containers", choice=1)
    return attempt


def words(client: Client, path: str) -> str:
    """What the page says, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", "", client.get(path).content.decode()).split())


def test_its_progress_is_counted_in_steps(mine: Client, watched: Attempt) -> None:
    for path in ("/", "/my-labs/", f"/attempts/{watched.pk}/result/"):
        page = words(mine, path)
        assert "1 of 2 steps" in page, path
        assert "of 0 points" not in page, path


def test_submitting_it_ends_no_machines(mine: Client, watched: Attempt) -> None:
    page = words(mine, f"/attempts/{watched.pk}/")
    assert "Your answers are final then." in page
    assert "the machines end" not in page
