"""Addresses and cookies of previews: where one is entered, and the cookie that carries its pass."""

from __future__ import annotations

from urllib.parse import urlsplit

from slipway.previews.hosts import host_of_previews, is_loopback

ENTER_PATH = "/__slipway/enter"
# Browsers take a cookie of this name from its own host alone, over TLS or on this machine, and never for a domain.
_GUARDED_COOKIE = "__Host-slipway-preview"
_PLAIN_COOKIE = "slipway-preview"
OUR_COOKIES = frozenset({_GUARDED_COOKIE.lower(), _PLAIN_COOKIE})


def preview_origin(page_origin: str, label: str) -> str:
    """The origin of a label for a page of this origin: the same scheme and port, another host."""
    parts = urlsplit(page_origin)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{label}.{host_of_previews(parts.netloc)}{port}"


def enter_url(origin: str, ticket: str) -> str:
    """Where a ticket is exchanged for a pass."""
    return f"{origin}{ENTER_PATH}?ticket={ticket}"


def is_secure(page_origin: str) -> bool:
    """Whether browsers take secure cookies there."""
    parts = urlsplit(page_origin)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def pass_cookie(page_origin: str, secret: str) -> str:
    """The Set-Cookie value that carries a pass.

    A frame beside the guide is another site to the browser: its cookies must be partitioned, and for that secure.
    Without TLS there is only the window, where Lax is enough.
    """
    if is_secure(page_origin):
        return f"{_GUARDED_COOKIE}={secret}; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
    return f"{_PLAIN_COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax"


def pass_in(cookie_header: str) -> str:
    """The pass in a Cookie header, or "". The guarded one wins: the other may have been planted."""
    found = dict(reversed([_pair(part) for part in cookie_header.split(";")]))
    return found.get(_GUARDED_COOKIE) or found.get(_PLAIN_COOKIE, "")


def without_pass(cookie_header: str) -> str:
    """A Cookie header without our cookies: what the learner's server may see."""
    kept = [part.strip() for part in cookie_header.split(";") if _pair(part)[0].lower() not in OUR_COOKIES]
    return "; ".join(part for part in kept if part)


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip(), value.strip()
