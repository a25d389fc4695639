"""Previews against a live installation: a server of a learner's behind a port, and requests on the preview's origin."""

from __future__ import annotations

import base64
import gzip
import http.client
import re
from urllib.parse import urlsplit

from slipway.core.ids import SandboxId
from tests.browsing import Visitor
from tests.live import ROOT, LivePlatform
from tests.terminal import LiveTerminal

SERVER = (ROOT / "tests" / "fixtures" / "previews" / "server.py").read_bytes()


async def start_servers(platform: LivePlatform, visitor: Visitor, sandbox: SandboxId) -> None:
    """As a learner does it: nginx on port 8080 of node1, the fixture's server on port 8090."""
    source = base64.b64encode(gzip.compress(SERVER)).decode()
    pieces = [source[start : start + 800] for start in range(0, len(source), 800)]
    async with LiveTerminal(platform, visitor, sandbox, "node1") as terminal:
        await terminal.type("docker run -d -p 8080:80 nginx && echo nginx-$((1+1))\r")
        await terminal.read_until("nginx-2", seconds=90)
        for number, piece in enumerate(pieces):
            await terminal.type(f"echo {piece} >>/root/server.b64; echo piece-{number}-$((1+1))\r")
            await terminal.read_until(f"piece-{number}-2")
        await terminal.type("base64 -d /root/server.b64 | gzip -d >/root/server.py\r")
        await terminal.type(
            "docker run -d -p 8090:8090 -v /root/server.py:/server.py python python3 /server.py && echo app-$((1+1))\r"
        )
        await terminal.read_until("app-2", seconds=90)


class Looking:
    """A preview as a browser has it open: its origin and the cookie."""

    def __init__(self, platform: LivePlatform, url: str) -> None:
        self._port = platform.port
        self.host = urlsplit(url).netloc
        self.cookie = ""
        parts = urlsplit(url)
        answer = self.ask(f"{parts.path}?{parts.query}")
        self.status = answer.status
        found = re.match(r"[^;]+", answer.headers.get("set-cookie", ""))
        self.cookie = found[0] if found else ""

    @classmethod
    def at(cls, platform: LivePlatform, visitor: Visitor, attempt: str, node: str, port: int) -> Looking:
        """Open a port as the lab page does."""
        answer = visitor.post(f"/attempts/{attempt}/preview", {"node": node, "port": port})
        assert answer.status == 200, answer
        return cls(platform, str(answer.json()["url"]))

    def begin(
        self, path: str, *, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Ask, and return as soon as the answer begins."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        sent = {"Host": self.host, **({"Cookie": self.cookie} if self.cookie else {}), **(headers or {})}
        connection.request(method, path, body=body, headers=sent)
        return connection.getresponse()

    def ask(self, path: str, *, method: str = "GET", body: bytes | None = None) -> Seen:
        """Ask, and read the whole answer."""
        response = self.begin(path, method=method, body=body)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Seen(response.status, headers, response.read().decode(errors="replace"))


class Seen:
    """A whole answer."""

    def __init__(self, status: int, headers: dict[str, str], body: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body
