"""Exercises whose nodes may be unplugged, and solutions that do it."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.exercises.exercise import Solution
from slipway.exercises.loader import load_exercise
from slipway.exercises.mistakes import BrokenExercise
from slipway.exercises.solutions import Part, Plug, solution_parts


def _allow(folder: Path, what: str) -> None:
    path = folder / "exercise.yaml"
    path.write_text(path.read_text() + f"unplug: {what}\n")


@pytest.mark.parametrize(
    ("what", "nodes"), [("true", ("node1", "node2")), ("false", ()), ("[node2]", ("node2",)), (None, ())]
)
def test_an_exercise_says_which_nodes_may_be_unplugged(folder: Path, what: str | None, nodes: tuple[str, ...]) -> None:
    if what:
        _allow(folder, what)
    assert load_exercise(folder).unplug == nodes


@pytest.mark.parametrize("what", ["yes", "1", "[]", "{}", "[node2, 3]"])
def test_anything_else_is_a_mistake_in_its_line(folder: Path, what: str) -> None:
    _allow(folder, what)
    with pytest.raises(BrokenExercise) as broken:
        load_exercise(folder)
    assert {mistake.line for mistake in broken.value.mistakes} == {13}


def test_a_node_that_does_not_exist_is_told_with_the_nearest(folder: Path) -> None:
    _allow(folder, "[nod2]")
    with pytest.raises(BrokenExercise) as broken:
        load_exercise(folder)
    (mistake,) = broken.value.mistakes
    assert (mistake.error_id, mistake.line, mistake.nearest) == ("unknown-node", 13, "node2")


def test_a_solution_unplugs_and_goes_on_where_it_was() -> None:
    source = "# on node2, output as token\ntoken\n# unplug node3\necho then\n# plug in node3\n# on node1\nls"
    parts = solution_parts(Solution(source, "solutions/01.sh"), ["node1", "node2", "node3"], {})
    assert parts == [
        Part("node2", "token", 2, strict=True, keep="token"),
        Plug("node3", plugged=False, line=3),
        Part("node2", "echo then", 4, strict=True),
        Plug("node3", plugged=True, line=5),
        Part("node1", "ls", 7, strict=True),
    ]


@pytest.mark.parametrize(
    ("allowed", "line", "error"),
    [
        ("[node2]", "# unplug node1", "no-plug"),
        ("false", "# plug in node2", "no-plug"),
        ("true", "# unplug node1 now", "solution-malformed"),
        ("true", "# plug node1", "solution-malformed"),
    ],
)
def test_a_solution_may_do_only_what_the_learner_can(folder: Path, allowed: str, line: str, error: str) -> None:
    _allow(folder, allowed)
    solution = folder / "solutions" / "02-page.sh"
    solution.write_text(solution.read_text() + line + "\n")
    with pytest.raises(BrokenExercise) as broken:
        load_exercise(folder)
    assert [mistake.error_id for mistake in broken.value.mistakes] == [error]
