"""`expect(value, "what it is")`: comparisons that explain themselves.

Each comparison either holds or ends the check with two sentences, what was expected and what was observed.
Values come from nodes and may be anything; what is shown of them is always short.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

_LONGEST_VALUE = 160
_LONGEST_SENTENCE = 600


class NotAsExpected(Exception):
    """The check does not hold: what was expected, what was observed, and perhaps a hint."""

    def __init__(self, *, expected: str, observed: str, hint: str = "") -> None:
        super().__init__(f"expected: {expected} observed: {observed}")
        self.expected = expected
        self.observed = observed
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation that held, as sentences."""

    expected: str
    observed: str


class Journal:
    """What the running check has found to hold so far; the examiner shows the last of it when the check
    passes.
    """

    last: Finding = Finding("", "")


def sentence(words: str) -> str:
    """The words as a sentence: a capital at the start, a full stop at the end, never too long."""
    text = " ".join(words.split())
    if len(text) > _LONGEST_SENTENCE:
        text = text[: _LONGEST_SENTENCE - 1] + "…"
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…" else text + "."


def in_words(value: object) -> str:  # noqa: PLR0911 - one line a kind of value
    """A value as a person would say it: 'nothing', yes, 200, “web”, “a” and “b”."""
    said = getattr(value, "in_words", None)
    if isinstance(said, str):
        return said
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return f"“{_shortened(value)}”" if value else "empty"
    if isinstance(value, Mapping):
        return _listed((f"{key}: {in_words(item)}" for key, item in value.items()), "and")
    if isinstance(value, Collection) and not isinstance(value, bytes | bytearray):
        return _listed((in_words(item) for item in value), "and")
    name = getattr(value, "name", None)
    return f"“{_shortened(name)}”" if isinstance(name, str) else _shortened(repr(value))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _listed(words: Iterable[str], joiner: str) -> str:
    items = []
    for word in words:
        items.append(word)
        if len(items) == 9:
            items[8:] = ["more"]
            break
    if not items:
        return "nothing"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {joiner} {items[-1]}"


class Expectation(Generic[Value]):
    """A value and what it is called. Every comparison returns the expectation itself, so that they can be
    chained.
    """

    def __init__(self, value: Any, what: str) -> None:
        # Any: authors compare whatever the lab told them.
        self._value = value
        self._what = what

    def equals(self, wanted: object, *, hint: str = "") -> Expectation[Value]:
        """The value is exactly `wanted`."""
        return self._settle(self._value == wanted, f"is {in_words(wanted)}", hint)

    def differs_from(self, unwanted: object, *, hint: str = "") -> Expectation[Value]:
        """The value is anything but `unwanted`."""
        return self._settle(self._value != unwanted, f"is not {in_words(unwanted)}", hint)

    def is_in(self, options: Collection[object], *, hint: str = "") -> Expectation[Value]:
        """The value is one of `options`."""
        words = _listed((in_words(option) for option in options), "or")
        return self._settle(self._value in options, f"is {words}", hint)

    def contains(self, item: object, *, hint: str = "") -> Expectation[Value]:
        """The value, a text or a collection, has `item` in it; nothing at all contains nothing."""
        holds = self._value is not None and item in self._value
        return self._settle(holds, f"contains {in_words(item)}", hint)

    def lacks(self, item: object, *, hint: str = "") -> Expectation[Value]:
        """The value, a text or a collection, does not have `item` in it."""
        holds = self._value is None or item not in self._value
        return self._settle(holds, f"does not contain {in_words(item)}", hint)

    def at_least(self, least: float, *, hint: str = "") -> Expectation[Value]:
        """The value is a number and not below `least`."""
        return self._settle(self._value is not None and self._value >= least, f"is at least {in_words(least)}", hint)

    def at_most(self, most: float, *, hint: str = "") -> Expectation[Value]:
        """The value is a number and not above `most`."""
        return self._settle(self._value is not None and self._value <= most, f"is at most {in_words(most)}", hint)

    def matches(self, pattern: str, *, hint: str = "") -> Expectation[Value]:
        """The regular expression is found somewhere in the value, a text."""
        holds = isinstance(self._value, str) and re.search(pattern, self._value) is not None
        return self._settle(holds, f"matches the pattern {pattern}", hint)

    def exists(self, *, hint: str = "") -> Value:
        """There is such a thing: the value is not None. Returns it, so that it can be looked at further."""
        there = self._value is not None
        self._judge(there, f"{self._what} exists", f"{self._what} does not exist", f"{self._what} exists", hint)
        value: Value = self._value
        return value

    def is_absent(self, *, hint: str = "") -> Expectation[Value]:
        """There is no such thing: the value is None or empty."""
        empty = isinstance(self._value, Collection) and not len(self._value)
        there = self._value is not None and not empty
        found = f"{self._what} exists"
        if there and isinstance(self._value, Collection) and not isinstance(self._value, str):
            found = f"{self._what}: {in_words(self._value)}"
        return self._judge(not there, f"there is no {self._what}", found, f"there is no {self._what}", hint)

    def is_true(self, *, hint: str = "") -> Expectation[Value]:
        """The value is true; `what` is a whole statement, for example "node1 is in a swarm"."""
        return self._judge(bool(self._value), self._what, f"it is not so that {self._what}", self._what, hint)

    def is_false(self, *, hint: str = "") -> Expectation[Value]:
        """The value is false; `what` is the whole statement that must not be true."""
        return self._judge(not self._value, f"it is not so that {self._what}", self._what, "it is not so", hint)

    def _settle(self, holds: object, wanted: str, hint: str) -> Expectation[Value]:
        observed = f"{self._what} is {in_words(self._value)}"
        return self._judge(bool(holds), f"{self._what} {wanted}", observed, observed, hint)

    def _judge(self, holds: bool, wanted: str, otherwise: str, indeed: str, hint: str) -> Expectation[Value]:  # noqa: FBT001
        expected = sentence(wanted)
        if not holds:
            raise NotAsExpected(expected=expected, observed=sentence(otherwise), hint=hint)
        Journal.last = Finding(expected, sentence(indeed))
        return self


def expect(value: Value | None, what: str) -> Expectation[Value]:
    """Begin an expectation about a value; `what` names it in the learner's sentence: "status of the page"."""
    return Expectation(value, what)
