"""The learner's side: catalogue, lab page, results."""

from django.apps import AppConfig


class LabsConfig(AppConfig):
    """The learner's side: catalogue, lab page, results."""

    name = "labs"
