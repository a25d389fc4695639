"""Which names belong to previews: every preview is an origin of its own, `LABEL.HOST`, and the platform is none.

Browsers keep origins apart by name, not by port: a preview is never served under the platform's own name.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings

# Browsers resolve every name below localhost to this machine, and treat each as a site of its own.
LOOPBACK = "localhost"
_LOOPBACK_NAMES = frozenset({LOOPBACK, "127.0.0.1", "::1"})
_LABEL = re.compile(r"[a-z2-7]{32}")
NO_LABEL = "-"


def new_label() -> str:
    """160 random bits as a part of a host name: nobody finds a preview by guessing."""
    return base64.b32encode(secrets.token_bytes(20)).decode().lower()


def host_name(host: str) -> str:
    """The name in a Host header or an origin's host, without its port; "" when it makes no sense."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_loopback(name: str) -> bool:
    """Whether browsers trust this name without TLS, because it is their own machine."""
    return name in _LOOPBACK_NAMES or name.endswith(f".{LOOPBACK}")


def host_of_previews(page_host: str) -> str:
    """Below which name the previews of a page live that was reached at this host; "" when there is none for it."""
    name = host_name(page_host)
    return LOOPBACK if name in _LOOPBACK_NAMES else str(settings.SLIPWAY_PREVIEW_HOST)


def label_of(host: str) -> str | None:
    """The label in a Host header; `NO_LABEL` for a name of previews without a valid one; None for other names."""
    label, _, parent = host_name(host).partition(".")
    if parent == LOOPBACK:
        return label if _LABEL.fullmatch(label) else None
    configured = str(settings.SLIPWAY_PREVIEW_HOST)
    if not configured or not f".{label}.{parent}".endswith(f".{configured}"):
        return None
    return label if parent == configured and _LABEL.fullmatch(label) else NO_LABEL


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """The value of a header, or ""; of several the first."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def is_preview_origin(origin: str) -> bool:
    """Whether an Origin header names a preview."""
    try:
        return label_of(urlsplit(origin).netloc) is not None
    except ValueError:
        return False
