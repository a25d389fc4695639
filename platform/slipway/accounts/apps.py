"""People, sign-in and guests."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, sign-in and guests."""

    name = "slipway.accounts"
