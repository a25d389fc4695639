"""The frames between page and server: one byte opcode, then payload. `docs/node-protocol.md` has the node's side.

Everything from a page is untrusted: sizes and values are checked here, and what is wrong raises `BadFrame`.
"""

from __future__ import annotations

import json
from enum import IntEnum

from slipway.core.json import JSON
from slipway.sandboxes.nodes import LONGEST_FRAME

LARGEST_SIZE = 1000  # columns or rows of a terminal


class Opcode(IntEnum):
    """What a frame says; input and output share the number 0, told apart by their direction."""

    DATA = 0x00
    RESIZE = 0x01
    ACK = 0x02
    SCROLLBACK = 0x04
    LIVE = 0x05
    SKIPPED = 0x06
    EXIT = 0x10
    ERROR = 0x1F


class Close(IntEnum):
    """Why the server closes a terminal's WebSocket."""

    MALFORMED = 4400
    SIGN_IN = 4401
    NOT_FOUND = 4404
    NOT_READY = 4409
    ENDED = 4410
    TOO_LARGE = 4413
    ENGINE = 4503


class BadFrame(Exception):
    """A page sent something that is not in the protocol; `close` is the code to close with."""

    def __init__(self, close: Close, sentence: str) -> None:
        super().__init__(sentence)
        self.close = close
        self.sentence = sentence


def parse(data: bytes) -> tuple[Opcode, bytes]:
    """A page's frame, checked. Raises `BadFrame`."""
    if len(data) > LONGEST_FRAME + 1:
        raise BadFrame(Close.TOO_LARGE, "A single piece of input may have at most 64 KiB.")
    if not data:
        raise BadFrame(Close.MALFORMED, "The page sent an empty message.")
    payload = data[1:]
    match data[0]:
        case Opcode.DATA:
            return Opcode.DATA, payload
        case Opcode.RESIZE if len(payload) == 4:
            return Opcode.RESIZE, payload
        case Opcode.ACK if len(payload) == 4:
            return Opcode.ACK, payload
    raise BadFrame(Close.MALFORMED, "The page sent a message that terminals do not know.")


def size_is_sane(payload: bytes) -> bool:
    """Whether a resize asks for 1 to 1,000 columns and rows; others are ignored, as a window may pass through them."""
    cols, rows = int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:], "big")
    return 1 <= cols <= LARGEST_SIZE and 1 <= rows <= LARGEST_SIZE


def pack(opcode: Opcode, payload: bytes = b"") -> bytes:
    """A frame for the page."""
    return bytes([opcode]) + payload


def pack_json(opcode: Opcode, value: JSON) -> bytes:
    """A frame for the page that carries JSON."""
    return pack(opcode, json.dumps(value).encode())
