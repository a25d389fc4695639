"""What a check found, as data: a person reads it as a sentence, a machine as JSON.

An outcome says whose turn it is: the learner's (failed), the author's (broken) or ours (unreachable). Only `failed` may
ever cost a point.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"
    UNREACHABLE = "unreachable"


BROKEN_SENTENCE = "This check is broken; your instructor has been told. You lose nothing."
UNREACHABLE_SENTENCE = "The machine could not be reached. That is not your doing; we look again."


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check's result. `detail` (traceback, what the check printed) is for instructors alone."""

    check: str
    title: str
    outcome: Outcome
    points: int
    """Earned: all of `of` when passed, otherwise 0."""
    of: int
    expected: str
    observed: str
    hint: str
    detail: str
    held_after: float | None
    """Seconds from the first look until it held; None when it does not hold."""
    duration: float
    """Seconds from the first look to the result."""
