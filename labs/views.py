"""Pages and answers of the learner's side. Thin: find the attempt, call a service or a selector, answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from labs.page_config import lab_config, page_origin
from labs.result_page import result_steps
from slipway.accounts.models import User
from slipway.accounts.services import sign_in_as_guest
from slipway.attempts import selectors, services
from slipway.attempts.models import Attempt
from slipway.core.errors import AuthorError, LearnerError, SlipwayError
from slipway.core.json import JSON, as_int, as_mapping, as_text
from slipway.core.logs import get_logger
from slipway.exercises.casts import LONGEST_SECONDS
from slipway.exercises.selectors import asset_path, get_exercise, list_exercises, render_step
from slipway.previews.services import OpenedPreview, open_preview

_log = get_logger(__name__)
P = ParamSpec("P")
_LONGEST_BODY = 8192


def _person(request: HttpRequest) -> User:
    """Who asks; only for views that require a sign-in."""
    assert isinstance(request.user, User)  # noqa: S101 - login_required saw to it
    return request.user


def _status(error: SlipwayError) -> int:
    if isinstance(error, LearnerError):
        return 404 if error.error_id.startswith("no-such") else 409
    return 503


View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def page(view: View[P]) -> View[P]:
    """A page: an error becomes a page with its sentence."""

    @wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except SlipwayError as error:
            return _error_page(request, error)

    return cast("View[P]", answer)


def _error_page(request: HttpRequest, error: SlipwayError) -> HttpResponse:
    sentence = _(error.sentence)
    if isinstance(error, AuthorError):
        _log.warning("exercise is broken", error=str(error), place=error.place)
        sentence = _(
            "This lab cannot be used at the moment: its exercise has a mistake. Its author can see what it is."
        )
    return render(request, "labs/error.html", {"sentence": sentence}, status=_status(error))


def action(view: Callable[[HttpRequest, Attempt, JSON], JSON]) -> Callable[..., HttpResponse]:
    """An answer in JSON about the person's own attempt; an error becomes its id and sentence."""

    @require_POST
    @wraps(view)
    def answer(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
        if not isinstance(request.user, User):
            return JsonResponse({"error": {"id": "sign-in", "sentence": _("Sign in first.")}}, status=401)
        try:
            attempt = selectors.get_attempt(attempt_id=attempt_id, owner=request.user)
            return JsonResponse(view(request, attempt, _body(request)) or {}, safe=False)
        except SlipwayError as error:
            _log.info("refused", attempt=str(attempt_id), error=str(error))
            answer = {"error": {"id": error.error_id, "sentence": _(error.sentence)}}
            return JsonResponse(answer, status=_status(error))

    return answer


def _body(request: HttpRequest) -> JSON:
    try:
        if len(request.body) > _LONGEST_BODY:
            return None
        parsed: JSON = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return None
    return parsed


@require_GET
@page
def catalogue(request: HttpRequest) -> HttpResponse:
    """All labs, with the person's own progress."""
    cards = selectors.attempts_of(request.user) if isinstance(request.user, User) else []
    mine = {card.attempt.exercise: card for card in reversed(cards)}
    labs = [{"exercise": exercise, "mine": mine.get(exercise.slug)} for exercise in list_exercises()]
    return render(request, "labs/catalogue.html", {"labs": labs})


@require_GET
@page
def about(request: HttpRequest, slug: str) -> HttpResponse:
    """One lab: what it teaches, its steps, its machines, and how to start."""
    exercise = get_exercise(slug)
    cards = selectors.attempts_of(request.user) if isinstance(request.user, User) else []
    mine = next((card for card in cards if card.attempt.exercise == slug and card.state != "submitted"), None)
    language = get_language() or ""
    steps = [
        {"number": step.number, "title": step.title_in(language), "points": step.points} for step in exercise.steps
    ]
    return render(request, "labs/about.html", {"exercise": exercise, "steps": steps, "mine": mine})


@require_POST
@page
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Open the lab: the unfinished attempt, or a new one. Who is nobody yet may ask to be a guest on the way."""
    if not isinstance(request.user, User):
        get_exercise(slug)
        if request.POST.get("guest") != "yes":
            return redirect_to_login(reverse("labs:about", kwargs={"slug": slug}))
        sign_in_as_guest(request)
    try:
        attempt = services.open_attempt(owner=_person(request), exercise_slug=slug)
    except LearnerError as error:
        if error.error_id.startswith("no-such"):
            raise
        messages.error(request, _(error.sentence))
        return redirect("labs:about", slug=slug)
    return redirect("labs:lab", attempt_id=attempt.pk)


@require_GET
@page
def asset(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:  # noqa: ARG001 - a view's signature
    """A file from the exercise's assets."""
    return FileResponse(asset_path(get_exercise(slug), name).open("rb"))


@require_GET
@login_required
@page
def lab(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """The lab page: guide, terminals, checks."""
    attempt = selectors.get_attempt(attempt_id=attempt_id, owner=_person(request))
    exercise = get_exercise(attempt.exercise)
    step = exercise.step(request.GET.get("step", "")) or exercise.step(attempt.current_step) or exercise.steps[0]
    rendered = render_step(exercise, step, parameters=attempt.parameters)
    context = {
        "attempt": attempt,
        "exercise": exercise,
        "step": step,
        "rendered": rendered,
        "overview": selectors.overview(attempt),
        "config": lab_config(request, attempt, exercise, step),
    }
    return render(request, "labs/lab.html", context)


@require_GET
@login_required
@page
def guide(request: HttpRequest, attempt_id: UUID, slug: str) -> HttpResponse:
    """One step's guide, for the lab page to put in place."""
    attempt = selectors.get_attempt(attempt_id=attempt_id, owner=_person(request))
    exercise = get_exercise(attempt.exercise)
    step = services.step_of(attempt, slug)
    rendered = render_step(exercise, step, parameters=attempt.parameters)
    return render(request, "labs/guide.html", {"attempt": attempt, "step": step, "rendered": rendered})


@require_GET
@login_required
@page
def preview_window(request: HttpRequest, attempt_id: UUID, node: str, port: int) -> HttpResponse:
    """A port of a node in this window: on to the preview's own origin."""
    attempt = selectors.get_attempt(attempt_id=attempt_id, owner=_person(request))
    return redirect(_opened(request, attempt, node, port).url)


def _opened(request: HttpRequest, attempt: Attempt, node: str, port: int) -> OpenedPreview:
    return open_preview(
        sandbox_id=attempt.sandbox_id,
        owner=_person(request),
        session=request.session.session_key or "",
        node=node,
        port=port,
        page_origin=page_origin(request),
        language=get_language() or "en",
    )


@require_GET
@login_required
@page
def result(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """What came of an attempt, check by check."""
    attempt = selectors.get_attempt(attempt_id=attempt_id, owner=_person(request))
    exercise = get_exercise(attempt.exercise)
    overview = selectors.overview(attempt)
    steps = result_steps(attempt, exercise, overview)
    context = {
        "attempt": attempt,
        "overview": overview,
        "exercise": exercise,
        "steps": steps,
        "done": sum(step.done for step in steps),
    }
    return render(request, "labs/result.html", context)


@require_GET
@login_required
@page
def my_labs(request: HttpRequest) -> HttpResponse:
    """All attempts of the person: running, to resume, done."""
    cards = selectors.attempts_of(_person(request))
    titles = {"running": _("Running"), "paused": _("To resume"), "submitted": _("Done")}
    groups = [
        {"state": state, "title": title, "cards": [card for card in cards if card.state == state]}
        for state, title in titles.items()
        if any(card.state == state for card in cards)
    ]
    return render(request, "labs/my_labs.html", {"cards": cards, "groups": groups})


@action
def go_to_step(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - an action's signature
    """The learner reads this step now."""
    services.go_to_step(attempt=attempt, step=as_text(as_mapping(body).get("step"), limit=80))
    return None


@action
def check(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - as above
    """Look at the step's checks; results arrive as events."""
    services.request_check(attempt=attempt, step=as_text(as_mapping(body).get("step"), limit=80))
    return None


@action
def hint(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - as above
    """The learner opened a hint."""
    wanted = as_mapping(body)
    services.record_hint(attempt=attempt, step=as_text(wanted.get("step"), limit=80), hint=as_int(wanted.get("hint")))
    return None


@action
def preview(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:
    """An address that opens a port of a node, once and within a minute."""
    wanted = as_mapping(body)
    node, port = as_text(wanted.get("node"), limit=80), as_int(wanted.get("port"))
    return {"url": _opened(request, attempt, node, port).url}


@action
def quiz(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - as above
    """Judge an answer."""
    wanted = as_mapping(body)
    verdict = services.answer_quiz(
        attempt=attempt,
        step=as_text(wanted.get("step"), limit=80),
        quiz=as_text(wanted.get("quiz"), limit=80),
        choice=as_int(wanted.get("choice")),
    )
    return {"correct": verdict.correct, "explanation": verdict.explanation}


@action
def watched(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - as above
    """Seconds of a recording were played, or it was read as text."""
    wanted = as_mapping(body)
    counts = services.record_watching(
        attempt=attempt,
        step=as_text(wanted.get("step"), limit=80),
        recording=as_text(wanted.get("recording"), limit=80),
        seen=as_text(wanted.get("seen"), limit=LONGEST_SECONDS),
        read=wanted.get("read") is True,
    )
    return {"watched": counts}


@action
def extend(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - as above
    """Give the machines more time."""
    services.extend(attempt=attempt)
    return None


@action
def unplug(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - as above
    """Unplug a machine, or plug it in again."""
    wanted = as_mapping(body)
    plugged = wanted.get("plugged") is not False  # what makes no sense does no harm
    services.set_power(attempt=attempt, node=as_text(wanted.get("node"), limit=40), plugged=plugged)
    return None


@action
def stop(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - as above
    """End the machines."""
    services.end_sandbox(attempt=attempt)
    return None


@action
def restart(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - as above
    """Start new machines."""
    services.restart_sandbox(attempt=attempt)
    return None


@action
def submit(request: HttpRequest, attempt: Attempt, body: JSON) -> JSON:  # noqa: ARG001 - as above
    """Hand the attempt in."""
    services.submit(attempt=attempt)
    return None
