"""Clusters as objects with a life cycle."""

from django.apps import AppConfig


class SandboxesConfig(AppConfig):
    """Clusters as objects with a life cycle."""

    name = "slipway.sandboxes"
