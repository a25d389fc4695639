"""Everything that reads about people for others. Writes nothing of ours."""

from __future__ import annotations

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest


def still_signed_in(*, session: str, person: int) -> bool:
    """Whether the session of this key is that person's by now, judged as for a page of theirs.

    What stays open for hours (terminals, previews) asks again and again: the person may have signed out, changed the
    password or been locked out since.
    """
    request = HttpRequest()
    request.session = SessionStore(session)
    return bool(get_user(request).pk == person)
