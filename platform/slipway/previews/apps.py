"""Ports of nodes in a browser, each on an origin of its own."""

from django.apps import AppConfig


class PreviewsConfig(AppConfig):
    """Ports of nodes in a browser."""

    name = "slipway.previews"
