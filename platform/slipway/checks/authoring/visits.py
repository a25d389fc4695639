"""Many visits to one page, and how they went: made by a node for a check, or read from the log of the load generator.

A verdict such as "0 of 294 failed" is what learners read; who answered and the longest silence are what checks compare.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MOST_VISITS = 200
# One program for all visits: a question for each would cost a way to the node and back, and a check may ask so many.
LOOP = """for ((visit = 0; visit < $2; visit++)); do
    curl --globoff --silent --output /dev/null --max-time "$4" \\
        --write-out '%{http_code} %header{x-answered-by}\\n' -- "$1"
    sleep "$3"
done"""
_SPAN = re.compile(r" *(\d{1,4}) s(?:   (.*))?")
_SUMMARY = re.compile(r"(\d{1,6}) of (\d{1,6}) answered, (\d{1,6}) failed;.*")
_PLACE = re.compile(r"(\S{1,60}) +(\S{1,60}) +\d{1,6}")
_COUNT = re.compile(r"(\S{1,60}) (\d{1,6})")
_FAILED = "FAILED"
_MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Span:
    """Some seconds of a load: how many visits were answered and how many were not; `at` is its end, in seconds."""

    at: int
    answered: int
    failed: int


@dataclass(frozen=True, slots=True)
class Visits:
    """How visits went. `finished` says that no more will follow; a load that still runs has not told who answered."""

    total: int
    failed: int
    answers: Mapping[str, int]
    """How many were answered by each task or pod that tells its name in X-Answered-By."""
    places: Mapping[str, str] = field(default_factory=dict)
    """The node on which each of them was, where that is told."""
    spans: tuple[Span, ...] = ()
    finished: bool = True

    @property
    def verdict(self) -> str:
        """“0 of 294 failed”."""
        return f"{self.failed} of {self.total} failed"

    @property
    def silence(self) -> int:
        """The longest time in seconds, between two answers of a load, in which not one visitor was answered."""
        longest = answered_at = 0
        for span in self.spans:
            if span.answered:
                answered_at = span.at
            longest = max(longest, span.at - answered_at)
        return longest

    @classmethod
    def counted(cls, output: str, *, total: int) -> Visits:
        """From what `LOOP` has printed; a visit of which it says nothing has failed."""
        lines = [line.split() for line in output.splitlines()[:total]]
        answered = [words for words in lines if words and words[0].isdigit() and 0 < int(words[0]) < 400]
        named = [words for words in answered if len(words) > 1]
        places = {words[1][:60]: words[2][:60] for words in named if len(words) > 2}
        return cls(total, total - len(answered), Counter(words[1][:60] for words in named), places)

    @classmethod
    def told(cls, log: str) -> Visits:
        """From the log of `slipway/load`."""
        lines = log.splitlines()[:_MOST_LINES]
        spans = tuple(_span(found) for line in lines if (found := _SPAN.fullmatch(line)))
        summary = next((found for line in lines if (found := _SUMMARY.fullmatch(line))), None)
        failed = sum(span.failed for span in spans)
        total = failed + sum(span.answered for span in spans)
        if summary:
            total, failed = int(summary[2]), int(summary[3])
        places = {found[1]: found[2] for line in lines if (found := _PLACE.fullmatch(line))}
        return cls(total, failed, _answers(lines), places, spans, summary is not None)


def _span(found: re.Match[str]) -> Span:
    counts = _counts(found[2])
    failed = counts.pop(_FAILED, 0)
    return Span(int(found[1]), counts.total(), failed)


def _answers(lines: Sequence[str]) -> Counter[str]:
    told: Counter[str] = Counter()
    for line in lines:
        if found := _SPAN.fullmatch(line):
            told += _counts(found[2])
    del told[_FAILED]
    return told


def _counts(words: str | None) -> Counter[str]:
    """ "web-1 10   web-2 9   FAILED 2" as numbers by name."""
    found = (_COUNT.fullmatch(part.strip()) for part in re.split(r" {2,}", words or ""))
    return Counter({one[1]: int(one[2]) for one in found if one})
