"""Speaks with the platform over stdin and stdout, and watches over the children.

From the platform, one line each: `run N JSON`, `answer N JSON`, `cancel N`. To it: `ready`, `ask N JSON`, `done N
JSON`. What a child writes is believed only as far as it is one question at a time, bounded, and one result at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from slipway.checks.examiner_side import preloaded, zygote
from slipway.checks.examiner_side.limits import LONGEST_ASK, MOST_ASKS, MOST_PRINTED, Limits

_LONGEST_ORDER = 24 * 2**20
_CHUNK = 256 * 1024
_OUTCOMES = ("passed", "failed", "broken", "unreachable")


@dataclass
class Run:
    """One child, from its start until its pipe is closed and it has been reaped."""

    number: int
    limits: Limits
    reading: int
    writing: int
    started: float
    thinking_since: float
    thought: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)
    outgoing: bytearray = field(default_factory=bytearray)
    asks: int = 0
    waiting: bool = False
    printed: str = ""
    result: dict[str, str] | None = None
    verdict: str = ""
    """Why the run was ended by us; empty when it was not."""
    closed: bool = False
    exit_code: int | None = None

    def deadline(self) -> float:
        """When this run has had its time."""
        total = self.started + self.limits.total
        return total if self.waiting else min(total, self.thinking_since + self.limits.thinking - self.thought)


class Supervisor:
    """All runs of one session with the platform."""

    def __init__(self, forks: socket.socket) -> None:
        self._forks = forks
        self._runs: dict[int, Run] = {}
        self._orders = bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(0, selectors.EVENT_READ, self._read_orders)
        self._selector.register(forks, selectors.EVENT_READ, self._read_ends)

    def serve(self) -> None:
        """Until the platform closes our stdin."""
        self._say("ready", 0, {})
        while True:
            times = [run.deadline() for run in self._runs.values() if not run.verdict]
            patience = max(0.0, min(times) - time.monotonic()) if times else None
            for key, _ in self._selector.select(patience):
                if key.fileobj in self._selector.get_map() and not key.data():
                    return
            self._enforce_time()

    # The platform

    def _read_orders(self) -> bool:
        data = os.read(0, _CHUNK)
        self._orders += data
        while (end := self._orders.find(b"\n")) >= 0:
            line = bytes(self._orders[:end])
            del self._orders[: end + 1]
            word, _, rest = line.partition(b" ")
            number, _, content = rest.partition(b" ")
            self._obey(word, int(number), content)
        return bool(data) and len(self._orders) <= _LONGEST_ORDER

    def _obey(self, word: bytes, number: int, content: bytes) -> None:
        if word == b"run":
            self._start(number, content)
            return
        run = self._runs.get(number)
        if run is None:
            return  # it ended while the platform was still answering
        if word == b"cancel":
            self._stop(run, "cancelled")
        elif word == b"answer" and run.waiting:
            run.waiting = False
            run.thinking_since = time.monotonic()
            self._send(run, content + b"\n")

    def _say(self, word: str, number: int, content: object) -> None:
        data = f"{word} {number} {json.dumps(content)}\n".encode()
        while data:
            data = data[os.write(1, data) :]

    # Children

    def _start(self, number: int, content: bytes) -> None:
        limits = Limits.read(json.loads(content)["limits"])
        child_reads, writing = os.pipe2(os.O_CLOEXEC)
        reading, child_writes = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(writing, False)
        os.set_blocking(reading, False)
        now = time.monotonic()
        run = self._runs[number] = Run(number, limits, reading, writing, now, now)
        order = f"run {number} {limits.cpu} {limits.memory}".encode()
        socket.send_fds(self._forks, [order], [child_reads, child_writes])
        os.close(child_reads)
        os.close(child_writes)
        self._selector.register(reading, selectors.EVENT_READ, lambda: self._read_child(run))
        self._send(run, content + b"\n")

    def _send(self, run: Run, data: bytes) -> None:
        """Queue bytes for a child; a child that does not read keeps only itself waiting."""
        run.outgoing += data
        self._flush(run)

    def _flush(self, run: Run) -> bool:
        if run.closed:
            return True
        try:
            while run.outgoing:
                del run.outgoing[: os.write(run.writing, run.outgoing[:_CHUNK])]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            run.outgoing.clear()
        registered = run.writing in self._selector.get_map()
        if run.outgoing and not registered:
            self._selector.register(run.writing, selectors.EVENT_WRITE, lambda: self._flush(run))
        elif not run.outgoing and registered:
            self._selector.unregister(run.writing)
        return True

    def _read_child(self, run: Run) -> bool:
        try:
            data = os.read(run.reading, _CHUNK)
        except BlockingIOError:
            return True
        if not data:
            self._close(run)
            return True
        if run.verdict:
            return True  # it is being ended; nothing it says counts any more
        run.buffer += data
        while not run.verdict and (end := run.buffer.find(b"\n")) >= 0:
            line = bytes(run.buffer[:end])
            del run.buffer[: end + 1]
            self._heed(run, line)
        if len(run.buffer) > LONGEST_ASK:
            self._stop(run, "wrote too much into the examiner's pipe")
        return True

    def _heed(self, run: Run, line: bytes) -> None:
        """One line from a child, which may be anything."""
        message = _parsed(line)
        if message is None or run.result is not None or run.waiting:
            self._stop(run, "wrote into the examiner's pipe")
        elif isinstance(message.get("print"), str):
            run.printed = (run.printed + message["print"])[:MOST_PRINTED]
        elif isinstance(message.get("ask"), dict):
            run.asks += 1
            if run.asks > MOST_ASKS:
                self._stop(run, f"asked more than {MOST_ASKS} questions")
                return
            run.thought += time.monotonic() - run.thinking_since
            run.waiting = True
            self._say("ask", run.number, message["ask"])
        elif _is_result(message.get("result")):
            run.result = message["result"]
        else:
            self._stop(run, "wrote into the examiner's pipe")

    def _enforce_time(self) -> None:
        now = time.monotonic()
        for run in list(self._runs.values()):
            if not run.verdict and run.deadline() <= now:
                spent = run.limits.total if run.waiting else run.limits.thinking
                self._stop(run, f"did not finish within {spent:g} seconds")

    def _stop(self, run: Run, verdict: str) -> None:
        run.verdict = run.verdict or verdict
        run.buffer.clear()
        self._forks.send(f"kill {run.number}".encode())

    def _close(self, run: Run) -> None:
        """The child's end of the pipe is closed; its status follows from the zygote."""
        self._selector.unregister(run.reading)
        if run.writing in self._selector.get_map():
            self._selector.unregister(run.writing)
        os.close(run.reading)
        os.close(run.writing)
        run.closed = True
        if run.result is None:
            self._stop(run, "")  # it may have closed the pipe and lived on
        self._finish(run)

    def _read_ends(self) -> bool:
        packet = self._forks.recv(256)
        words = packet.decode("ascii").split()
        if not words:
            return False
        run = self._runs.get(int(words[1]))
        if run is not None:
            run.exit_code = 255 if words[2] == "no-fork" else int(words[2])
            if words[2] == "no-fork":
                run.verdict = "could not be started"
            self._finish(run)
        return True

    def _finish(self, run: Run) -> None:
        if not run.closed or run.exit_code is None:
            return
        del self._runs[run.number]
        reason = run.verdict or _reason(run.exit_code, run.limits)
        result = run.result if run.result is not None and not run.verdict and run.exit_code == 0 else None
        self._say("done", run.number, {"result": result, "reason": reason, "printed": run.printed})


def _parsed(line: bytes) -> dict[str, Any] | None:
    # Any: what a child wrote; each use looks at the type.
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and len(message) == 1 else None


def _is_result(result: object) -> bool:
    keys = {"outcome", "expected", "observed", "hint", "detail"}
    return (
        isinstance(result, dict)
        and result.keys() == keys
        and all(isinstance(value, str) for value in result.values())
        and result["outcome"] in _OUTCOMES
    )


def _reason(exit_code: int, limits: Limits) -> str:
    if exit_code == -signal.SIGXCPU:
        return f"used {limits.cpu} seconds of processor time"
    if exit_code == -signal.SIGKILL:
        return f"was ended, most likely for using more than its {limits.memory // 2**20} MiB of memory"
    if exit_code < 0:
        return f"crashed with signal {-exit_code}"
    return f"ended its process (exit status {exit_code}) before it gave a result"


def main() -> None:
    """Split into supervisor and zygote, and serve."""
    preloaded.load()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        with contextlib.suppress(OSError):
            zygote.main(theirs)
        os._exit(0)
    theirs.close()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        Supervisor(ours).serve()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"examiner: {error!r}\n")
    finally:
        ours.close()
        os.waitpid(pid, 0)
