"""What lies in exercises/: loading, schema, lint, self-test."""

from django.apps import AppConfig


class ExercisesConfig(AppConfig):
    """What lies in exercises/: loading, schema, lint, self-test."""

    name = "slipway.exercises"
