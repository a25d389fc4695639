"""YAML with line numbers, read as strictly as an untrusted file deserves.

Only mappings with text keys, lists, text, numbers, true, false and null; no anchors or aliases (one line of those can
grow into gigabytes), no tags, no repeated keys, bounded depth. `yes`, `no`, `on` and dates are text, as a person
expects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from slipway.core.errors import AuthorError

Plain: TypeAlias = "dict[str, Plain] | list[Plain] | str | int | float | bool | None"
Path: TypeAlias = tuple[str | int, ...]

_DEEPEST = 12
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}\Z")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Tree:
    """The data, and on which line each path of it stands."""

    data: Plain
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of this path, or of the nearest thing around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str, *, file: str, first_line: int = 1) -> Tree:
    """Read one document whose first line is line `first_line` of the file. Raises `AuthorError`."""
    try:
        node = _Composer(text, file, first_line).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + first_line if mark else first_line
        raise AuthorError(
            "yaml-malformed", f"This is not YAML: {error.problem or error.context}.", file=file, line=line
        ) from None
    except yaml.YAMLError as error:
        raise AuthorError("yaml-malformed", "This is not YAML.", file=file, detail=str(error)[:300]) from None
    reader = _Reader(file, first_line)
    return Tree(reader.read(node, ()) if node else None, reader.lines)


class _Composer(yaml.SafeLoader):
    """Composes nodes, but no aliases and nothing deep."""

    def __init__(self, text: str, file: str, first_line: int) -> None:
        super().__init__(text)
        self._file = file
        self._first_line = first_line
        self._depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + self._first_line
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise AuthorError(
                "yaml-alias", "Anchors and aliases are not allowed: write the value out.", file=self._file, line=line
            )
        tag = getattr(event, "tag", None)
        if tag:
            raise AuthorError("yaml-tag", "Tags are not allowed.", file=self._file, line=line, found=str(tag)[:80])
        if self._depth >= _DEEPEST:
            raise AuthorError("yaml-too-deep", "This is nested too deeply.", file=self._file, line=line)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


class _Reader:
    def __init__(self, file: str, first_line: int) -> None:
        self.lines: dict[Path, int] = {}
        self._file = file
        self._first_line = first_line

    def read(self, node: Node, path: Path) -> Plain:
        self.lines.setdefault(path, node.start_mark.line + self._first_line)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)  # noqa: S101 - there is no fourth kind
        return _scalar(node)

    def _mapping(self, node: MappingNode, path: Path) -> Plain:
        data: dict[str, Plain] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + self._first_line
            if not isinstance(key_node, ScalarNode):
                raise AuthorError("yaml-key", "A key must be a text.", file=self._file, line=line)
            key = str(key_node.value)
            if key in data:
                raise AuthorError("yaml-repeated-key", "This key is here twice.", file=self._file, line=line, found=key)
            self.lines[(*path, key)] = line
            data[key] = self.read(value_node, (*path, key))
        return data


def _scalar(node: ScalarNode) -> Plain:
    text = str(node.value)
    if node.style:  # quoted or a block: text, whatever it looks like
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text
