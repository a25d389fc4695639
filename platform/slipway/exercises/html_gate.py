"""The last gate for a guide's HTML: only the elements and attributes that our own blocks are made of get through.

What stands before this module should never let anything else arrive; this one does not rely on that.
"""

from __future__ import annotations

import nh3

_TAGS = {
    *(
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "blockquote",
        "hr",
        "br",
        "em",
        "strong",
        "s",
        "a",
        "img",
    ),
    *("code", "pre", "span", "div", "table", "thead", "tbody", "tr", "th", "td"),
    *("button", "details", "summary", "form", "fieldset", "legend", "label", "input"),
}
_ATTRIBUTES = {
    "*": {"class"},
    "a": {"href", "title", "target"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "button": {"type"},
    "input": {"type", "name", "value"},
    "div": {"aria-live"},
}


def cleaned(html: str) -> str:
    """The HTML without anything that is not listed here."""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        generic_attribute_prefixes={"data-"},
        url_schemes={"http", "https"},
        link_rel="noopener",
    )
