"""What is wrong with an exercise: every mistake at once, each with file, line, what was found and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from slipway.core.errors import AuthorError


class BrokenExercise(AuthorError):
    """An exercise that cannot be used; `mistakes` are all that were found, in order of file and line."""

    def __init__(self, slug: str, mistakes: Iterable[AuthorError]) -> None:
        self.slug = slug
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line)))
        first = self.mistakes[0]
        more = f" (and {len(self.mistakes) - 1} more)" if len(self.mistakes) > 1 else ""
        super().__init__(
            first.error_id,
            first.sentence + more,
            file=f"{slug}/{first.file}",
            line=first.line,
            found=first.found,
            expected=first.expected,
            nearest=first.nearest,
            detail=first.detail,
        )


@dataclass
class Mistakes:
    """A growing list of mistakes; readers note what they find and go on."""

    found: list[AuthorError] = field(default_factory=list)

    def note(
        self,
        error_id: str,
        sentence: str,
        *,
        file: str,
        line: int = 0,
        found: object = "",
        expected: str = "",
        among: Iterable[str] = (),
    ) -> None:
        """Note one mistake; `among` are the correct names, of which the nearest to `found` is suggested."""
        names = list(among)
        self.found.append(
            AuthorError(
                error_id,
                sentence,
                file=file,
                line=line,
                found=_short(found),
                expected=expected or _one_of(names),
                nearest=nearest(str(found), names),
            )
        )


def nearest(name: str, names: Iterable[str]) -> str:
    """The name closest to this one; empty when none is close."""
    near = difflib.get_close_matches(name[:100], list(names), n=1)
    return near[0] if near else ""


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 120 else text[:119] + "…"


def _one_of(names: list[str]) -> str:
    if not names:
        return ""
    return names[0] if len(names) == 1 else f"one of {', '.join(names[:12])}"
