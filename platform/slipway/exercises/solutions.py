"""Solutions: which commands solve a step, and in which node each of them runs.

A file `solutions/02-bridge.sh` is shell; a line `# on node2` sends what follows to that node, and `# on node1, output
as token` also keeps what it prints for the later parts, as `$token`. `# unplug node2` and `# plug in node2` do what the
learner's button does; what follows goes on in the node before. Without a file, the guide's own run blocks are the
solution.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.exercises.exercise import RunBlock, Solution
from slipway.exercises.mistakes import Mistakes
from slipway.exercises.parameters import Values, substitute

_COMMANDS = ("# on ", "# unplug ", "# plug ")
_POWER = re.compile(r"# (unplug|plug in) (\S+)\s*\Z")
_ON = re.compile(r"# on (\S+?)(?:, output as ([A-Za-z_][A-Za-z0-9_]{0,30}))?\s*\Z")


@dataclass(frozen=True, slots=True)
class Part:
    """Commands for one node. `strict`: any that fails is a failure of the solution. `keep`: a name for the output."""

    node: str
    script: str
    line: int
    strict: bool
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Plug:
    """A node's plug, pulled or put in."""

    node: str
    plugged: bool
    line: int


def solution_parts(solution: Solution, nodes: Sequence[str], values: Values) -> list[Part | Plug]:
    """A solution file's parts in order; what stands before the first `# on` runs in the first node."""
    parts: list[Part | Plug] = []
    node, keep, first_line, lines = nodes[0], "", 1, list[str]()
    for number, line in enumerate([*solution.source.split("\n"), f"# on {nodes[0]}"], start=1):
        power, found = _POWER.match(line), _ON.match(line)
        if power is None and found is None:
            lines.append(line)
            continue
        script = substitute("\n".join(lines), values)
        if _does_something(script):
            parts.append(Part(node, script, first_line, strict=True, keep=keep))
        keep, first_line, lines = "", number + 1, []
        if found:
            node, keep = found[1], found[2] or ""
        elif power:
            parts.append(Plug(power[2], power[1] == "plug in", number))
    return parts


def guide_parts(run_blocks: Sequence[RunBlock]) -> list[Part | Plug]:
    """The commands of a guide. They may fail: a guide also shows what does not work."""
    return [Part(block.node, block.command, 0, strict=False) for block in run_blocks]


def note_solution(solution: Solution, nodes: Sequence[str], unplug: Sequence[str], mistakes: Mistakes) -> None:
    """Note parts for nodes that do not exist or have no plug, and lines that look as if they named one."""
    for number, line in enumerate(solution.source.split("\n"), start=1):
        power, found = _POWER.match(line), _ON.match(line)
        if power and power[2] not in unplug:
            mistakes.note(
                "no-plug",
                "The learner has no button for that: exercise.yaml does not say that this node may be unplugged.",
                file=solution.file,
                line=number,
                found=power[2],
                expected="" if unplug else "unplug: true in exercise.yaml",
                among=unplug,
            )
        if found and found[1] not in nodes:
            mistakes.note(
                "unknown-node", "There is no such node.", file=solution.file, line=number, found=found[1], among=nodes
            )
        elif not (found or power) and line.startswith(_COMMANDS) and any(node in line for node in nodes):
            mistakes.note(
                "solution-malformed",
                "This line looks as if it named a node, and does not.",
                file=solution.file,
                line=number,
                found=line,
                expected="# on node1, or # on node1, output as token, or # unplug node1, or # plug in node1",
            )


def _does_something(script: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in script.split("\n"))
