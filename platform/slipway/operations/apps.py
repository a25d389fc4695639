"""What an operator runs: the engine, the images, the supervisor, the doctor."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """What an operator runs."""

    name = "slipway.operations"
