"""A person's attempt at an exercise: parameters, progress, results, score."""

from django.apps import AppConfig


class AttemptsConfig(AppConfig):
    """A person's attempt at an exercise: parameters, progress, results, score."""

    name = "slipway.attempts"
