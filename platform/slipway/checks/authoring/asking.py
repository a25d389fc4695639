"""How the lab API reaches the nodes: one question at a time, through whoever implements `Asker`.

In the examiner that is a pipe to the platform; in a unit test it is anything with an `ask` method.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from slipway.checks.authoring.answers import JSON


class Asker(Protocol):
    """Someone who can put a question to a node of the sandbox under examination, and to no other."""

    def ask(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON:
        """The node's answer. Raises `Refused` when the node says no and `Unreachable` when nothing comes
        back.
        """
        ...


class Refused(Exception):
    """The node answered that it cannot; `code` is one of the node protocol's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Unreachable(BaseException):
    """The platform could not reach the node. Not an `Exception`: an author's `except Exception` must not turn
    our failure into a wrong answer.
    """
