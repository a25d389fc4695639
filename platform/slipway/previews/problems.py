"""Pages that a preview shows in place of the learner's: a sentence, no script, and a new try where waiting may help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

# As ASGI has them: plain dictionaries, whose shapes its specification describes.
Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_RETRY_SECONDS = 3


class Problem(Exception):
    """Why there is nothing to show: `sentence` is translated, with `words` filled in, when it is shown."""

    def __init__(
        self, status: int, sentence: str, words: Mapping[str, object] | None = None, *, retry: bool = False
    ) -> None:
        super().__init__(sentence % words if words else sentence)
        self.status = status
        self.sentence = sentence
        self.words = words or {}
        self.retry = retry


@dataclass(frozen=True)
class Surroundings:
    """Who is told: the language, and the platform's origin, whose page may frame the sentence."""

    language: str
    page_origin: str = ""


async def show_problem(problem: Problem, around: Surroundings, scope: Scope, send: Send) -> None:
    """Answer a request with the problem's page."""
    retry = _RETRY_SECONDS if problem.retry and scope["method"] in {"GET", "HEAD"} else 0
    body = (await sync_to_async(_rendered, thread_sensitive=False)(problem, around, retry)).encode()
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    if around.page_origin:
        policy += f"; frame-ancestors 'self' {around.page_origin}"
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(body)),
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        **({"retry-after": str(retry)} if retry else {}),
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _rendered(problem: Problem, around: Surroundings, retry: int) -> str:
    with translation.override(around.language):
        sentence = gettext(problem.sentence) % problem.words if problem.words else gettext(problem.sentence)
        return render_to_string("previews/problem.html", {"sentence": sentence, "retry": retry})
