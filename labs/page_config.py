"""What the lab page's scripts are told besides the overview: addresses, the step shown, the token, their sentences.

Holds nothing secret but the token that every form of the page carries as well.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse

from labs.page_texts import page_texts
from slipway.attempts.models import Attempt
from slipway.core.json import JSON
from slipway.exercises.exercise import Exercise, Step
from slipway.previews.services import mode_for

_ACTIONS = (
    "preview",
    "step",
    "check",
    "hint",
    "quiz",
    "watched",
    "extend",
    "unplug",
    "stop",
    "restart",
    "submit",
    "result",
)


def page_origin(request: HttpRequest) -> str:
    """The origin under which the browser has the platform's pages."""
    return f"{request.scheme}://{request.get_host()}"


def lab_config(request: HttpRequest, attempt: Attempt, exercise: Exercise, step: Step) -> dict[str, JSON]:
    """As the page's `lab-config` element has it; words in capitals in an address are filled in by the scripts."""
    urls: dict[str, JSON] = {action: reverse(f"labs:{action}", args=[attempt.pk]) for action in _ACTIONS}
    urls["guide"] = reverse("labs:guide", args=[attempt.pk, "__STEP__"])
    urls["preview_window"] = reverse("labs:preview_window", args=[attempt.pk, "__NODE__", 0])
    urls["events"] = f"/ws/attempts/{attempt.pk}/"
    urls["terminal"] = "/ws/terminals/__SANDBOX__/__NODE__/__SHELL__/"
    texts: dict[str, JSON] = dict(page_texts())
    return {
        "attempt": str(attempt.pk),
        "urls": urls,
        "step": step.slug,
        "unplug": list(exercise.unplug),
        "machines": exercise.has_machines,
        "csrf": get_token(request),
        "previews": mode_for(page_origin(request)).value,
        "texts": texts,
    }
