"""Records a lesson: boots a real sandbox, types a script into its shells, and keeps what the terminal and the picture
told, with their times.

Nothing shown is made up: bytes and pictures are what nodes said. Only time is edited: gaps in which nothing happened
are shortened, and captions get the time that reading them takes.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from channels.layers import get_channel_layer

from slipway.clusters.follower import Follower
from slipway.core.errors import AuthorError, EngineError
from slipway.core.events import sandbox_group
from slipway.core.ids import SandboxId
from slipway.core.json import JSON, as_int, as_mapping, as_text
from slipway.exercises.casts import CHAPTER, plain
from slipway.exercises.exercise import Solution
from slipway.exercises.mistakes import BrokenExercise, Mistakes
from slipway.exercises.placing import placed_on_nodes
from slipway.exercises.recording_script import Act, Script
from slipway.exercises.schema import validate
from slipway.exercises.selftest import ready_sandbox
from slipway.exercises.solutions import Part, note_solution, solution_parts
from slipway.exercises.yaml_tree import read_yaml
from slipway.sandboxes.backends import get_backend
from slipway.sandboxes.nodes import Frame, NodeRefusal, NodeSessions, ShellStream, follow_events, open_shell
from slipway.terminals.frames import Opcode

LONGEST_GAP = 1.2
_LETTER_SECONDS = 0.045
_BEFORE_ENTER, _AFTER_OUTPUT = 0.35, 1.0
_WORDS_A_SECOND, _SHORTEST_CAPTION = 3.0, 2.2
_PROMPT_SECONDS, _UNTIL_SECONDS, _PREPARE_SECONDS = 60.0, 120.0, 60.0
_QUIET_SECONDS = 0.25
_PROMPT = re.compile(r"[#$] \Z")
_SHELL = "cast"

Progress = Callable[[str], None]


@dataclass
class Tape:
    """Everything that happened, in order; `hold` is time that passes for the viewer only."""

    raw: list[tuple[float, str, JSON]] = field(default_factory=list)
    holds: list[tuple[float, float]] = field(default_factory=list)
    """Stretches of real time that are kept however little happens in them: from, until."""

    def add(self, kind: str, data: JSON) -> None:
        """Something happened now."""
        self.raw.append((time.monotonic(), kind, data))

    def edited(self) -> list[tuple[float, str, JSON]]:
        """The same on the viewer's clock."""
        edited: list[tuple[float, str, JSON]] = []
        clock, before = 0.0, None
        for moment, kind, data in self.raw:
            gap = 0.0 if before is None else moment - before
            kept = sum(max(0.0, min(moment, end) - max(before or moment, start)) for start, end in self.holds)
            clock += max(min(gap, LONGEST_GAP), kept)
            before = moment
            if kind == "hold":
                clock += float(str(data))
            else:
                edited.append((round(clock, 3), kind, data))
        edited.append((round(clock + 1, 3), "end", ""))
        return edited


def read_script(folder: Path, name: str) -> Script:
    """The script of one of an exercise's recordings. Raises `AuthorError`."""
    file = f"casts/{name}.yaml"
    path = folder / file
    if not path.is_file():
        raise AuthorError("no-such-script", "There is no such script.", file=f"{folder.name}/{file}")
    mistakes = Mistakes()
    tree = read_yaml(path.read_text(), file=file)
    script = validate(Script, tree, file=file, mistakes=mistakes)
    if script is not None:
        lines_before = "\n" * tree.line(("prepare",))
        note_solution(Solution(lines_before + script.prepare, file), script.topology.names, (), mistakes)
    if script is None or mistakes.found:
        raise BrokenExercise(folder.name, mistakes.found)
    return script


def script_names(folder: Path) -> list[str]:
    """The names of an exercise's recordings."""
    return sorted(path.stem for path in (folder / "casts").glob("*.yaml"))


def record(folder: Path, name: str, progress: Progress) -> tuple[Path, Path]:
    """Record one lesson into the exercise's assets; returns the two files written.

    Looks at nothing else of the exercise, which is not whole before its recordings are there. Raises `AuthorError` for
    a script that cannot be followed and `EngineError` when the machines did not do their part.
    """
    script = read_script(folder, name)
    files = placed_on_nodes(script.files, folder, {})
    with ready_sandbox(folder.name, script.topology, files, lambda _, what: progress(what)) as sandbox:
        tape = asyncio.run(_Recording(script, sandbox.sandbox_id, progress).run())
    assets = folder / "assets"
    assets.mkdir(exist_ok=True)
    cast, cluster = assets / f"{name}.cast", assets / f"{name}.cluster.json"
    cast.write_text(_cast_text(script, tape), encoding="utf-8")
    cluster.write_text(_cluster_text(script, tape), encoding="utf-8")
    return cast, cluster


def _cast_text(script: Script, tape: Tape) -> str:
    header = {"version": 2, "width": script.columns, "height": script.rows, "title": script.title}
    lines: list[object] = [header]
    for moment, kind, data in tape.edited():
        if kind in {"o", "i", "m"}:
            lines.append([moment, kind, data])
        elif kind == "end":
            lines.append([moment, "o", ""])
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _cluster_text(script: Script, tape: Tape) -> str:
    machines = [{"name": node.name, "kind": node.kind.value} for node in script.topology.nodes]
    events = [[moment, data] for moment, kind, data in tape.edited() if kind == "cluster"]
    lines = ",\n".join(json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events)
    return f'{{"version":1,"machines":{json.dumps(machines)},"events":[\n{lines}\n]}}\n'


class _Recording:
    """One recording on one sandbox."""

    def __init__(self, script: Script, sandbox: SandboxId, progress: Progress) -> None:
        self._script = script
        self._sandbox = sandbox
        self._progress = progress
        self._backend = get_backend()
        self._sessions = NodeSessions(self._backend)
        self._tape = Tape()
        self._shells: dict[str, ShellStream] = {}
        self._node = script.topology.names[0]
        self._seen = ""
        self._heard_at = 0.0
        self._news = asyncio.Event()
        self._told = asyncio.Event()
        self._readers: list[asyncio.Task[None]] = []

    async def run(self) -> Tape:
        """Do all acts; returns what was kept."""
        try:
            await self._prepare()
            async with self._picture():
                await self._open_shells()
                self._begin()
                for number, act in enumerate(self._script.acts, start=1):
                    self._progress(f"act {number} of {len(self._script.acts)}")
                    await self._do(act)
                self._tape.add("hold", 1.0)
        except NodeRefusal as refusal:
            raise EngineError("record-failed", refusal.message) from refusal
        except TimeoutError as error:
            raise EngineError("record-failed", "The machines took too long.", detail=self._seen[-300:]) from error
        finally:
            for reader in self._readers:
                reader.cancel()
            for shell in self._shells.values():
                await shell.close()
            await self._sessions.close()
        return self._tape

    async def _prepare(self) -> None:
        """Do what is not shown."""
        kept: dict[str, JSON] = {}
        names = self._script.topology.names
        parts = solution_parts(Solution(self._script.prepare, self._script.title), names, {})
        for part in (part for part in parts if isinstance(part, Part)):
            argv = ["/bin/bash", "-euo", "pipefail", "-c", part.script]
            answer = await self._run(part.node, argv, kept, seconds=_PREPARE_SECONDS)
            if as_int(answer.get("exit_code"), default=-1) != 0:
                raise EngineError(
                    "record-failed",
                    "What prepares the recording went wrong.",
                    detail=f"{part.node}: {as_text(answer.get('stderr'))[-300:]}",
                )
            if part.keep:
                kept[part.keep] = as_text(answer.get("stdout")).strip()

    def _begin(self) -> None:
        """What was told so far is how it is at the start; the screen is empty."""
        now = time.monotonic()
        self._tape.raw = [(now, kind, data) for _, kind, data in self._tape.raw if kind == "cluster"]

    # The picture

    @asynccontextmanager
    async def _picture(self) -> AsyncIterator[None]:
        """Follow the cluster as the observer does, and keep what a page would be told."""
        nodes = self._script.topology.names
        follower = Follower(
            self._sandbox, nodes, backend=self._backend, sessions=self._sessions, on_change=lambda: None
        )
        layer = get_channel_layer()
        if layer is None:
            raise EngineError("no-news", "There is no channel layer.")
        channel = await layer.new_channel()
        group = sandbox_group(self._sandbox)
        await layer.group_add(group, channel)

        async def listen() -> None:
            while True:
                self._hear(await layer.receive(channel))

        jobs = [asyncio.create_task(job) for job in (listen(), follower.run())]
        jobs += [asyncio.create_task(self._marks(follower, node)) for node in nodes]
        try:
            async with asyncio.timeout(30):
                await self._told.wait()
            yield
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            await layer.group_discard(group, channel)

    async def _marks(self, follower: Follower, node: str) -> None:
        while True:
            try:
                async for event in follow_events(self._backend, self._sandbox, node):
                    follower.heard(node, event)
            except (EngineError, NodeRefusal):
                pass  # unplugged, perhaps: the picture says so
            follower.mark(node)
            await asyncio.sleep(0.5)

    def _hear(self, message: Mapping[str, JSON]) -> None:
        event = as_mapping(message.get("event"))
        kept = {key: event[key] for key in ("snapshot", "changes") if key in event}
        if event.get("type") == "cluster" and kept:
            self._tape.add("cluster", kept)
            self._told.set()

    # The terminal

    async def _attach(self, node: str) -> None:
        self._node = node
        script = self._script
        shell = await open_shell(self._backend, self._sandbox, node, _SHELL, cols=script.columns, rows=script.rows)
        self._shells[node] = shell
        self._readers.append(asyncio.create_task(self._read(node, shell)))

    async def _read(self, node: str, shell: ShellStream) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while (frame := await shell.read()) is not None:
            if frame.opcode not in {Opcode.DATA, Opcode.SCROLLBACK}:
                continue
            await shell.write(Frame(Opcode.ACK, len(frame.payload).to_bytes(4, "big")))
            text = decoder.decode(frame.payload)
            if node == self._node and text:
                self._heard_at = time.monotonic()
                self._seen += text
                self._news.set()
                self._tape.add("o", text)

    async def _prompt(self) -> None:
        """Wait until the shell asks for the next command."""
        async with asyncio.timeout(_PROMPT_SECONDS):
            while not _PROMPT.search(plain_tail(self._seen)) or time.monotonic() - self._heard_at < _QUIET_SECONDS:
                self._news.clear()
                with suppress(TimeoutError):  # nothing new: the prompt that is there may be the last word
                    await asyncio.wait_for(self._news.wait(), _QUIET_SECONDS)

    async def _type(self, text: str) -> None:
        for letter in text:
            await self._shells[self._node].write_input(letter.encode())
            await asyncio.sleep(_LETTER_SECONDS)

    async def _enter(self, command: str) -> None:
        await self._type(command)
        self._tape.add("i", command)
        await asyncio.sleep(_BEFORE_ENTER)
        self._seen = ""
        await self._shells[self._node].write_input(b"\r")

    async def _open_shells(self) -> None:
        """Open every shell that is typed into: how they begin is not shown. The first node's is in front."""
        first = self._node
        typed = {act.on for act in self._script.acts if act.on and act.until is None}
        for node in [*sorted(typed - {first}), first]:
            self._seen = ""
            await self._attach(node)
            await self._prompt()

    async def _switch(self, node: str) -> None:
        self._node, self._seen = node, ""
        await self._shells[node].write_input(b"\x0c")
        await self._prompt()

    # Acts

    async def _do(self, act: Act) -> None:
        if act.on and act.on != self._node and act.until is None:
            await self._switch(act.on)
        if act.chapter:
            self._tape.add("m", CHAPTER + act.chapter)
            await self._shells[self._node].write_input(b"\x0c")
            await asyncio.sleep(_QUIET_SECONDS)
        elif act.caption:
            self._tape.add("m", " ".join(act.caption.split()))
            self._tape.add("hold", max(_SHORTEST_CAPTION, len(act.caption.split()) / _WORDS_A_SECOND))
        elif act.type:
            await self._enter(act.type)
            await self._prompt()
            self._tape.add("hold", _AFTER_OUTPUT)
        elif act.watch:
            await self._enter(act.watch)
        elif act.stop:
            self._seen = ""
            await self._shells[self._node].write_input(b"\x03")
            await self._prompt()
        elif act.until:
            await self._until(act.on or self._node, act.until)
        elif act.pause:
            began = time.monotonic()
            await asyncio.sleep(act.pause)
            self._tape.holds.append((began, time.monotonic()))
            self._tape.add("hold", 0.0)
        else:
            node = act.unplug or act.plug_in or ""
            await self._sessions.request(self._sandbox, node, "power", {"plugged": act.plug_in is not None}, timeout=30)

    async def _until(self, node: str, command: str) -> None:
        async with asyncio.timeout(_UNTIL_SECONDS):
            while True:
                answer = await self._run(node, ["/bin/bash", "-lc", command], {}, seconds=10)
                if as_int(answer.get("exit_code"), default=-1) == 0:
                    return
                await asyncio.sleep(0.3)

    async def _run(
        self, node: str, argv: Sequence[str], env: Mapping[str, JSON], *, seconds: float
    ) -> Mapping[str, JSON]:
        """Run a program unseen; what it answered."""
        params: dict[str, JSON] = {"argv": list(argv), "timeout_ms": int(1000 * seconds), "env": dict(env)}
        return as_mapping(await self._sessions.request(self._sandbox, node, "run", params, timeout=seconds + 10))


def plain_tail(output: str) -> str:
    """The last line as a person sees it, spaces at its end included."""
    marked = plain(output[-2000:] + "\u2063")
    return marked.rpartition("\n")[2].removesuffix("\u2063")
