"""The learner's own values: drawn once from a seed, the same again for the same seed, and put into texts as plain text.

A placeholder is `{{ name }}` with its spaces; Docker's `{{.Names}}` and `{{end}}`, written without, are left alone. A
value is never read again as Markdown, HTML or a placeholder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from slipway.exercises.mistakes import Mistakes
from slipway.exercises.schema import ParameterSpec
from slipway.exercises.words import WORDS

PLACEHOLDER = re.compile(r"\{\{ ([a-z][a-z0-9_]{0,30}) \}\}")
_CLOSE_TO_ONE = re.compile(r"\{\{ *([A-Za-z][A-Za-z0-9_-]{0,40}) *\}\}")
_TRIES = 50

Values = Mapping[str, str | int]


def substitute(text: str, values: Values) -> str:
    """The text with every placeholder's value in its place; unknown ones stay as they are."""
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)


def draw(specs: Mapping[str, ParameterSpec], *, seed: str) -> dict[str, str | int]:
    """One learner's values. Two parameters get different values where their ways of drawing allow it."""
    values: dict[str, str | int] = {}
    for name, spec in specs.items():
        if spec.text is None:
            values[name] = _drawn_apart(name, spec, seed, taken=set(values.values()))
    texts = {name: spec.text for name, spec in specs.items() if spec.text is not None}
    while texts:
        ready = [name for name, text in texts.items() if not set(_named(text)) & texts.keys()]
        if not ready:
            raise ValueError(f"parameters name one another in a circle: {', '.join(texts)}")
        for name in ready:
            values[name] = substitute(texts.pop(name), values)
    return {name: values[name] for name in specs}


def _drawn_apart(name: str, spec: ParameterSpec, seed: str, *, taken: set[str | int]) -> str | int:
    value = _drawn(spec, f"{seed}\0{name}\0000")
    for attempt in range(1, _TRIES):
        if value not in taken:
            break
        value = _drawn(spec, f"{seed}\0{name}\000{attempt}")
    return value


def _drawn(spec: ParameterSpec, seed: str) -> str | int:
    # A hash rather than `random`: the same value for ever, whatever the version of Python.
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    if spec.pick is not None:
        return spec.pick[number % len(spec.pick)]
    if spec.number is not None:
        return spec.number.min + number % (spec.number.max - spec.number.min + 1)
    words = []
    for _ in range(spec.words or 1):
        number, index = divmod(number, len(WORDS))
        words.append(WORDS[index])
    return "-".join(words)


def _named(text: str) -> Iterator[str]:
    return (found[1] for found in PLACEHOLDER.finditer(text))


def note_circles(
    specs: Mapping[str, ParameterSpec], lines: Mapping[str, int], *, file: str, mistakes: Mistakes
) -> bool:
    """Note unknown and circular references among the parameters; whether they can be drawn."""
    sound = True
    graph = {name: list(_named(spec.text or "")) for name, spec in specs.items()}
    for name, named in graph.items():
        for other in named:
            if other not in specs:
                mistakes.note(
                    "unknown-parameter",
                    "There is no such parameter.",
                    file=file,
                    line=lines[name],
                    found=other,
                    among=specs,
                )
                sound = False
    for name in graph:
        circle = _circle(name, graph)
        if circle and name == min(circle):
            mistakes.note(
                "cyclic-parameter",
                f"The parameters name one another in a circle: {' → '.join(circle)}.",
                file=file,
                line=lines[name],
                found=name,
                expected="a text that ends somewhere",
            )
            sound = False
    return sound


def _circle(start: str, graph: Mapping[str, list[str]]) -> list[str]:
    """The way from this parameter back to itself; empty when there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for other in graph.get(way[-1], []):
            if other == start:
                return [*way, start]
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return []


def note_placeholders(
    text: str, specs: Mapping[str, ParameterSpec], *, file: str, first_line: int, mistakes: Mistakes
) -> None:
    """Note placeholders for parameters that do not exist, and near misses in their spelling."""
    for index, line in enumerate(text.splitlines()):
        for found in _CLOSE_TO_ONE.finditer(line):
            name = found[1]
            exact = PLACEHOLDER.fullmatch(found[0]) is not None
            if exact and name not in specs:
                mistakes.note(
                    "unknown-parameter",
                    "There is no such parameter. (A template of Docker's is written without spaces: {{.Names}}.)",
                    file=file,
                    line=first_line + index,
                    found=name,
                    among=specs,
                )
            elif not exact and name in specs:
                mistakes.note(
                    "placeholder-spelling",
                    "A placeholder has exactly one space on each side of its name.",
                    file=file,
                    line=first_line + index,
                    found=found[0],
                    expected="{{ " + name + " }}",
                )
