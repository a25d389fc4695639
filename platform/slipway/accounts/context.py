"""What every page may need to know about signing in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def sign_in_choices(request: HttpRequest) -> dict[str, bool]:  # noqa: ARG001 - a context processor's signature
    """Whether guests and new accounts are allowed and mail can be sent, for what templates offer."""
    return {
        "guests_allowed": settings.SLIPWAY_GUESTS,
        "signup_allowed": settings.SLIPWAY_SIGNUP,
        "sends_mail": bool(settings.SLIPWAY_MAIL_HOST),
    }
