"""The terminal WebSocket."""

from django.apps import AppConfig


class TerminalsConfig(AppConfig):
    """The terminal WebSocket."""

    name = "slipway.terminals"
