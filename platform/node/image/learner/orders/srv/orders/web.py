"""The web front: shows how the desk is doing and which task on which node answered, and takes orders.

Each answer closes its connection, so that the next one may go to another task. On SIGTERM it goes on answering for a
moment, because news of its end takes time to reach every node; then it finishes what is under way and ends.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from dataclasses import asdict, dataclass
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

import redis

from orders.desk import Desk, Figures

_PORT = 8000
_DRAIN = 2.0  # seconds
_PAGE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Identity:
    """Who answers: the task and node that Swarm has told us, the container's own name, the version of the image."""

    task: str
    node: str
    container: str
    version: str

    @classmethod
    def from_environment(cls) -> Identity:
        """As the container was started; without Swarm the task is the container."""
        name = socket.gethostname()
        given = os.environ.get
        return cls(given("TASK", "") or name, given("NODE", "") or "unknown", name, given("VERSION", "1"))


def render_page(identity: Identity, figures: Figures) -> str:
    """The page as HTML."""
    rows = "".join(
        f"<tr><td>{escape(task)}</td><td>{count}</td></tr>" for task, count in sorted(figures.answers.items())
    )
    words = {key: escape(str(value)) for key, value in {**asdict(identity), **asdict(figures)}.items()}
    return _PAGE.substitute({**words, "rows": rows})


class Front(ThreadingHTTPServer):
    """The server: one thread a request, all of which it waits for at its end."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], desk: Desk, identity: Identity) -> None:
        super().__init__(address, _Answer)
        self.desk = desk
        self.identity = identity

    def end_soon(self, drain: float) -> None:
        """Answer for that many seconds more, then let `serve_forever` return; comes back at once."""

        def end() -> None:
            time.sleep(drain)
            self.shutdown()

        threading.Thread(target=end, daemon=True).start()


class _Answer(BaseHTTPRequestHandler):
    server: Front
    timeout = 5  # seconds that a visitor may take to say what they want

    def do_GET(self) -> None:
        desk, identity = self.server.desk, self.server.identity
        try:
            match self.path.partition("?")[0]:
                case "/":
                    desk.count_visit(identity.task)
                    self._send(HTTPStatus.OK, render_page(identity, desk.figures()), "text/html")
                case "/figures":
                    said = {**asdict(identity), **asdict(desk.figures())}
                    self._send(HTTPStatus.OK, json.dumps(said) + "\n", "application/json")
                case "/who":
                    self._send(HTTPStatus.OK, f"{identity.task} on {identity.node}, version {identity.version}\n")
                case "/health":
                    self._send(HTTPStatus.OK, "well\n")
                case _:
                    self._send(HTTPStatus.NOT_FOUND, "There is no such page.\n")
        except redis.exceptions.RedisError:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "The store does not answer.\n")

    def do_POST(self) -> None:
        if self.path != "/orders":
            self._send(HTTPStatus.NOT_FOUND, "There is no such page.\n")
            return
        try:
            number = self.server.desk.place()
        except redis.exceptions.RedisError:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "The store does not answer: your order was not taken.\n")
            return
        if "text/html" in self.headers.get("Accept", ""):
            self._send(HTTPStatus.SEE_OTHER, "", location="./")  # a browser: back to the page
        else:
            identity = self.server.identity
            self._send(HTTPStatus.CREATED, f"Order {number} was taken by {identity.task} on {identity.node}.\n")

    def _send(self, status: HTTPStatus, text: str, kind: str = "text/plain", *, location: str = "") -> None:
        body = text.encode()
        identity = self.server.identity
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Answered-By", f"{identity.task} {identity.node}")
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        if self.path != "/health":
            print(f"{self.address_string()} {format % args}")


def main() -> None:
    """Serve until SIGTERM."""
    identity = Identity.from_environment()
    front = Front(("", _PORT), Desk.at(os.environ.get("STORE", "store")), identity)
    drain = float(os.environ.get("DRAIN_SECONDS", _DRAIN))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: front.end_soon(drain))
    print(f"{identity.task} on {identity.node} answers on port {_PORT}, version {identity.version}")
    front.serve_forever(poll_interval=0.1)
    front.server_close()  # waits for the answers under way
    print(f"{identity.task} has answered everybody")


if __name__ == "__main__":
    main()
