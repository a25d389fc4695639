"""A quiz in a guide: a question, then a list of answers with boxes, each with its explanation below."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from markdown_it.token import Token

from slipway.exercises.exercise import Choice, Quiz
from slipway.exercises.html_gate import cleaned
from slipway.exercises.tokens import closing, inline_token

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,40}\Z")
_CHOICE = re.compile(r"\[([ xX])\] +")


class Note(Protocol):
    """Notes a mistake at a token's line."""

    def __call__(self, error_id: str, sentence: str, token: Token, found: object = "", expected: str = "") -> None:
        """Note it."""
        ...


class QuizReader:
    """Reads quizzes out of tokens; `html` renders tokens of the guide, `note` notes mistakes."""

    def __init__(self, html: Callable[[Sequence[Token]], str], note: Note) -> None:
        self._html = html
        self._note = note

    def read(self, words: Sequence[str], token: Token, inside: Sequence[Token], others: Sequence[Quiz]) -> Quiz:
        """The quiz; whatever is wrong with it is noted."""
        quiz_id = words[0] if words else ""
        if len(words) != 1 or not _ID.match(quiz_id):
            self._note(
                "quiz-without-id", "A quiz has a short name of its own.", token, " ".join(words), "::: quiz why-not-yet"
            )
        if any(quiz.id == quiz_id for quiz in others):
            self._note("quiz-duplicate", "Another quiz has this name.", token, quiz_id)
        start = next((i for i, one in enumerate(inside) if one.type == "bullet_list_open"), len(inside))
        end = closing(inside, start) if start < len(inside) else start
        if end + 1 < len(inside):
            self._note("quiz-malformed", "Nothing follows the list of a quiz's answers.", inside[end + 1])
        question = self._phrasing(inside[:start])
        choices = tuple(self._choices(inside[start + 1 : end]))
        right = sum(choice.correct for choice in choices)
        if not question or len(choices) < 2 or right != 1:
            self._note(
                "quiz-malformed",
                "A quiz is a question and a list of at least two answers, exactly one of them marked [x].",
                token,
                f"{len(choices)} answers, {right} of them right",
                "- [ ] wrong, - [x] right",
            )
        return Quiz(quiz_id, cleaned(question), choices)

    def _choices(self, items: Sequence[Token]) -> Iterator[Choice]:
        """Each item: a box, the answer's text to the end of its line, then the explanation."""
        index = 0
        while index < len(items):
            end = closing(items, index)
            item = items[index + 1 : end]
            first = item[1] if len(item) > 1 and item[1].type == "inline" else None
            found = _CHOICE.match(first.content) if first else None
            if first is None or found is None or not first.children:
                self._note(
                    "quiz-choice", "An answer begins with a box.", items[index], expected="- [ ] wrong or - [x] right"
                )
                index = end + 1
                continue
            first.children[0].content = _CHOICE.sub("", first.children[0].content, count=1)
            breaks = [i for i, child in enumerate(first.children) if child.type in {"softbreak", "hardbreak"}]
            cut = breaks[0] if breaks else len(first.children)
            later = first.children[cut + 1 :]
            text = self._html([inline_token(first, first.children[:cut])])
            explanation = f"<p>{self._html([inline_token(first, later)])}</p>" if later else ""
            explanation += self._html(item[3:])
            if not explanation.strip():
                self._note(
                    "quiz-unexplained", "Every answer is explained, on the lines below it.", items[index], first.content
                )
            yield Choice(cleaned(text), found[1] in "xX", cleaned(explanation))
            index = end + 1

    def _phrasing(self, tokens: Sequence[Token]) -> str:
        """The question as text with emphasis and code, for a legend; paragraphs are joined by line breaks."""
        return "<br>".join(self._html([token]) for token in tokens if token.type == "inline")
