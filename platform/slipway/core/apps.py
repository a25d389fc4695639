"""The core room: errors, events, ids, logs. Imports nothing of ours."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """What every other room stands on."""

    name = "slipway.core"
