"""The `@check` decorator: it marks a function as a check and says what it is worth.

The platform reads these marks from the source without running it (`slipway.checks.declared`), so every
argument must be a plain literal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.checks.authoring.lab import Lab

CheckFunction = Callable[["Lab"], None]
MARK = "__slipway_check__"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What `@check` was told."""

    title: str
    points: int
    within: float
    stable: float
    keeps: bool


def check(
    title: str, *, points: int = 1, within: float = 0, stable: float = 0, keeps: bool = False
) -> Callable[[CheckFunction], CheckFunction]:
    """Mark a function as a check.

    `title` is the sentence that learners see; `{port}` in it is the learner's own value. `points`: what it is
    worth, 0 to 100. `within`: seconds to keep looking while it does not hold yet, at most 120. `stable`:
    seconds for which it must go on holding, at most 60. `keeps`: from then on it must stay true, and the
    learner is told at once when it no longer is.
    """

    def mark(function: CheckFunction) -> CheckFunction:
        setattr(function, MARK, Declaration(title, points, within, stable, keeps))
        return function

    return mark
