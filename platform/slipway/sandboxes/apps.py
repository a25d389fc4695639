"""Clusters as objects with a life cycle."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out


class SandboxesConfig(AppConfig):
    """Clusters as objects with a life cycle."""

    name = "slipway.sandboxes"

    def ready(self) -> None:
        """Hear of people who sign out."""
        user_logged_out.connect(_end_what_a_guest_leaves, dispatch_uid="slipway.sandboxes.guests")


def _end_what_a_guest_leaves(user: object, **_: object) -> None:
    """A guest is kept by their session alone: when that ends, nobody can come back to the machines."""
    from slipway.accounts.models import User  # noqa: PLC0415 - models are not there when apps are declared
    from slipway.sandboxes import services  # noqa: PLC0415 - as above

    if isinstance(user, User) and user.is_guest:
        services.stop_sandboxes_of(owner=user)
