"""Reading single values of what a node says: texts cut and made safe to send on, ids of the shape engines give, numbers
in a range. A learner is root in the node, so any of them may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from slipway.core.json import JSON, as_int, as_mapping, as_text

_ID = re.compile(r"[0-9a-z]{1,64}")
_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
ID_LENGTH = 12


def text(value: JSON, *, limit: int = 120) -> str:
    """The text, at most `limit` characters; halves of surrogate pairs, which cannot be sent, become question marks."""
    return as_text(value, limit=limit).encode("utf-8", "replace").decode()


def word(value: JSON) -> str:
    """One of Docker's own words, in small letters, or as much of whatever stands in its place."""
    return text(value, limit=24).lower()


def identity(value: JSON) -> str:
    """The first twelve characters of an id, or "" for what is none."""
    found = as_text(value, limit=65)
    return found[:ID_LENGTH] if _ID.fullmatch(found) else ""


def unique(value: JSON) -> str:
    """The first twelve digits of the unique id that Kubernetes gives an object, or "" for what is none."""
    found = as_text(value, limit=37)
    return found.replace("-", "")[:ID_LENGTH] if _UID.fullmatch(found) else ""


def mac(value: JSON) -> str:
    """An Ethernet address, or "" for what is none."""
    found = as_text(value, limit=18)
    return found if _MAC.fullmatch(found) else ""


def number(value: JSON, *, most: int = 1_000_000) -> int:
    """A whole number from 0 to `most`; anything else is 0 or `most`, whichever is nearer."""
    return min(max(as_int(value), 0), most)


def port(value: JSON) -> int:
    """A port number, or 0 for what is none."""
    found = as_int(value)
    return found if 0 < found < 2**16 else 0


def flag(value: JSON) -> bool:
    """Whether the value is true."""
    return value is True


def items(value: JSON, *, limit: int) -> Iterator[Mapping[str, JSON]]:
    """The objects in a list, looking at no more than `limit` of its entries."""
    if isinstance(value, list):
        for each in value[:limit]:
            if isinstance(each, Mapping):
                yield each


def within(value: JSON, *path: str) -> JSON:
    """What lies at the end of a path of keys through objects; None when there is no such place."""
    for key in path:
        value = as_mapping(value).get(key)
    return value
