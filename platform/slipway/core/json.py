"""The type of JSON values, and reading what strangers send without trusting its shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"


def as_mapping(value: JSON) -> Mapping[str, JSON]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_text(value: JSON, *, limit: int = 4096) -> str:
    """The value when it is a string, cut to `limit` characters, else an empty one."""
    return value[:limit] if isinstance(value, str) else ""


def as_int(value: JSON, *, default: int = 0) -> int:
    """The value when it is a whole number, else the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default
