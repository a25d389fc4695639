"""The picture of a sandbox, kept up to date."""

from django.apps import AppConfig


class ClustersConfig(AppConfig):
    """The picture of a sandbox, kept up to date."""

    name = "slipway.clusters"
