"""The lab page in a real browser without a platform behind it: its template, its scripts, a server that a test plays.

What the picture does with a snapshot depends on nothing else, and so any cluster can be looked at within a second.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Mapping, Sequence
from uuid import uuid4

from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation
from playwright.sync_api import Browser, Page, Route, WebSocketRoute

from labs.page_config import lab_config
from slipway.attempts.models import Attempt
from slipway.exercises.selectors import get_exercise, render_step
from tests.live import ROOT

_HOST = "http://picture.test"
_ASSET = re.compile(r"/labs/([a-z-]+)/assets/([a-z.-]+)")
_DIST = ROOT / "static" / "dist"
SANDBOX = "00000000-0000-4000-8000-000000000001"


class PicturePage:
    """An open lab page and the server that it believes in."""

    def __init__(
        self,
        browser: Browser,
        *,
        nodes: Sequence[str],
        unplug: bool = False,
        kinds: Mapping[str, str] | None = None,  # docker where it says nothing
        language: str = "en",
        exercise: str = "docker-networking",
        **options: object,
    ) -> None:
        self.context = browser.new_context(**options)  # type: ignore[arg-type]  # the browser's own options
        self.page: Page = self.context.new_page()
        self.heard: list[Mapping[str, object]] = []
        self.asked: list[Mapping[str, object]] = []
        self.complaints: list[str] = []
        self._socket: WebSocketRoute | None = None
        self._overview = _overview(exercise, nodes, kinds or {})
        self._sequence = 0
        self._html = _render(exercise, self._overview, language, unplug=nodes if unplug else ())
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route("**/*", self._answer)
        self.page.route_web_socket("**/ws/**", self._connect)
        self.page.goto(f"{_HOST}/attempt/")
        self.page.locator(".facts-table").first.wait_for(state="attached")

    def tell(self, snapshot: Mapping[str, object]) -> None:
        """Tell everything."""
        self._sequence += 1
        self.send({"type": "cluster", "sandbox": SANDBOX, "sequence": self._sequence, "snapshot": snapshot})

    def change(self, changes: Mapping[str, object], *, skip: int = 0) -> None:
        """Tell what changed; with `skip`, as if that many changes before it had been lost."""
        self._sequence += 1 + skip
        self.send({"type": "cluster", "sandbox": SANDBOX, "sequence": self._sequence, "changes": changes})

    def traffic(self, *rates: Mapping[str, object]) -> None:
        """Tell what flows."""
        self.send({"type": "traffic", "sandbox": SANDBOX, "rates": list(rates)})

    def send(self, event: Mapping[str, object]) -> None:
        """Say something as the server."""
        assert self._socket is not None
        self._socket.send(json.dumps(event))

    def settle(self) -> None:
        """Wait until everything has moved to its place."""
        self.page.wait_for_timeout(50)
        self.page.wait_for_function(
            "!document.querySelector('[data-leaving]') && "
            "document.getAnimations().every(one => one.effect.getTiming().iterations === Infinity)"
        )

    def axe(self) -> list[str]:
        """What axe finds wrong with the page."""
        self.page.evaluate((ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text())
        found = self.page.evaluate("axe.run(document, {rules: {'color-contrast': {enabled: true}}})")
        return [
            f"{violation['id']}: {part['html'][:200]} {part['failureSummary'][:300]}"
            for violation in found["violations"]
            for part in violation["nodes"]
        ]

    def _connect(self, socket: WebSocketRoute) -> None:
        if "terminals" in socket.url:
            return
        self._socket = socket
        socket.on_message(self._hear)
        socket.send(json.dumps({"type": "overview", **self._overview}))

    def _hear(self, message: str | bytes) -> None:
        event = json.loads(message)
        if event["type"] == "ping":
            self.send({"type": "pong"})
        else:
            self.heard.append(event)

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(_HOST).split("?")[0]
        if path == "/attempt/":
            route.fulfill(body=self._html, content_type="text/html")
        elif path.startswith("/static/") and (file := _DIST / path.removeprefix("/static/")).is_file():
            route.fulfill(path=file, content_type=mimetypes.guess_type(file.name)[0] or "application/octet-stream")
        elif (asset := _ASSET.fullmatch(path)) and (
            file := ROOT / "exercises" / asset[1] / "assets" / asset[2]
        ).is_file():
            route.fulfill(path=file, content_type="text/plain")
        elif route.request.method == "POST":
            self.asked.append({"path": path, "body": json.loads(route.request.post_data or "{}")})
            route.fulfill(json={})
        else:
            route.fulfill(status=404)


def _overview(slug: str, nodes: Sequence[str], kinds: Mapping[str, str]) -> dict[str, object]:
    exercise = get_exercise(slug)
    steps = [
        {"slug": step.slug, "number": step.number, "title": step.title, "done": False, "terminal": False}
        | {"checks": [], "quizzes": []}
        for step in exercise.steps
    ]
    sandbox = {
        "sandbox": SANDBOX,
        "state": "ready",
        "phase": "ready",
        "phases": [],
        "place": None,
        "usual_seconds": None,
        "reason": "",
        "sentence": "",
        "expires_at": None,
        "nodes": [{"name": name, "kind": kinds.get(name, "docker"), "state": "ready"} for name in nodes],
    }
    return {
        "attempt": str(uuid4()),
        "title": exercise.title,
        "steps": steps,
        "current_step": exercise.steps[0].slug,
        "score": 0,
        "of": 10,
        "submitted_at": None,
        "graded": False,
        "sandbox": sandbox,
    }


def _render(slug: str, overview: Mapping[str, object], language: str, *, unplug: Sequence[str]) -> str:
    exercise = get_exercise(slug)
    step = exercise.steps[0]
    request = RequestFactory().get("/")
    attempt = Attempt(pk=uuid4(), exercise=exercise.slug)
    with translation.override(language):
        config = lab_config(request, attempt, exercise, step)
        if unplug:
            config["unplug"] = list(unplug)
        context = {
            "attempt": attempt,
            "exercise": exercise,
            "step": step,
            "rendered": render_step(exercise, step, parameters={}),
            "overview": overview,
            "config": config,
        }
        return render_to_string("labs/lab.html", context, request=request)
