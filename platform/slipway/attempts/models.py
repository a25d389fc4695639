"""Rows about attempts: a person's try at an exercise, what they were given, how far they came, what their checks said.

An attempt outlives its machines; everything a learner earned is here and nowhere else.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from slipway.core.ids import AttemptId
from slipway.sandboxes.models import Sandbox


class Attempt(models.Model):
    """One person's try at one exercise. `parameters` are drawn once and stay."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="attempts")
    exercise = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    parameters = models.JSONField(default=dict)
    sandbox = models.ForeignKey(Sandbox, null=True, on_delete=models.SET_NULL, related_name="attempts")
    current_step = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    # When the submission's last round of checks was done; score and of are final from then on.
    graded_at = models.DateTimeField(null=True)
    score = models.PositiveIntegerField(default=0)
    of = models.PositiveIntegerField(default=0)

    if TYPE_CHECKING:
        owner_id: int
        sandbox_id: uuid.UUID | None

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["owner", "exercise"])]

    def __str__(self) -> str:
        return f"attempt {self.id} at {self.exercise}"

    @property
    def attempt_id(self) -> AttemptId:
        """The id, typed."""
        return AttemptId(self.id)


class CheckRecord(models.Model):
    """The latest that is known of one check in one attempt.

    `held` is how it was when last looked at; `earned` are the points that count: once a check has held it has earned
    them, and only a check that must keep holding can lose them again.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="checks")
    step = models.CharField(max_length=80)
    check_name = models.CharField(max_length=80)
    outcome = models.CharField(max_length=16)
    held = models.BooleanField(default=False)
    held_once = models.BooleanField(default=False)
    earned = models.PositiveIntegerField(default=0)
    of = models.PositiveIntegerField(default=0)
    title = models.CharField(max_length=300, default="")
    expected = models.TextField(default="", blank=True)
    observed = models.TextField(default="", blank=True)
    hint = models.TextField(default="", blank=True)
    detail = models.TextField(default="", blank=True)
    checked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attempt", "step", "check_name"], name="one_record_a_check")]

    def __str__(self) -> str:
        return f"{self.step}/{self.check_name}: {self.outcome}"


class HintOpening(models.Model):
    """A learner opened a hint."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="hints")
    step = models.CharField(max_length=80)
    hint = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attempt", "step", "hint"], name="a_hint_opens_once")]

    def __str__(self) -> str:
        return f"hint {self.hint} of {self.step}"


class Watching(models.Model):
    """How much of a recording a learner has seen: a digit a second, “1” once it was played; or that it was read."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="watchings")
    step = models.CharField(max_length=80)
    recording = models.CharField(max_length=80)
    seen = models.TextField(default="", blank=True)
    read = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "step", "recording"], name="one_watching_a_recording")
        ]

    def __str__(self) -> str:
        return f"{self.recording}: {self.seen.count('1')} s"


class QuizAnswer(models.Model):
    """A learner's answers to one question: whether the first was right, and the latest, which is shown."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="answers")
    step = models.CharField(max_length=80)
    quiz = models.CharField(max_length=80)
    choice = models.PositiveSmallIntegerField()
    correct = models.BooleanField()
    correct_at_first = models.BooleanField()
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attempt", "step", "quiz"], name="one_answer_a_quiz")]

    def __str__(self) -> str:
        return f"{self.quiz}: {self.choice}"
