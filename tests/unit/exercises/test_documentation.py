"""The page about writing exercises holds a complete one; it is loaded from the page itself."""

from __future__ import annotations

import re
from pathlib import Path

import slipway.checks
from slipway.checks.authoring.expectations import Expectation
from slipway.exercises.loader import load_exercise
from slipway.exercises.schema import ExerciseSchema, StepSchema

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "write-an-exercise.md").read_text()
FILES = dict(re.findall(r"^````\w+ (\S+)\n(.*?)^````$", PAGE, re.MULTILINE | re.DOTALL))


def test_the_example_is_a_complete_exercise(tmp_path: Path) -> None:
    folder = tmp_path / "web-server"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    exercise = load_exercise(folder)
    assert [step.slug for step in exercise.steps] == ["server"]
    assert exercise.total_points == 3
    assert exercise.steps[0].hints == 1


def test_every_key_is_explained() -> None:
    for model in (ExerciseSchema, StepSchema):
        for key in model.model_fields:
            assert f"`{key}" in PAGE, key


def test_every_comparison_is_named() -> None:
    names = [name for name in vars(Expectation) if not name.startswith("_")]
    assert len(names) == 12
    for name in names:
        assert f"`{name}`" in PAGE, name


def test_every_way_of_asking_is_named() -> None:
    for part in (slipway.checks.Node, slipway.checks.Docker, slipway.checks.Files):
        for name in vars(part):
            if not name.startswith("_") and name not in {"ask", "name"}:
                assert f".{name}" in PAGE, name
