"""Visits a page again and again for a while, and says who answered, how quickly, and how often nobody did.

Bounded in time, in clients and in number. Every visit is a connection of its own. Ends with status 1 when a visit
failed.
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

_MOST_SECONDS = 120
_MOST_CLIENTS = 16
_MOST_RATE = 200
_TIMEOUT = 3.0  # seconds for one visit
_EVERY = 2.0  # seconds between two lines of progress


@dataclass(frozen=True)
class Visit:
    """One visit: who answered, where, and after how many seconds; `error` says why when nobody did."""

    task: str
    node: str
    seconds: float
    error: str = ""


def visit(url: str) -> Visit:
    """Ask for the page once."""
    parts = urlsplit(url)
    began = time.monotonic()
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_TIMEOUT)
    try:
        connection.request("GET", parts.path or "/", headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read(2**20)
        task, _, node = (answer.headers.get("X-Answered-By") or "somebody unnamed").partition(" ")
        error = "" if answer.status < 400 else f"status {answer.status}"
    except (OSError, HTTPException) as failure:
        task, node, error = "", "", str(failure) or type(failure).__name__
    finally:
        connection.close()
    return Visit(task[:60], node[:60], time.monotonic() - began, error[:80])


def percentile(seconds: Sequence[float], part: float) -> float:
    """The time within which this part of the visits was answered (0.99: all but one in a hundred); 0 for none."""
    ordered = sorted(seconds)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else 0.0


def progress(at: float, visits: Sequence[Visit]) -> str:
    """One line about the visits since the last one."""
    answered = Counter(one.task for one in visits if not one.error)
    failed = sum(1 for one in visits if one.error)
    words = [f"{task} {count}" for task, count in sorted(answered.items())]
    return "   ".join([f"{at:4.0f} s", *words, *([f"FAILED {failed}"] if failed else [])])


def summary(visits: Sequence[Visit]) -> str:
    """What is said at the end."""
    answered = [one for one in visits if not one.error]
    width = 2 + max([26, *(len(one.task) for one in answered)])
    lines = [f"{'answered by':<{width}}{'on':<12}answers"]
    places = Counter((one.task, one.node) for one in answered)
    lines += [f"{task:<{width}}{node:<12}{count:>7}" for (task, node), count in sorted(places.items())]
    reasons = Counter(one.error for one in visits if one.error)
    lines += [f"failed {count:>4} times: {reason}" for reason, count in reasons.most_common(5)]
    times = [one.seconds for one in answered]
    lines.append(
        f"{len(answered)} of {len(visits)} answered, {len(visits) - len(answered)} failed; "
        f"half within {1000 * percentile(times, 0.5):.0f} ms, 99 in 100 within {1000 * percentile(times, 0.99):.0f} ms"
    )
    return "\n".join(lines)


class Load:
    """Some clients that share a rate: visit number N begins N/rate seconds after the start, or as soon as it can."""

    def __init__(self, url: str, *, seconds: float, rate: float) -> None:
        self._url = url
        self._rate = rate
        self._most = round(seconds * rate)
        self._begun = 0
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._end = self._start + seconds
        self.stopping = threading.Event()
        self.visits: list[Visit] = []

    def run(self, clients: int) -> None:
        """Visit until the time is over; prints a line every other second."""
        threads = [threading.Thread(target=self._client, daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        told = 0
        while any(thread.is_alive() for thread in threads):
            _join(threads, _EVERY)
            known = len(self.visits)
            print(progress(time.monotonic() - self._start, self.visits[told:known]))
            told = known

    def _client(self) -> None:
        while not self.stopping.is_set():
            with self._lock:
                number, self._begun = self._begun, self._begun + 1
            due = self._start + number / self._rate
            if number >= self._most or due >= self._end or self.stopping.wait(max(0.0, due - time.monotonic())):
                return
            if time.monotonic() >= self._end:
                return
            self.visits.append(visit(self._url))


def _join(threads: Sequence[threading.Thread], seconds: float) -> None:
    """Wait until all have ended, at most that long."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="load", description="Visits a page for a while and says who answered.")
    parser.add_argument("url", help="http://node1:8080/")
    parser.add_argument("--seconds", type=float, default=20, help=f"how long, at most {_MOST_SECONDS} (20)")
    parser.add_argument("--rate", type=float, default=20, help=f"visits a second, at most {_MOST_RATE} (20)")
    parser.add_argument("--clients", type=int, default=4, help=f"how many at once, at most {_MOST_CLIENTS} (4)")
    found = parser.parse_args(words)
    if not found.url.startswith("http://"):
        parser.error("the address begins with http://")
    if not (0 < found.seconds <= _MOST_SECONDS and 0 < found.rate <= _MOST_RATE and 0 < found.clients <= _MOST_CLIENTS):
        parser.error(f"at most {_MOST_SECONDS} seconds, {_MOST_RATE} visits a second and {_MOST_CLIENTS} clients")
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Run the load; the exit status."""
    found = _arguments(words)
    load = Load(found.url, seconds=found.seconds, rate=found.rate)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: load.stopping.set())
    load.run(found.clients)
    print(summary(load.visits))
    return 0 if load.visits and not any(one.error for one in load.visits) else 1


if __name__ == "__main__":
    sys.exit(main())
