"""What passes in the headers between a browser and a learner's server, and what does not.

The server sees a request as from the node itself (`localhost:PORT`), never our cookie. The browser sees the answer as
from the preview's origin, which only the platform may frame; what would reach beyond that origin is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from slipway.previews.access import Visit
from slipway.previews.addresses import OUR_COOKIES, is_secure, preview_origin, without_pass

Headers = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding"
    b" upgrade http2-settings".split()
)
# Made anew here, or nobody's business beyond us.
_NOT_TO_SERVER = _HOP_BY_HOP | frozenset(
    b"host cookie origin referer expect content-length forwarded x-real-ip x-forwarded-for x-forwarded-host"
    b" x-forwarded-port x-forwarded-proto x-forwarded-server".split()
)
# Policies about more than this origin and this answer; who may frame is decided below; the web process sets the Date.
_NOT_TO_BROWSER = _HOP_BY_HOP | frozenset(
    b"strict-transport-security public-key-pins clear-site-data alt-svc nel report-to x-frame-options date"
    b" content-security-policy set-cookie location".split()
)
_LOOPBACK_SERVERS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - compared with, not bound to
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Translation:
    """The two sides of one preview, and how what one says is put for the other."""

    node: str
    port: int
    origin: str
    """The preview's origin, as the browser has it."""
    page_origin: str
    """The platform's origin, whose lab page may frame the preview."""

    @classmethod
    def of(cls, visit: Visit) -> Translation:
        """As this visit needs it."""
        page = visit.entry.origin
        return cls(visit.target.node, visit.target.port, preview_origin(page, visit.entry.label), page)

    @property
    def words(self) -> dict[str, object]:
        """What a problem's sentence may name."""
        return {"node": self.node, "port": self.port}

    @property
    def server(self) -> str:
        """The host that the learner's server is asked for."""
        return f"localhost:{self.port}" if self.port != 80 else "localhost"

    def to_server(self, headers: Iterable[tuple[bytes, bytes]], *, client: str, skip: frozenset[bytes]) -> Headers:
        """The headers of a request for the learner's server; `skip` names further ones to leave out."""
        headers = list(headers)
        dropped = _NOT_TO_SERVER | skip | _named_by_connection(headers)
        parts = urlsplit(self.origin)
        passed = [(b"host", self.server.encode()), *((name, value) for name, value in headers if name not in dropped)]
        cookies = [without_pass(value.decode("latin-1")) for name, value in headers if name == b"cookie"]
        for name, value in headers:
            if name in {b"origin", b"referer"}:
                passed.append((name, self._as_server(value.decode("latin-1")).encode("latin-1")))
        added = {
            "cookie": "; ".join(cookie for cookie in cookies if cookie),
            "x-forwarded-for": client,
            "x-forwarded-host": parts.netloc,
            "x-forwarded-proto": parts.scheme,
        }
        return [*passed, *((name.encode(), value.encode("latin-1")) for name, value in added.items() if value)]

    def to_browser(self, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
        """The headers of an answer for the browser."""
        headers = [(name.lower(), value) for name, value in headers]
        dropped = _NOT_TO_BROWSER | _named_by_connection(headers)
        passed = [(name, value) for name, value in headers if name not in dropped]
        for name, value in headers:
            text = value.decode("latin-1")
            if name == b"location":
                passed.append((name, self.location(text).encode("latin-1")))
            elif name == b"set-cookie" and (cookie := self.cookie(text)):
                passed.append((name, cookie.encode("latin-1")))
            elif name == b"content-security-policy" and (policy := _without_ancestors(text)):
                passed.append((name, policy.encode("latin-1")))
        return [*passed, (b"content-security-policy", f"frame-ancestors 'self' {self.page_origin}".encode())]

    def location(self, target: str) -> str:
        """A redirect's target: what the server calls itself becomes the preview's origin; any other stays."""
        try:
            parts = urlsplit(target.strip())
            port = parts.port
        except ValueError:
            return target
        scheme = parts.scheme or "http"
        own = parts.hostname in _LOOPBACK_SERVERS | {self.node} and scheme in _DEFAULT_PORTS
        if not own or (port or _DEFAULT_PORTS[scheme]) != self.port:
            return target
        rest = parts._replace(scheme="", netloc="").geturl()
        # "//elsewhere" after the host is a path; on its own it would name a host.
        return self.origin + (rest if rest.startswith("/") else f"/{rest}")

    def cookie(self, value: str) -> str:
        """A cookie of the server's that stays on its origin and works beside the guide; "" for one named like ours."""
        first, *attributes = (part.strip() for part in value.split(";"))
        if first.partition("=")[0].strip().lower() in OUR_COOKIES:
            return ""
        replaced = {"domain"}
        added: list[str] = []
        if is_secure(self.page_origin):
            # A frame of another site gets cookies only so.
            replaced |= {"secure", "samesite", "partitioned"}
            added = ["Secure", "SameSite=None", "Partitioned"]
        kept = [part for part in attributes if part and part.partition("=")[0].strip().lower() not in replaced]
        return "; ".join([first, *kept, *added])

    def _as_server(self, value: str) -> str:
        """An Origin or Referer as if the page had been had from the server itself."""
        own = value == self.origin or value.startswith(f"{self.origin}/")
        return f"http://{self.server}{value.removeprefix(self.origin)}" if own else value


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """Headers that a Connection header declares to be between two neighbours only."""
    values = (value for name, value in headers if name == b"connection")
    return frozenset(word.strip().lower() for value in values for word in value.split(b","))


def _without_ancestors(value: str) -> str:
    """Content security policies without their word on who may frame, which would shut out the lab page."""

    def concerns_framing(directive: str) -> bool:
        return directive.split(None, 1)[0].lower() == "frame-ancestors"

    policies = []
    for policy in value.split(","):
        directives = [directive.strip() for directive in policy.split(";") if directive.strip()]
        policies.append("; ".join(directive for directive in directives if not concerns_framing(directive)))
    return ", ".join(policy for policy in policies if policy)
