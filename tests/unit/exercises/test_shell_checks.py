"""Checks written in shell: loaded like others, run in the node's shell, judged by exit code and last line."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from slipway.checks.examiner import Job
from slipway.checks.results import Outcome
from slipway.checks.subprocess_examiner import SubprocessExaminer
from slipway.core.json import JSON
from slipway.exercises.exercise import Exercise
from slipway.exercises.loader import load_exercise
from slipway.exercises.mistakes import BrokenExercise

SCRIPT = """#!/bin/bash
# title: The port is {port}
# node: node1
# points: 3
# keeps: true
[ "$port" = 8080 ] || { echo "it is $port"; exit 1; }
echo "it is $port indeed"
"""


def _with_script(folder: Path, script: str = SCRIPT) -> Path:
    (folder / "checks").mkdir()
    (folder / "checks" / "port_is_right.sh").write_text(script)
    step = folder / "02-page.md"
    step.write_text(step.read_text().replace("[page_answers]\npoints: 2", "[page_answers, port_is_right]\npoints: 5"))
    return folder


async def _bash(node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:
    """A node whose programs run here, in a real bash."""
    assert (node, op, params["argv"]) == ("node1", "run", ["/bin/bash", "-u", "-s"])
    shell = await asyncio.create_subprocess_exec(
        *("/bin/bash", "-u", "-s"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await shell.communicate(str(params["stdin"]).encode())
    return {"exit_code": shell.returncode, "stdout": out.decode(), "stderr": err.decode()}


async def _examine(exercise: Exercise, port: int | str) -> tuple[Outcome, str, str]:
    examiner = SubprocessExaminer()
    values = {"port": port, "network": "x", "url": "y"}
    job = Job(exercise.checks_source, exercise.checks_file, "port_is_right", values, exercise.topology.names)
    verdict = await examiner.examine(job, _bash)
    await examiner.close()
    return verdict.outcome, verdict.expected, verdict.observed


async def test_a_shell_check_is_a_check_like_any_other(folder: Path) -> None:
    exercise = load_exercise(_with_script(folder))
    check = exercise.steps[1].checks[1]
    assert (check.id, check.title, check.points, check.keeps) == ("port_is_right", "The port is {port}", 3, True)
    assert await _examine(exercise, 8080) == (Outcome.PASSED, "The port is 8080.", "It is 8080 indeed.")
    assert await _examine(exercise, 9090) == (Outcome.FAILED, "The port is 9090.", "It is 9090.")


async def test_a_value_is_never_a_command(folder: Path) -> None:
    exercise = load_exercise(_with_script(folder))
    outcome, _, observed = await _examine(exercise, "$(id); `id`'\"")
    assert (outcome, observed) == (Outcome.FAILED, "It is $(id); `id`'\".")


async def test_a_script_that_says_nothing_is_told_by_its_exit_code(folder: Path) -> None:
    exercise = load_exercise(_with_script(folder, "# title: It holds\n# node: node1\n# points: 3\nexit 7\n"))
    assert (await _examine(exercise, 1))[2] == "The script ended with exit code 7."


@pytest.mark.parametrize(
    ("old", "new", "error_id", "line", "nearest"),
    [
        ("# node: node1", "# node: nod1", "unknown-node", 3, "node1"),
        ("# points: 3", "# point: 3", "unknown-key", 4, "points"),
        ("# points: 3", "# points: many", "wrong-value", 4, ""),
        ("# title: The port", "# title The port", "yaml-malformed", 3, ""),
        ("# title: The port is {port}", "# title: The page answers on port {port}", "check-duplicate", 2, ""),
        ("{port}", "{prt}", "unknown-parameter", 2, "port"),
    ],
)
def test_a_mistake_in_a_script_is_told_with_its_line(
    folder: Path, old: str, new: str, error_id: str, line: int, nearest: str
) -> None:
    with pytest.raises(BrokenExercise) as caught:
        load_exercise(_with_script(folder, SCRIPT.replace(old, new, 1)))
    found = [mistake for mistake in caught.value.mistakes if mistake.file == "checks/port_is_right.sh"]
    assert [(mistake.error_id, mistake.line, mistake.nearest) for mistake in found] == [(error_id, line, nearest)]
