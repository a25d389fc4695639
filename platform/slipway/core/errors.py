"""Errors divided by whose they are: the learner's, the exercise author's, or ours.

Each has a stable id that never changes meaning, a sentence for the person it concerns, and a detail for the log.
A page shows the sentence; it never shows the detail.
"""

from __future__ import annotations


class SlipwayError(Exception):
    """Something went wrong that somebody must be told.

    `error_id` is stable and safe to test for; `sentence` is for the person; `detail` is for the log alone.
    """

    def __init__(self, error_id: str, sentence: str, *, detail: str = "") -> None:
        super().__init__(f"{error_id}: {sentence}" + (f" ({detail})" if detail else ""))
        self.error_id = error_id
        self.sentence = sentence
        self.detail = detail


class LearnerError(SlipwayError):
    """What the learner asked for cannot be done; they can do something about it."""


class AuthorError(SlipwayError):
    """The exercise is wrong; the learner loses nothing.

    `file` and `line` (from 1, 0 when unknown) say where; `found`, `expected` and `nearest` (a correct name close to the
    one found) say what, where that can be said.
    """

    def __init__(
        self,
        error_id: str,
        sentence: str,
        *,
        file: str = "",
        line: int = 0,
        found: str = "",
        expected: str = "",
        nearest: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(error_id, sentence, detail=detail)
        self.file = file
        self.line = line
        self.found = found
        self.expected = expected
        self.nearest = nearest

    @property
    def place(self) -> str:
        """`file:line`, or as much of it as is known."""
        return f"{self.file}:{self.line}" if self.line else self.file


class EngineError(SlipwayError):
    """The platform failed, not the person. Never costs a point; the caller tries again."""
