"""What counts as having watched a lesson."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway.accounts.models import User
from slipway.attempts import selectors, services
from slipway.attempts.models import Attempt
from slipway.core.errors import LearnerError
from slipway.core.json import as_mapping
from slipway.sandboxes.models import Sandbox

STEP = """---
title: Watch
---
::: cast lesson.cast
:::

::: quiz why
Which?

- [ ] This.

  No.
- [x] That.

  Yes.
:::
"""


@pytest.fixture
def attempt(learner: User, tmp_path: Path, settings: pytest.FixtureRequest) -> Attempt:
    """An attempt at a lesson of ten seconds with a question."""
    assets = tmp_path / "lesson" / "assets"
    assets.mkdir(parents=True)
    (assets.parent / "exercise.yaml").write_text("title: A lesson\nsummary: Watch.\nminutes: 5\n")
    (assets.parent / "01-watch.md").write_text(STEP)
    lines = [{"version": 2, "width": 80, "height": 20}, [0, "m", "# One"], [10, "o", "end"]]
    (assets / "lesson.cast").write_text("\n".join(json.dumps(line) for line in lines))
    settings.SLIPWAY_EXERCISES = tmp_path
    return services.open_attempt(owner=learner, exercise_slug="lesson")


def watch(attempt: Attempt, seen: str, *, read: bool = False) -> bool:
    """These seconds were played."""
    return services.record_watching(attempt=attempt, step="watch", recording="lesson", seen=seen, read=read)


def is_done(attempt: Attempt) -> bool:
    """Whether the page shows the step as done."""
    steps = selectors.overview(Attempt.objects.get(pk=attempt.pk))["steps"]
    assert isinstance(steps, list)
    return as_mapping(steps[0])["done"] is True


def test_a_lesson_starts_no_machines(attempt: Attempt) -> None:
    services.restart_sandbox(attempt=attempt)
    assert not Sandbox.objects.exists()
    assert selectors.overview(attempt)["sandbox"] is None


def test_seconds_add_up_over_visits_and_nine_of_ten_are_enough(attempt: Attempt) -> None:
    assert not watch(attempt, "11111")
    assert not watch(attempt, "0000011")
    assert watch(attempt, "0000000110")


def test_skipping_to_the_end_is_not_watching(attempt: Attempt) -> None:
    assert not watch(attempt, "1000000001")


def test_who_reads_the_transcript_has_watched(attempt: Attempt) -> None:
    assert watch(attempt, "", read=True)
    assert watch(attempt, "1")


def test_a_step_is_done_when_it_was_watched_and_answered(attempt: Attempt) -> None:
    watch(attempt, "1" * 10)
    assert not is_done(attempt)
    services.answer_quiz(attempt=attempt, step="watch", quiz="why", choice=1)
    assert is_done(attempt)


@pytest.mark.parametrize("seen", ["1" * 11, "12", "yes"])
def test_seconds_that_the_recording_does_not_have_are_refused(attempt: Attempt, seen: str) -> None:
    with pytest.raises(LearnerError):
        watch(attempt, seen)


def test_there_is_nothing_to_watch_under_another_name(attempt: Attempt) -> None:
    with pytest.raises(LearnerError):
        services.record_watching(attempt=attempt, step="watch", recording="other", seen="1", read=False)
