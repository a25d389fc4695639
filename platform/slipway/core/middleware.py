"""What people get while a part of the platform is away for a moment: a sentence and a try-again, never a traceback.

Only for parts that come back by themselves (a locked or restarting database, Redis being restarted); everything else
stays an error and is logged as one.
"""

from __future__ import annotations

from collections.abc import Callable

import kombu.exceptions
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from slipway.core.logs import get_logger

_log = get_logger(__name__)
_AWAY = (OperationalError, InterfaceError, RedisError, kombu.exceptions.OperationalError)
_RETRY_SECONDS = "3"


class BrieflyAway:
    """Answers 503 with a sentence when a part of the platform did not answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view failed: tell the person when it was one of the parts that come back."""
        if not isinstance(exception, _AWAY):
            return None
        _log.warning("briefly away", path=request.path, error=repr(exception))
        sentence = _("A part of Slipway does not answer for a moment. Nothing was lost; try again in a few seconds.")
        if request.headers.get("Content-Type") == "application/json":
            answer: HttpResponse = JsonResponse({"error": {"id": "briefly-away", "sentence": sentence}}, status=503)
        else:
            answer = render(request, "503.html", {"sentence": sentence}, status=503)
        answer["Retry-After"] = _RETRY_SECONDS
        return answer
