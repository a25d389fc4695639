"""A step's Markdown, made into HTML that is safe to show: no raw HTML, no script, links to http, https and the exercise
only.

Parameters are put in after the Markdown has been understood, so a value can never become markup. The last word has nh3,
which lets through only the elements that this module makes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin

from slipway.exercises import blocks
from slipway.exercises.casts import BadCast, read_recording
from slipway.exercises.exercise import Quiz, Recording, RunBlock
from slipway.exercises.html_gate import cleaned
from slipway.exercises.mistakes import Mistakes
from slipway.exercises.parameters import PLACEHOLDER, Values
from slipway.exercises.quizzes import QuizReader
from slipway.exercises.tokens import closing, html_token

# While Markdown is parsed a placeholder is its name between two private characters, which no source may hold.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARKED = re.compile(f"{_OPEN}([a-z0-9_]+){_CLOSE}")
_MARKED_IN_URL = re.compile(f"{quote(_OPEN)}([a-z0-9_]+){quote(_CLOSE)}")
_HTML = re.compile(
    r"<!--|</?(?:a|abbr|b|body|br|button|center|code|details|div|em|font|form|h[1-6]|head|hr|html|i|iframe|img|input|kbd|li"
    r"|link|meta|object|ol|p|pre|script|span|strong|style|sub|summary|sup|svg|table|td|th|tr|u|ul|video)\b[^<]*>",
    re.IGNORECASE,
)
CONTAINERS = ("hint", "quiz", "preview", "cast")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a guide may refer to, and the learner's values."""

    file: str
    first_line: int
    nodes: Sequence[str]
    values: Values
    assets: frozenset[str]
    asset_url: str
    folder: Path
    """The exercise's own, whose recordings are read."""
    steps: Mapping[str, str]
    """Slugs of the steps by their file names, for links between them."""


@dataclass
class Guide:
    """A rendered guide: safe HTML, and what was found in it."""

    html: str = ""
    quizzes: list[Quiz] = field(default_factory=list)
    run_blocks: list[RunBlock] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    hints: int = 0


def render_guide(source: str, around: Surroundings, mistakes: Mistakes) -> Guide:
    """Render a guide; what the author got wrong is noted, and shown as harmlessly as it can be."""
    return _Rendering(source, around, mistakes).render()


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False})
    markdown.enable(["table", "strikethrough"])
    container_plugin(markdown, "slipway", validate=lambda words, _: bool(words.strip()))
    return markdown


class _Rendering:
    def __init__(self, source: str, around: Surroundings, mistakes: Mistakes) -> None:
        self._around = around
        self._mistakes = mistakes
        self._source = PLACEHOLDER.sub(
            lambda found: f"{_OPEN}{found[1]}{_CLOSE}" if found[1] in around.values else found[0], source
        )
        self._lines = self._source.split("\n")
        self._guide = Guide()

    def render(self) -> Guide:
        tokens = _markdown().parse(self._source)
        self._guide.html = cleaned(self._html(tokens))
        return self._guide

    def _html(self, tokens: Sequence[Token]) -> str:
        """The HTML of some tokens; containers and fences become ready-made HTML on the way."""
        markdown = _markdown()
        ready: list[Token] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if token.type == "container_slipway_open":
                end = closing(tokens, index)
                ready.append(html_token(self._container(token, tokens[index + 1 : end])))
                index = end + 1
                continue
            if token.type == "fence":
                ready.append(html_token(self._fence(token)))
            else:
                self._prepare(token)
                ready.append(token)
            index += 1
        return str(markdown.renderer.render(ready, markdown.options, {}))

    def _note(self, error_id: str, sentence: str, token: Token, found: object = "", expected: str = "") -> None:
        line = token.map[0] if token.map else 0
        self._mistakes.note(
            error_id,
            sentence,
            file=self._around.file,
            line=line + self._around.first_line,
            found=found,
            expected=expected,
        )

    # Values and links

    def _text(self, text: str) -> str:
        return _MARKED.sub(lambda found: str(self._around.values[found[1]]), text)

    def _prepare(self, token: Token) -> None:
        """Put the learner's values in, and look at links and pictures."""
        if token.type == "inline":
            for child in token.children or ():
                child.map = child.map or token.map
                self._prepare(child)
            return
        if token.type in {"text", "code_inline", "code_block"}:
            if token.type == "text" and _HTML.search(token.content):
                self._note("raw-html", "HTML is not allowed in a guide.", token, token.content.strip(), "Markdown")
            token.content = self._text(token.content)
        elif token.type == "image":
            for child in token.children or ():
                self._prepare(child)
            self._image(token)
        elif token.type == "link_open":
            self._link(token)
        style = token.attrGet("style")
        if isinstance(style, str):  # how a table's columns are aligned
            token.attrs = {"class": f"align-{style.rpartition(':')[2]}"}

    def _image(self, token: Token) -> None:
        source = str(token.attrGet("src") or "")
        name = source.removeprefix("assets/")
        if name not in self._around.assets or not source.startswith("assets/"):
            near = sorted(f"assets/{asset}" for asset in self._around.assets)
            self._note(
                "unknown-asset",
                "A picture must lie in the exercise's assets/ folder.",
                token,
                source,
                ", ".join(near[:5]) or "assets/…",
            )
        token.attrSet("src", self._around.asset_url + quote(name))

    def _link(self, token: Token) -> None:
        target = str(token.attrGet("href") or "")
        parts = urlsplit(target)
        if parts.scheme in {"http", "https"}:
            target = _MARKED_IN_URL.sub(lambda found: quote(str(self._around.values[found[1]]), safe=""), target)
            token.attrSet("target", "_blank")
        elif parts.scheme or parts.netloc:
            self._note("link-scheme", "A link leads to http, https or into the exercise.", token, target)
            target = "#"
        elif parts.path in self._around.steps:
            target = f"?step={self._around.steps[parts.path]}"
        elif parts.path.startswith("assets/") and parts.path.removeprefix("assets/") in self._around.assets:
            target = self._around.asset_url + parts.path.removeprefix("assets/")
        elif parts.path:
            self._note("unknown-link", "There is no such step or asset.", token, target, ", ".join(self._around.steps))
            target = "#"
        token.attrSet("href", target)

    # Blocks

    def _fence(self, token: Token) -> str:
        words = token.info.split()
        text = self._text(token.content)
        if not words or words[0] not in {"run", "copy"}:
            return blocks.code(text, words[0] if words else "") + "\n"
        if words[0] == "copy":
            return blocks.copy_block(text.rstrip("\n"), words[1] if len(words) > 1 else "")
        node = words[1] if len(words) > 1 else ""
        if node not in self._around.nodes or len(words) > 2:
            self._mistakes.note(
                "unknown-node",
                "A run block names one node of the exercise: ```run node1.",
                file=self._around.file,
                line=(token.map[0] if token.map else 0) + self._around.first_line,
                found=" ".join(words[1:]) or "nothing",
                among=self._around.nodes,
            )
        command = text.strip("\n")
        if not command.strip():
            self._note("empty-run-block", "There is no command in this block.", token)
        self._guide.run_blocks.append(RunBlock(node, command))
        return blocks.run_block(node, command)

    def _container(self, token: Token, inside: Sequence[Token]) -> str:
        words = self._text(token.info).split()
        last = token.map[1] if token.map else 0
        if last >= len(self._lines) or not self._lines[last].strip(" \t>").startswith(":::"):
            self._note("block-not-closed", f"The block “{words[0]}” is not closed by a line with “:::”.", token)
        if words[0] == "hint":
            return self._hint(" ".join(words[1:]), token, inside)
        if words[0] == "quiz":
            quiz = QuizReader(self._html, self._note).read(words[1:], token, inside, self._guide.quizzes)
            self._guide.quizzes.append(quiz)
            return blocks.quiz(quiz)
        if words[0] == "preview":
            return self._preview(words[1:], token, inside)
        if words[0] == "cast":
            return self._cast(words[1:], token, inside)
        self._mistakes.note(
            "unknown-block",
            "There is no such block.",
            file=self._around.file,
            line=(token.map[0] if token.map else 0) + self._around.first_line,
            found=words[0],
            among=CONTAINERS,
        )
        return self._html(inside)

    def _hint(self, title: str, token: Token, inside: Sequence[Token]) -> str:
        if not inside:
            self._note("empty-hint", "This hint says nothing.", token)
        self._guide.hints += 1
        number = self._guide.hints
        return blocks.hint(number, title, self._html(inside))

    def _cast(self, words: Sequence[str], token: Token, inside: Sequence[Token]) -> str:
        body = self._html(inside)
        if len(words) != 1 or not words[0].endswith(".cast"):
            found = " ".join(words) or "nothing"
            self._note("cast-malformed", "A recording is named by its file.", token, found, "::: cast lesson.cast")
            return body
        file = words[0]
        if file not in self._around.assets:
            known = [asset for asset in self._around.assets if asset.endswith(".cast")]
            expected = ", ".join(sorted(known)) or "manage.py exercise record makes it"
            self._note("unknown-asset", "There is no such recording below assets/.", token, file, expected)
            return body
        name = file.removesuffix(".cast")
        if any(recording.name == name for recording in self._guide.recordings):
            self._note("cast-duplicate", "This step plays the same recording twice.", token, file)
        try:
            cast = read_recording(self._around.folder / "assets" / file)
        except BadCast as bad:
            self._note("cast-broken", f"This recording cannot be played: {bad}.", token, f"{file}, line {bad.line}")
            return body
        recording = Recording(name, cast.whole_seconds)
        self._guide.recordings.append(recording)
        picture = f"{name}.cluster.json"
        urls = [self._around.asset_url + quote(one) if one in self._around.assets else "" for one in (file, picture)]
        return blocks.recording(recording, cast, cast_url=urls[0], picture_url=urls[1], body=body)

    def _preview(self, words: Sequence[str], token: Token, inside: Sequence[Token]) -> str:
        if len(words) != 2:
            found, example = " ".join(words) or "nothing", "::: preview node1 8080"
            self._note("preview-malformed", "A preview names a node and a port.", token, found, example)
            return self._html(inside)
        node, port = words
        if node not in self._around.nodes:
            self._mistakes.note(
                "unknown-node",
                "A preview names one node of the exercise.",
                file=self._around.file,
                line=(token.map[0] if token.map else 0) + self._around.first_line,
                found=node,
                among=self._around.nodes,
            )
        elif not (port.isascii() and port.isdecimal()) or not 0 < int(port[:6]) < 65536:
            self._note("preview-malformed", "A preview's port is a number.", token, port, "1 to 65535")
        else:
            return blocks.preview(node, int(port), self._html(inside))
        return self._html(inside)
