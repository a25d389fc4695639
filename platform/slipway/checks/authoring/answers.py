"""What a node answers, as values with types. `Answer` reads untrusted JSON strictly: whatever a node says
that makes no sense becomes a sentence about that node, never an error in the author's code or in ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from slipway.checks.authoring.expectations import NotAsExpected

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

_MOST_ITEMS = 2000
_LONGEST_TEXT = 65_536
_REQUIRED = "\0required"


@dataclass(frozen=True, slots=True)
class Answer:
    """A piece of JSON from a node and where it came from; each reader says what type it wants and gets
    exactly that.
    """

    value: JSON
    node: str
    place: str

    def fail(self, keys: tuple[str, ...], wanted: str, found: object) -> NotAsExpected:
        """The sentence about a node that answers nonsense."""
        place = ".".join((self.place, *keys))
        kind = "nothing" if found is None else type(found).__name__
        return NotAsExpected(
            expected=f"The machine {self.node} answers with {wanted} in {place}.",
            observed=f"It answered with {kind} there, which makes no sense.",
        )

    def at(self, *keys: str) -> JSON:
        """The value under these keys; None where any of them is missing."""
        value = self.value
        for key in keys:
            if value is None:
                return None
            if not isinstance(value, Mapping):
                raise self.fail(keys, "an object", value)
            value = value.get(key)
        return value

    def text(self, *keys: str, default: str = _REQUIRED) -> str:
        """A text, cut after 65,536 characters."""
        value = self.at(*keys)
        if value is None and default is not _REQUIRED:
            return default
        if not isinstance(value, str):
            raise self.fail(keys, "a text", value)
        return value[:_LONGEST_TEXT]

    def integer(self, *keys: str, default: int | None = None) -> int:
        """A whole number."""
        value = self.at(*keys)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
            raise self.fail(keys, "a whole number", value)
        return value

    def number(self, *keys: str) -> float | None:
        """A number, or None where there is none."""
        value = self.at(*keys)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.fail(keys, "a number", value)
        return float(value)

    def flag(self, *keys: str, default: bool | None = None) -> bool:
        """Yes or no."""
        value = self.at(*keys)
        if value is None and default is not None:
            return default
        if not isinstance(value, bool):
            raise self.fail(keys, "true or false", value)
        return value

    def moment(self, *keys: str) -> datetime | None:
        """A point in time, in UTC; None where there is none, or Docker's word for never."""
        value = self.at(*keys)
        if value is None or value == "":
            return None
        try:
            found = datetime.fromisoformat(value[:40] if isinstance(value, str) else "")
            return found.astimezone(UTC) if found.year > 1 else None
        except (ValueError, OverflowError):
            raise self.fail(keys, "a point in time", value) from None

    def each(self, *keys: str) -> Iterator[Answer]:
        """The items of a list, the first 2,000 of them; a missing list has none."""
        value = self.at(*keys)
        if value is None:
            return
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise self.fail(keys, "a list", value)
        for index, item in enumerate(value[:_MOST_ITEMS]):
            yield Answer(item, self.node, f"{'.'.join((self.place, *keys))}[{index}]")

    def entries(self, *keys: str) -> Iterator[tuple[str, Answer]]:
        """The entries of an object, the first 2,000 of them; a missing object has none."""
        value = self.at(*keys)
        if value is None:
            return
        if not isinstance(value, Mapping):
            raise self.fail(keys, "an object", value)
        for index, (key, item) in enumerate(value.items()):
            if index >= _MOST_ITEMS:
                return
            yield str(key)[:_LONGEST_TEXT], Answer(item, self.node, f"{'.'.join((self.place, *keys))}.{key}")

    def texts(self, *keys: str) -> tuple[str, ...]:
        """A list of texts; missing means empty."""
        return tuple(item.text() for item in self.each(*keys))

    def labels(self, *keys: str) -> dict[str, str]:
        """An object whose values are texts; missing means empty."""
        return {key: item.text() for key, item in self.entries(*keys)}


class Status(int):
    """An HTTP status; 0 when no answer came, with the reason in `in_words`."""

    in_words: str

    def __new__(cls, value: int, error: str = "") -> Status:
        """`error` is the node's word for why no answer came."""
        status = super().__new__(cls, value)
        status.in_words = str(value) if value else f"missing: no answer came ({_REASONS.get(error, 'unknown reason')})"
        return status


_REASONS = {
    "refused": "the connection was refused",
    "timeout": "it took too long",
    "no-route": "there is no route to it",
    "no-such-host": "there is no such host",
    "reset": "the connection was cut",
    "other": "it failed",
}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back from `node.http(url)`. Redirects are not followed; header names are lower case."""

    status: Status
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    """Empty, or why no answer came: refused, timeout, no-route, no-such-host, reset, other."""
    truncated: bool = False

    @classmethod
    def read(cls, answer: Answer) -> HttpAnswer:
        """From the node's JSON."""
        error = answer.text("error", default="")[:40]
        return cls(
            status=Status(answer.integer("status"), error),
            body=answer.text("body", default=""),
            headers={key.lower(): item.text() for key, item in answer.entries("headers")},
            error=error,
            truncated=answer.flag("truncated", default=False),
        )


@dataclass(frozen=True, slots=True)
class Ping:
    """What came back from `node.ping(address)`."""

    sent: int
    received: int
    rtt_ms: float | None

    @property
    def answered(self) -> bool:
        """Whether at least one answer came."""
        return self.received > 0

    @classmethod
    def read(cls, answer: Answer) -> Ping:
        """From the node's JSON."""
        return cls(answer.integer("sent"), answer.integer("received"), answer.number("rtt_ms"))


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended: `exit_code` is 127 when there is no such program and -1 when it was stopped for
    its time.
    """

    exit_code: int
    stdout: str
    stderr: str
    truncated: bool = False
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.exit_code == 0

    @classmethod
    def read(cls, answer: Answer) -> CommandResult:
        """From the node's JSON."""
        return cls(
            answer.integer("exit_code"),
            answer.text("stdout", default=""),
            answer.text("stderr", default=""),
            answer.flag("truncated", default=False),
            answer.flag("timed_out", default=False),
        )


@dataclass(frozen=True, slots=True)
class File:
    """A file of a node: its beginning as text, its whole size in bytes, its mode."""

    content: str
    size: int
    truncated: bool
    mode: int

    @classmethod
    def read(cls, answer: Answer) -> File:
        """From the node's JSON."""
        return cls(
            answer.text("content"),
            answer.integer("size", default=0),
            answer.flag("truncated", default=False),
            answer.integer("mode", default=0),
        )


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface of a node, as `ip link` and `ip address` show it; `master` is its bridge or empty."""

    name: str
    kind: str
    state: str
    master: str
    mac: str
    mtu: int
    addresses: tuple[str, ...]

    @classmethod
    def read(cls, answer: Answer) -> Link:
        """From the node's JSON."""
        return cls(
            answer.text("name"),
            answer.text("kind", default=""),
            answer.text("state", default=""),
            answer.text("master", default=""),
            answer.text("mac", default=""),
            answer.integer("mtu", default=0),
            answer.texts("addresses"),
        )


@dataclass(frozen=True, slots=True)
class Command:
    """Something that was typed into a shell of a node."""

    shell: str
    command: str

    @classmethod
    def read(cls, answer: Answer) -> Command:
        """From the node's JSON."""
        return cls(answer.text("shell", default=""), answer.text("command"))
