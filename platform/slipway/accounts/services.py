"""Writing about people: guests come to be here, and become full accounts here.

Signing up and in with a password is django-allauth's; nothing of it is written again.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth import login
from django.core.cache import cache
from django.http import HttpRequest

from slipway.accounts.models import User
from slipway.core.errors import LearnerError

_HOUR = 3600


def create_guest(*, address: str) -> User:
    """A new guest for whoever asks from this network address.

    Raises `LearnerError` when the operator allows no guests, or when one address has asked for too many in an hour.
    """
    if not settings.SLIPWAY_GUESTS:
        raise LearnerError("guests-not-allowed", "This installation asks everyone to sign in.")
    key = f"guests-from:{address}"
    cache.add(key, 0, _HOUR)
    if cache.incr(key) > settings.SLIPWAY_GUESTS_PER_HOUR:
        raise LearnerError(
            "too-many-guests",
            "Too many guests came from your network within the hour. Sign in, or try again later.",
        )
    guest = User(username=f"guest-{secrets.token_hex(6)}", is_guest=True)
    guest.set_unusable_password()
    guest.save()
    return guest


def sign_in_as_guest(request: HttpRequest) -> User:
    """Make the visitor a new guest, kept by their session. Raises `LearnerError` as `create_guest` does."""
    guest = create_guest(address=request.META.get("REMOTE_ADDR", ""))
    login(request, guest, backend="django.contrib.auth.backends.ModelBackend")
    return guest


def create_person(*, username: str, password: str, is_instructor: bool = False) -> User:
    """An account with a password; an existing one of that name is returned as it is."""
    existing = User.objects.filter(username=username).first()
    if existing:
        return existing
    return User.objects.create_user(username=username, password=password, is_instructor=is_instructor)
