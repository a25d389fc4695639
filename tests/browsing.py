"""A visitor without a browser: the requests that pages make, with the session and the CSRF token of one person."""

from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from tests.live import LivePlatform
from tests.waiting import wait_until


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: str
    url: str

    def json(self) -> dict[str, object]:
        """The body, parsed."""
        parsed = json.loads(self.body)
        assert isinstance(parsed, dict)
        return parsed


class Visitor:
    """One person's session."""

    def __init__(self, platform: LivePlatform) -> None:
        self._base = platform.url
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    @classmethod
    def as_guest(cls, platform: LivePlatform) -> Visitor:
        """Come as a new guest."""
        visitor = cls(platform)
        visitor.get("/accounts/login/")
        assert visitor.post_form("/accounts/guest/", {"next": "/"}).status == 200
        return visitor

    @classmethod
    def as_guest_after_retries(cls, platform: LivePlatform, *, seconds: float) -> Visitor:
        """Come as a new guest, trying again while the platform asks to."""
        visitor = cls(platform)
        visitor.get("/accounts/login/")
        wait_until(
            lambda: visitor.post_form("/accounts/guest/", {"next": "/"}).status == 200, seconds=seconds, what="a guest"
        )
        return visitor

    @property
    def cookies(self) -> str:
        """The session's cookies as a header."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)

    def start_lab(self, slug: str) -> str:
        """Start a lab; returns the attempt's id."""
        answer = self.post_form(f"/labs/{slug}/start", {})
        found = re.search(r"/attempts/([0-9a-f-]{36})/", answer.url)
        assert found, answer
        return found[1]

    def get(self, path: str) -> Answer:
        """GET a page."""
        return self._send(urllib.request.Request(self._base + path))

    def post_form(self, path: str, fields: Mapping[str, str]) -> Answer:
        """Send a form."""
        return self._send(self._request(path, urllib.parse.urlencode(fields).encode()))

    def post(self, path: str, body: Mapping[str, object]) -> Answer:
        """Send JSON, as the lab page does."""
        request = self._request(path, json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        return self._send(request)

    def _request(self, path: str, data: bytes) -> urllib.request.Request:
        token = next((cookie.value for cookie in self._jar if cookie.name == "csrftoken"), None) or ""
        headers = {"X-CSRFToken": token, "Referer": self._base + "/", "Origin": self._base}
        return urllib.request.Request(self._base + path, data=data, headers=headers, method="POST")

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return Answer(answer.status, answer.read().decode(), answer.url)
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode(errors="replace"), error.url)
