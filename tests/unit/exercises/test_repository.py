"""The exercises of this repository are without a mistake, in every language they exist in."""

from __future__ import annotations

from pathlib import Path

from slipway.exercises.loader import load_exercise
from slipway.exercises.selectors import draw_parameters, render_step

ROOT = Path(__file__).resolve().parents[3] / "exercises"


def test_every_exercise_of_the_repository_can_be_used() -> None:
    folders = [folder for folder in sorted(ROOT.iterdir()) if folder.is_dir()]
    assert folders
    for folder in folders:
        exercise = load_exercise(folder)
        values = draw_parameters(exercise, seed="anyone")
        for step in exercise.steps:
            for language in step.guides:
                assert render_step(exercise, step, parameters=values, language=language).html
