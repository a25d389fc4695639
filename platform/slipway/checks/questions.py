"""What a check may ask of a node. Each question is taken apart and put together again here, so that nothing an author
writes reaches a node unless it is on this list; and nothing on it changes a node but the programs that `run` runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from slipway.core.json import JSON

_LONGEST_WAIT = 30_000  # ms that a node may take for one question
_MARGIN = 5.0  # seconds for the way there and back


class BadQuestion(Exception):
    """A check asked for something that it cannot have; the message says what."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question that may be put. `timeout` in seconds."""

    node: str
    op: str
    params: Mapping[str, JSON]
    timeout: float


def permitted(asked: object, nodes: Sequence[str]) -> Question:
    """The question, put together again. Raises `BadQuestion`."""
    if not isinstance(asked, Mapping) or set(asked) != {"node", "op", "params"}:
        raise BadQuestion("a question has a node, an op and params")
    node, op, params = asked["node"], asked["op"], asked["params"]
    if node not in nodes:
        raise BadQuestion(f"there is no node {str(node)[:60]!r}")
    if op not in _READERS or not isinstance(params, Mapping):
        raise BadQuestion(f"{str(op)[:60]!r} is nothing that a check may ask")
    given = _Given(dict(params))
    clean = _READERS[op](given)
    given.must_be_empty()
    wait = clean.get("timeout_ms", 5000)
    assert isinstance(wait, int)  # noqa: S101 - `_Given.wait` made it
    return Question(str(node), str(op), clean, wait / 1000 + _MARGIN)


class _Given:
    """Parameters as they were given; each is taken once, with its type."""

    def __init__(self, params: dict[str, object]) -> None:
        self._params = params

    def text(self, name: str, *, most: int = 4096, default: str | None = None) -> str:
        value = self._params.pop(name, default)
        if not isinstance(value, str) or len(value) > most or "\0" in value:
            raise BadQuestion(f"{name} must be a text of at most {most} characters")
        return value

    def number(self, name: str, least: int, most: int, default: int) -> int:
        value = self._params.pop(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise BadQuestion(f"{name} must be a whole number from {least} to {most}")
        return value

    def wait(self, default: int) -> int:
        return self.number("timeout_ms", 1, _LONGEST_WAIT, default)

    def words(self, name: str) -> list[str]:
        value = self._params.pop(name, None)
        if not isinstance(value, list) or not 1 <= len(value) <= 200:
            raise BadQuestion(f"{name} must be a list of words")
        if not all(isinstance(word, str) and len(word) <= 32_768 and "\0" not in word for word in value):
            raise BadQuestion(f"{name} must be a list of words")
        return [str(word) for word in value]

    def texts(self, name: str) -> dict[str, str]:
        value = self._params.pop(name, {})
        if not isinstance(value, Mapping) or len(value) > 50:
            raise BadQuestion(f"{name} must be an object of texts")
        return {str(key)[:200]: str(item)[:4096] for key, item in value.items()}

    def must_be_empty(self) -> None:
        if self._params:
            raise BadQuestion(f"there is no parameter {min(self._params)[:60]!r} here")


def _docker(given: _Given) -> dict[str, JSON]:
    if given.text("method", default="GET") != "GET":
        raise BadQuestion("a check only looks: method must be GET")
    path = given.text("path", most=2048)
    if not path.startswith("/") or any(character <= " " or character > "~" for character in path):
        raise BadQuestion("path must begin with / and be plain")
    return {"method": "GET", "path": path, "body": None, "timeout_ms": given.wait(5000)}


def _kubernetes(given: _Given) -> dict[str, JSON]:
    path = given.text("path", most=2048)
    if not path.startswith(("/api/", "/apis/")) or any(character <= " " or character > "~" for character in path):
        raise BadQuestion("path must begin with /api/ or /apis/ and be plain")
    return {"path": path, "timeout_ms": given.wait(5000)}


def _run(given: _Given) -> dict[str, JSON]:
    return {
        "argv": given.words("argv"),
        "stdin": given.text("stdin", most=32_768, default=""),
        "timeout_ms": given.wait(10_000),
        "max_output": 65_536,
    }


def _http(given: _Given) -> dict[str, JSON]:
    url = given.text("url", most=2048)
    if not url.startswith(("http://", "https://")):
        raise BadQuestion("url must begin with http:// or https://")
    method = given.text("method", default="GET", most=10)
    if method not in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}:
        raise BadQuestion(f"there is no method {method!r}")
    return {
        "method": method,
        "url": url,
        "headers": dict(given.texts("headers")),
        "timeout_ms": given.wait(5000),
        "max_body": 65_536,
    }


def _ping(given: _Given) -> dict[str, JSON]:
    return {
        "address": given.text("address", most=255),
        "count": given.number("count", 1, 10, 1),
        "timeout_ms": given.wait(2000),
    }


_READERS: dict[str, Callable[[_Given], dict[str, JSON]]] = {
    "docker": _docker,
    "kubernetes": _kubernetes,
    "run": _run,
    "http": _http,
    "ping": _ping,
    "tcp": lambda given: {"address": given.text("address", most=255), "timeout_ms": given.wait(2000)},
    "read-file": lambda given: {"path": given.text("path"), "max": given.number("max", 1, 65_536, 65_536)},
    "links": lambda _: {},
    "history": lambda given: {"max": given.number("max", 1, 500, 500)},
}
