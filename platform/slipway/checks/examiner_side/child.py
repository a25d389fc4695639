"""One check in one process: reads its job from a pipe, runs the author's function, writes one result.

Whatever the author's code does ends in a line of JSON here, or in the supervisor noticing that there is none.
"""

from __future__ import annotations

import io
import json
import linecache
import os
import sys
import traceback
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from slipway.checks.authoring.answers import JSON
from slipway.checks.authoring.asking import Refused, Unreachable
from slipway.checks.authoring.declaring import MARK
from slipway.checks.authoring.expectations import Journal, NotAsExpected
from slipway.checks.authoring.lab import Lab
from slipway.checks.examiner_side.limits import LONGEST_ASK, MOST_PRINTED

_LONGEST_DETAIL = 4096
_LONGEST_SENTENCE = 1000


class Pipe:
    """The child's two pipes: lines of JSON to the supervisor, and its answers."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._reader = os.fdopen(incoming, "rb")
        self._outgoing = outgoing

    def read(self) -> Any:
        """The next line as JSON; the supervisor wrote it."""
        line = self._reader.readline()
        if not line:
            os._exit(3)
        return json.loads(line)

    def write(self, message: Mapping[str, object]) -> None:
        """Send one line, whole."""
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._outgoing, data) :]

    def ask(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON:
        """Put a question to a node and wait for the answer; as `Asker` says."""
        question = {"node": node, "op": op, "params": params}
        if len(json.dumps(question)) > LONGEST_ASK - 100:
            raise ValueError(f"A question may have {LONGEST_ASK} bytes.")
        self.write({"ask": question})
        answer = self.read()
        if "refused" in answer:
            raise Refused(answer["refused"]["code"], answer["refused"]["message"])
        if "unreachable" in answer:
            raise Unreachable(answer["unreachable"])
        result: JSON = answer["result"]
        return result


class Printer(io.TextIOBase):
    """Where print goes: the first 4 KiB reach the instructor, the rest is dropped without waiting for anyone."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe
        self._left = MOST_PRINTED

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Pass on what still fits."""
        if self._left > 0 and text:
            part = text[: self._left]
            self._left -= len(part)
            self._pipe.write({"print": part})
        return len(text)


def main(incoming: int, outgoing: int) -> None:
    """Run the one job that comes through the pipe."""
    pipe = Pipe(incoming, outgoing)
    job = pipe.read()
    sys.stdout = sys.stderr = Printer(pipe)
    result = _examined(job, pipe)
    pipe.write({"result": result})


def _examined(job: Mapping[str, Any], pipe: Pipe) -> dict[str, str]:
    file, source = job["file"], job["source"]
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = ModuleType("checks")
    module.__file__ = file
    sys.modules["checks"] = module
    lab = Lab(pipe, nodes=job["nodes"], parameters=job["parameters"])
    try:
        exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102 - what this process is for
        function = getattr(module, job["check"], None)
        if function is None or not hasattr(function, MARK):
            return _result("broken", detail=f"{file}: there is no check {job['check']} any more")
        function(lab)
    except NotAsExpected as finding:
        return _result("failed", expected=finding.expected, observed=finding.observed, hint=finding.hint)
    except Unreachable:
        return _result("unreachable")
    except BaseException as error:  # noqa: BLE001 - an author's code may raise anything, sys.exit included
        return _result("broken", detail=_told(error, file))
    return _result("passed", expected=Journal.last.expected, observed=Journal.last.observed)


def _result(
    outcome: str, *, expected: str = "", observed: str = "", hint: str = "", detail: str = ""
) -> dict[str, str]:
    texts = {"expected": expected, "observed": observed, "hint": hint}
    return {
        "outcome": outcome,
        **{key: str(text)[:_LONGEST_SENTENCE] for key, text in texts.items()},
        "detail": detail[:_LONGEST_DETAIL],
    }


def _told(error: BaseException, file: str) -> str:
    """`file:line: what`, then the traceback from the author's first line on."""
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [line for frame, line in frames if frame.f_code.co_filename == file]
    if isinstance(error, SyntaxError) and error.filename == file:
        own = [error.lineno or 0]
    tail = error.__traceback__
    while tail is not None and tail.tb_frame.f_code.co_filename != file and tail.tb_next is not None:
        tail = tail.tb_next
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    place = f"{file}:{own[-1]}" if own else file
    story = "".join(traceback.format_exception(type(error), error, tail, limit=-8, chain=False))
    return f"{place}: {what[:500]}\n\n{story}"
