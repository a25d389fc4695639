"""What a browser may send that is not what the page would send: it is refused with a sentence, and nothing breaks."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from slipway.accounts.models import User
from slipway.attempts.models import Attempt, HintOpening, QuizAnswer
from slipway.sandboxes.backends.fake import FakeBackend

pytestmark = pytest.mark.usefixtures("small_lab")
NONSENSE = [
    b"",
    b"not json",
    b"[]",
    b"null",
    b'"step"',
    b'{"step": {}}',
    b'{"step": 7, "hint": "x", "choice": []}',
    b"\xff\xfe",
    b"[" * 4000,
    b'{"step": "' + b"x" * 5000 + b'"}',
]


@pytest.mark.parametrize("action", ["step", "check", "hint", "quiz"])
def test_a_body_that_makes_no_sense_is_refused_with_a_sentence(mine: Client, attempt: Attempt, action: str) -> None:
    for body in NONSENSE:
        answer = mine.post(f"/attempts/{attempt.pk}/{action}", body, content_type="application/json")
        assert answer.status_code == 404, body
        assert answer.json()["error"]["sentence"]
    assert not HintOpening.objects.exists()
    assert not QuizAnswer.objects.exists()


def test_only_answers_that_were_offered_count(mine: Client, attempt: Attempt) -> None:
    for choice in (0, 4, -1, 2**70, True, None, "2", 1.5):
        body = json.dumps({"step": attempt.current_step, "quiz": "why-not-there", "choice": choice})
        answer = mine.post(f"/attempts/{attempt.pk}/quiz", body, content_type="application/json")
        assert answer.status_code == 404, choice
    assert not QuizAnswer.objects.exists()


def test_an_action_is_not_a_page(mine: Client, attempt: Attempt) -> None:
    assert mine.get(f"/attempts/{attempt.pk}/stop").status_code == 405


@pytest.mark.parametrize("action", ["step", "check", "stop", "submit", "extend"])
def test_a_request_without_the_pages_token_is_refused(learner: User, attempt: Attempt, action: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)
    answer = client.post(f"/attempts/{attempt.pk}/{action}", "{}", content_type="application/json")
    assert answer.status_code == 403
    attempt.refresh_from_db()
    assert attempt.submitted_at is None


def test_starting_a_lab_needs_the_pages_token_too(learner: User, backend: FakeBackend) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)
    assert client.post("/labs/two-nodes/start").status_code == 403
    assert not Attempt.objects.exists()


def test_after_submission_nothing_is_handed_out_again(mine: Client, attempt: Attempt) -> None:
    Attempt.objects.filter(pk=attempt.pk).update(submitted_at="2026-01-01T00:00:00Z")
    for action in ("restart", "check"):
        answer = mine.post(
            f"/attempts/{attempt.pk}/{action}", {"step": attempt.current_step}, content_type="application/json"
        )
        assert answer.status_code == 409
        assert answer.json()["error"]["id"] == "already-submitted"


def test_what_is_not_there_is_a_page_that_says_so(client: Client, db: None) -> None:
    for path in ("/labs/nothing/", "/labs/two-nodes/assets/../exercise.yaml", "/labs/two-nodes/assets/x"):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "text/html" in answer["Content-Type"]
