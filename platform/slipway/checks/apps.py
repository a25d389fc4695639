"""The check API, the examiner, convergence and grading."""

from django.apps import AppConfig


class ChecksConfig(AppConfig):
    """The check API, the examiner, convergence and grading."""

    name = "slipway.checks"
