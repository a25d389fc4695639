"""The platform's end of one session with the examiner-side program: many runs at once over one pair of streams.

The session carries a check's questions to the one sandbox under examination. It believes nothing from the other side
beyond that run: every line is bounded, parsed, and either a permitted question or an end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from typing import Protocol

from slipway.checks.examiner import Ask, Job, Verdict
from slipway.checks.examiner_side.limits import MOST_ASKS
from slipway.checks.questions import BadQuestion, permitted
from slipway.checks.results import Outcome
from slipway.core.errors import EngineError
from slipway.core.json import JSON, as_mapping, as_text
from slipway.core.logs import get_logger
from slipway.sandboxes.nodes import NodeRefusal

_log = get_logger(__name__)

_LONGEST_LINE = 256 * 1024
_LONGEST_ANSWER = 6 * 2**20
_GRACE = 10.0  # seconds beyond a run's own limit before the session counts as dead

Message = tuple[str, Mapping[str, JSON]]


class Streams(Protocol):
    """Bytes to and from the program."""

    async def read(self) -> bytes:
        """The next bytes; empty at the end. Raises `EngineError`."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises `EngineError`."""
        ...

    async def close(self) -> None:
        """End the program; never raises."""
        ...


def _lost(detail: str) -> EngineError:
    return EngineError("examiner-lost", "The checks could not be run just now. Nothing was counted.", detail=detail)


class Session:
    """One running examiner-side program."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._numbers = itertools.count(1)
        self._runs: dict[int, asyncio.Queue[Message | EngineError]] = {}
        self._writing = asyncio.Lock()
        self._failure: EngineError | None = None
        self._reader = asyncio.create_task(self._read())

    @property
    def is_dead(self) -> bool:
        """Whether nothing can be run in it any more."""
        return self._failure is not None

    async def examine(self, job: Job, ask: Ask) -> Verdict:
        """Run one check. Raises `EngineError` when the session breaks."""
        if self._failure:
            raise self._failure
        number = next(self._numbers)
        messages = self._runs[number] = asyncio.Queue()
        try:
            async with asyncio.timeout(job.limits.total + _GRACE):
                await self._send("run", number, job.as_json())
                return await _Run(number, job, ask, self).follow(messages)
        except TimeoutError:
            self._fail(_lost("the examiner does not answer"))
            raise _lost("the examiner does not answer") from None
        except BaseException:
            # Cancelled, or the session broke: the child must not run on.
            if not self._failure:
                await asyncio.shield(self._send("cancel", number, {}))
            raise
        finally:
            del self._runs[number]

    async def close(self) -> None:
        """End the program and whatever runs in it."""
        self._fail(_lost("the session was closed"))
        self._reader.cancel()
        await self._streams.close()

    async def answer(self, number: int, content: str) -> None:
        """Send a ready-made JSON answer to a run."""
        await self._write(f"answer {number} {content}\n")

    async def _send(self, word: str, number: int, content: Mapping[str, JSON]) -> None:
        await self._write(f"{word} {number} {json.dumps(content)}\n")

    async def _write(self, line: str) -> None:
        async with self._writing:
            await self._streams.write(line.encode())

    async def _read(self) -> None:
        buffer = bytearray()
        try:
            while data := await self._streams.read():
                buffer += data
                while (end := buffer.find(b"\n")) >= 0:
                    line = bytes(buffer[:end])
                    del buffer[: end + 1]
                    self._deliver(line)
                if len(buffer) > _LONGEST_LINE:
                    break
            self._fail(_lost("the examiner ended" if not buffer else "the examiner wrote an endless line"))
        except EngineError as error:
            self._fail(error)
        except ValueError as error:
            self._fail(_lost(f"the examiner wrote nonsense: {error}"))

    def _deliver(self, line: bytes) -> None:
        word, number, content = line.split(b" ", 2)
        messages = self._runs.get(int(number))
        if messages is not None:
            messages.put_nowait((word.decode("ascii"), as_mapping(json.loads(content))))

    def _fail(self, error: EngineError) -> None:
        self._failure = self._failure or error
        for messages in self._runs.values():
            messages.put_nowait(error)


class _Run:
    """One check under way, from the platform's side."""

    def __init__(self, number: int, job: Job, ask: Ask, session: Session) -> None:
        self._number = number
        self._job = job
        self._ask = ask
        self._session = session
        self._asks = 0
        self._unreachable = ""
        self._complaint = ""

    async def follow(self, messages: asyncio.Queue[Message | EngineError]) -> Verdict:
        """Answer questions until the run is done."""
        while True:
            message = await messages.get()
            if isinstance(message, EngineError):
                raise message
            word, content = message
            if word == "ask":
                await self._session.answer(self._number, json.dumps(await self._answer(content)))
            elif word == "done":
                return self._verdict(content)

    async def _answer(self, asked: Mapping[str, JSON]) -> dict[str, JSON]:
        self._asks += 1
        try:
            if self._asks > MOST_ASKS:
                raise BadQuestion(f"a check may ask {MOST_ASKS} questions")
            question = permitted(asked, self._job.nodes)
            result = await self._ask(question.node, question.op, question.params, question.timeout)
        except BadQuestion as error:
            self._complaint = str(error)
            return {"refused": {"code": "bad-request", "message": str(error)}}
        except NodeRefusal as refusal:
            return {"refused": {"code": refusal.code[:40], "message": refusal.message[:500]}}
        except EngineError as error:
            self._unreachable = error.sentence
            _log.info("node not reached during a check", check=self._job.check, detail=error.detail)
            return {"unreachable": error.sentence}
        if len(json.dumps(result)) > _LONGEST_ANSWER:
            return {"refused": {"code": "failed", "message": "The answer is too long to read."}}
        return {"result": result}

    def _verdict(self, content: Mapping[str, JSON]) -> Verdict:
        result = as_mapping(content.get("result"))
        printed = as_text(content.get("printed"))
        if not result:
            # A child that died has no line of its own to point at; its function has.
            reason = as_text(content.get("reason"), limit=300)
            return Verdict(Outcome.BROKEN, detail=_with_output(f"{self._place()}: the check {reason}", printed))
        outcome = Outcome(as_text(result.get("outcome")))
        detail = as_text(result.get("detail"))
        if outcome is Outcome.UNREACHABLE and not self._unreachable:
            return Verdict(Outcome.BROKEN, detail=f"{self._place()}: the check says that a node did not answer; it did")
        if self._complaint and outcome is not Outcome.BROKEN:
            outcome, detail = Outcome.BROKEN, f"{self._place()}: {self._complaint}"
        return Verdict(
            outcome=outcome,
            expected=as_text(result.get("expected"), limit=1000),
            observed=as_text(result.get("observed"), limit=1000),
            hint=as_text(result.get("hint"), limit=1000),
            detail=_with_output(detail, printed),
        )

    def _place(self) -> str:
        lines = self._job.source.split("\n")
        found = (i for i, line in enumerate(lines, start=1) if line.startswith(f"def {self._job.check}("))
        return f"{self._job.file}:{next(found, 0)}"


def _with_output(detail: str, printed: str) -> str:
    return f"{detail}\n\nIt printed:\n{printed}".strip() if printed else detail


class Sessions:
    """One session kept open, opened again when it has died; a semaphore bounds how many checks run at once."""

    def __init__(self, *, at_once: int) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._session: Session | None = None
        self._opening = asyncio.Lock()

    async def examine(self, job: Job, ask: Ask, opener: Opener) -> Verdict:
        """Run one check in the open session. Raises `EngineError`."""
        async with self._places:
            session = await self._open(opener)
            return await session.examine(job, ask)

    async def close(self) -> None:
        """Close the session."""
        session, self._session = self._session, None
        if session:
            await session.close()

    async def _open(self, opener: Opener) -> Session:
        async with self._opening:
            if self._session is None or self._session.is_dead:
                await self.close()
                self._session = Session(await opener())
            return self._session


class Opener(Protocol):
    """Starts the examiner-side program."""

    async def __call__(self) -> Streams:
        """Its streams. Raises `EngineError`."""
        ...
