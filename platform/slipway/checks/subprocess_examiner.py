"""An examiner without an engine: the same examiner-side program as a process of this machine.

For unit tests, and for authors who try their checks without an engine.
"""

from __future__ import annotations

import asyncio
import sys

from slipway.checks.examiner import Ask, Job, Verdict
from slipway.checks.program import payload, supervisor_arguments
from slipway.checks.session import Sessions
from slipway.core.errors import EngineError

_CHUNK = 2**16


class SubprocessExaminer:
    """Runs checks in processes of this machine: with limits of time, memory, processes and files, and as users of their
    own when started by root.

    What it does not isolate, and the container does: the network (a check can open sockets once it gets around a Python
    audit hook), reading of world-readable files, system calls, and, when not started by root, other processes of the
    same user. Never use it for checks of people whom you would not give a shell.
    """

    def __init__(self, *, at_once: int = 12) -> None:
        self._sessions = Sessions(at_once=at_once)

    async def examine(self, job: Job, ask: Ask) -> Verdict:
        """One look, as in the contract."""
        return await self._sessions.examine(job, ask, _start)

    async def close(self) -> None:
        """End the program."""
        await self._sessions.close()


async def _start() -> _ProcessStreams:
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *supervisor_arguments(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={},
            cwd="/",
        )
    except OSError as error:
        raise EngineError("examiner-lost", "The checks could not be run just now.", detail=repr(error)) from error
    streams = _ProcessStreams(process)
    await streams.write(payload())
    return streams


class _ProcessStreams:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def read(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        return await self._process.stdout.read(_CHUNK)

    async def write(self, data: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except OSError as error:
            raise EngineError("examiner-lost", "The checks could not be run just now.", detail=repr(error)) from error

    async def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
