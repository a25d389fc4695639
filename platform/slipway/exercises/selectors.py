"""The exercises there are, and what a learner reads of them. Reads folders, writes nothing.

A folder is loaded again only when something in it has changed; a broken one is left out and logged once per change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import translation

from slipway.core.errors import AuthorError, LearnerError
from slipway.core.logs import get_logger
from slipway.exercises import parameters as drawing
from slipway.exercises.exercise import Exercise, Quiz, RunBlock, Step
from slipway.exercises.folder import fingerprint
from slipway.exercises.guide import Guide, Surroundings, render_guide
from slipway.exercises.loader import load_exercise
from slipway.exercises.mistakes import BrokenExercise, Mistakes

log = get_logger(__name__)

_Loaded = Exercise | BrokenExercise
_cache: dict[Path, tuple[object, _Loaded]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class RenderedStep:
    """A step as one learner reads it: safe HTML, and its quizzes with the answers that the HTML does not have."""

    title: str
    html: str
    quizzes: tuple[Quiz, ...]
    run_blocks: tuple[RunBlock, ...]

    def quiz(self, quiz_id: str) -> Quiz | None:
        """The quiz of that id."""
        return next((quiz for quiz in self.quizzes if quiz.id == quiz_id), None)


def exercise_folders() -> list[Path]:
    """Every folder that means to be an exercise, in order of name."""
    root = Path(settings.SLIPWAY_EXERCISES)
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))


def list_exercises() -> list[Exercise]:
    """All exercises that can be used; broken ones are left out and logged."""
    return [loaded for folder in exercise_folders() if isinstance(loaded := _loaded(folder), Exercise)]


def get_exercise(slug: str) -> Exercise:
    """The exercise of that slug. Raises `LearnerError` when there is none, `BrokenExercise` when it cannot be used."""
    for folder in exercise_folders():
        if folder.name == slug:
            loaded = _loaded(folder)
            if isinstance(loaded, AuthorError):
                raise loaded
            return loaded
    raise LearnerError("no-such-exercise", "There is no lab of that name.", detail=slug[:100])


def draw_parameters(exercise: Exercise, *, seed: str) -> dict[str, str | int]:
    """One learner's own values; the same seed gives the same values."""
    return drawing.draw(exercise.parameters, seed=f"{exercise.slug}\0{seed}")


def render_step(
    exercise: Exercise,
    step: Step,
    *,
    parameters: Mapping[str, str | int],
    language: str = "",
    asset_url: Callable[[str], str] | None = None,
) -> RenderedStep:
    """A step's guide with the learner's values, in `language` where it exists (by default the active one).

    `asset_url` turns an exercise's slug into the address below which its assets are served; by default
    `/labs/<slug>/assets/`.
    """
    wanted = language or (translation.get_language() or exercise.language)[:2]
    chosen = wanted if wanted in step.guides else exercise.language
    source = step.guides[chosen]
    around = Surroundings(
        file=source.file,
        first_line=source.first_line,
        nodes=exercise.topology.names,
        values=parameters,
        assets=exercise.assets,
        asset_url=asset_url(exercise.slug) if asset_url else f"/labs/{exercise.slug}/assets/",
        folder=exercise.folder,
        steps={other.file: other.slug for other in exercise.steps},
    )
    with translation.override(wanted):
        guide: Guide = render_guide(source.body, around, Mistakes())
    return RenderedStep(source.title, guide.html, tuple(guide.quizzes), tuple(guide.run_blocks))


def asset_path(exercise: Exercise, name: str) -> Path:
    """The file of an asset. Raises `LearnerError` for anything but a file that the loader saw in assets/."""
    folder = (exercise.folder / "assets").resolve()
    path = (folder / name).resolve() if name in exercise.assets else folder
    if not path.is_relative_to(exercise.folder.resolve()) or not path.is_file():
        raise LearnerError("no-such-asset", "There is no such file.", detail=name[:100])
    return path


def _loaded(folder: Path) -> _Loaded:
    mark = fingerprint(folder)
    with _lock:
        known = _cache.get(folder)
    if known and known[0] == mark:
        return known[1]
    loaded: _Loaded
    try:
        loaded = load_exercise(folder)
    except BrokenExercise as broken:
        log.warning("exercise is broken", exercise=folder.name, mistakes=len(broken.mistakes), first=str(broken))
        loaded = broken
    with _lock:
        _cache[folder] = (mark, loaded)
    return loaded
