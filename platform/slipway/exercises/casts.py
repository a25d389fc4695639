"""Recordings that a guide plays: asciicast v2 below assets/, with markers for chapters and captions, and what of them
can be read as text.

A marker that begins with "# " opens a chapter, any other is a caption. A recording is an author's file and nothing in
it is believed: sizes, times and codes are looked at before a byte of it reaches a page.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CHAPTER = "# "
LARGEST_CAST = 4 * 2**20
LONGEST_SECONDS = 3600
_MOST_LINES = 50_000
_LONGEST_LABEL = 600
_MOST_COLUMNS, _MOST_ROWS = 200, 60
_CODES = frozenset({"o", "i", "m", "r"})
# Operating system commands, control sequences, other escapes: in that order, since each begins like the next.
_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]")
_PROMPT = re.compile(r"\S+@\S+:\S*[#$]")
_CLEARED = re.compile(r"\x1b\[[23]?J")


class BadCast(ValueError):
    """This is no recording that can be played; says which line and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


@dataclass(frozen=True, slots=True)
class Event:
    """Something at a moment: output ("o"), a command typed ("i"), a marker ("m")."""

    seconds: float
    code: str
    data: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a recording's transcript: a chapter's title, a caption, or what the terminal showed."""

    kind: str  # "chapter", "caption", "output"
    text: str


@dataclass(frozen=True, slots=True)
class Cast:
    """A recording that was understood."""

    width: int
    height: int
    seconds: float
    events: tuple[Event, ...]

    @property
    def whole_seconds(self) -> int:
        """So many seconds are to be watched; the last may be a part of one."""
        return max(1, math.ceil(self.seconds))

    @property
    def transcript(self) -> tuple[Passage, ...]:
        """Everything in it that can be read, in order."""
        passages: list[Passage] = []
        output, prompt = "", ""
        for event in self.events:
            if event.code == "o":
                output += event.data
            elif event.code == "m":
                shown, prompt = _shown(prompt + output)
                output = ""
                chapter = event.data.startswith(CHAPTER)
                text = event.data.removeprefix(CHAPTER).strip()
                passages += [*shown, Passage("chapter" if chapter else "caption", text)]
        return (*passages, *_shown(prompt + output)[0])


def read_cast(text: str) -> Cast:
    """The recording in this text. Raises `BadCast`."""
    lines = text.split("\n")
    if len(lines) > _MOST_LINES:
        raise BadCast(_MOST_LINES, f"a recording has at most {_MOST_LINES} lines")
    header = _parsed(lines[0], 1)
    if not isinstance(header, dict) or header.get("version") != 2:
        raise BadCast(1, "a recording begins with the header of asciicast version 2")
    width, height = _size(header.get("width"), _MOST_COLUMNS), _size(header.get("height"), _MOST_ROWS)
    if not width or not height:
        raise BadCast(1, f"a recording has at most {_MOST_COLUMNS} columns and {_MOST_ROWS} rows")
    events = tuple(_events(lines))
    seconds = events[-1].seconds if events else 0.0
    if seconds < 1:
        raise BadCast(len(lines), "a recording lasts at least a second")
    return Cast(width, height, seconds, events)


def read_recording(path: Path) -> Cast:
    """The recording in this file, read again only when the file has changed. Raises `BadCast`."""
    try:
        status = path.stat()
    except OSError as error:
        raise BadCast(0, "it cannot be read") from error
    if status.st_size > LARGEST_CAST:
        raise BadCast(0, f"it has more than {LARGEST_CAST // 2**20} MiB")
    return _read_once(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _read_once(path: Path, _changed: int, size: int) -> Cast:
    try:
        return read_cast(path.read_bytes()[:size].decode())
    except (OSError, UnicodeDecodeError) as error:
        raise BadCast(0, "it is not UTF-8 text") from error


def _events(lines: list[str]) -> Iterator[Event]:
    before = 0.0
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        event = _parsed(line, number)
        if not isinstance(event, list) or len(event) != 3:
            raise BadCast(number, "an event is a list of a time, a code and a text")
        moment, code, data = event
        if not isinstance(moment, int | float) or isinstance(moment, bool) or not before <= moment <= LONGEST_SECONDS:
            raise BadCast(number, f"times grow, up to {LONGEST_SECONDS} seconds")
        if code not in _CODES or not isinstance(data, str):
            raise BadCast(number, "an event's code is o, i, m or r, and its data a text")
        if code == "m" and not 0 < len(data.strip()) <= _LONGEST_LABEL:
            raise BadCast(number, f"a marker's text has 1 to {_LONGEST_LABEL} characters")
        before = float(moment)
        yield Event(before, code, data)


def _parsed(line: str, number: int) -> object:
    try:
        return json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadCast(number, "this line is not JSON") from error


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _size(value: object, most: int) -> int:
    """The value as a number of columns or rows; 0 when it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most else 0


def _shown(output: str) -> tuple[list[Passage], str]:
    """What output looks like as plain text, a passage for each screen, and the prompt that waits at its end."""
    passages, prompt = [], ""
    for screen in _CLEARED.split(output):
        before, _, last = plain(screen).rpartition("\n")
        prompt = f"{last} " if _PROMPT.fullmatch(last) else ""
        text = (before if prompt else plain(screen)).strip("\n")
        if text:
            passages.append(Passage("output", text))
    return passages, prompt


def plain(output: str) -> str:
    """Output without what only a terminal understands."""
    text = _ESCAPES.sub("", output).replace("\r\n", "\n")
    kept: list[str] = []
    for line in text.split("\n"):
        letters: list[str] = []
        for character in line.rpartition("\r")[2] if "\r" in line.rstrip("\r") else line.rstrip("\r"):
            if character == "\b":
                letters[-1:] = []
            elif character >= " " or character == "\t":
                letters.append(character)
        kept.append("".join(letters).rstrip())
    return "\n".join(kept).strip("\n")
