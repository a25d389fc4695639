"""Which language a person reads, where no view asks Django for it: WebSockets, and requests that never reach Django."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils import translation


def language_of(scope: Mapping[str, Any]) -> str:
    """The language for whoever sent this ASGI scope, chosen as for a page: by their cookie, then by their browser."""
    request = HttpRequest()
    request.COOKIES = scope.get("cookies", {})
    headers = dict(scope.get("headers", []))
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", b"").decode("latin-1")
    return translation.get_language_from_request(request)
