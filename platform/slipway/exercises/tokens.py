"""Small things about Markdown's tokens."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it.token import Token


def inline_token(token: Token, children: Sequence[Token]) -> Token:
    """Some of an inline token's children as one of their own."""
    return Token("inline", "", 0, children=list(children), map=token.map)


def html_token(html: str) -> Token:
    """Ready-made HTML in the place of tokens."""
    return Token("html_block", "", 0, content=html)


def closing(tokens: Sequence[Token], start: int) -> int:
    """The index of the token that closes the one at `start`."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index
    return len(tokens) - 1
