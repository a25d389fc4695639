"""The load generator: it visits as often as it was told, and tells who answered and who did not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import load
import pytest
from load import Visit, main, percentile, summary


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/broken" else 200)
        self.send_header("X-Answered-By", "web.1 node2")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[str]:
    """The address of a page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join(5)
    server.server_close()


def test_it_visits_as_often_as_it_was_told_and_says_who_answered(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load.signal, "signal", lambda *_: None)
    assert main([page, "--seconds", "0.5", "--rate", "20"]) == 0
    said = capsys.readouterr().out
    assert "web.1                       node2            10" in said
    assert "10 of 10 answered, 0 failed" in said


def test_visits_that_fail_are_told_with_their_reasons(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load.signal, "signal", lambda *_: None)
    assert main([f"{page}/broken", "--seconds", "0.2", "--rate", "10"]) == 1
    assert "failed    2 times: status 503" in capsys.readouterr().out
    assert main(["http://127.0.0.1:1/", "--seconds", "0.2", "--rate", "10"]) == 1
    assert "Connection refused" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["ftp://x/"], ["http://x/", "--seconds", "900"], ["http://x/", "--clients", "0"]])
def test_what_is_beyond_its_bounds_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(words)


def test_percentiles_are_those_of_the_answered() -> None:
    assert (percentile([], 0.99), percentile([0.3], 0.5)) == (0.0, 0.3)
    assert percentile([n / 1000 for n in range(1, 101)], 0.99) == 0.099
    assert "1 of 2 answered" in summary([Visit("a", "b", 0.1), Visit("", "", 3.0, "timed out")])


def test_long_names_stay_apart_from_their_nodes() -> None:
    name = "silver-heron-78ff466769-7vqmz-and-more"
    assert f"{name}  worker1 " in summary([Visit(name, "worker1", 0.1)])
