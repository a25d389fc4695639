"""An exercise in memory: frozen values that travel between the rooms. Made by the loader alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.checks.declared import CheckSpec
from slipway.exercises.schema import Level, ParameterSpec, PlacedFile
from slipway.sandboxes.topology import Topology


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer; `text` and `explanation` are safe HTML. Its value on the page is its place, from 1."""

    text: str
    correct: bool
    explanation: str


@dataclass(frozen=True, slots=True)
class Quiz:
    """A question with explained answers; `question` is safe HTML. Exactly one choice is correct."""

    id: str
    question: str
    choices: tuple[Choice, ...]

    def choice(self, value: str) -> Choice | None:
        """The choice with this value on the page: "1" is the first."""
        if not value.isascii() or not value.isdecimal() or len(value) > 3:
            return None
        index = int(value) - 1
        return self.choices[index] if 0 <= index < len(self.choices) else None


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that a guide plays: its name, and how many seconds of it there are to be watched."""

    name: str
    seconds: int


@dataclass(frozen=True, slots=True)
class RunBlock:
    """Commands of a guide for one node."""

    node: str
    command: str


@dataclass(frozen=True, slots=True)
class GuideSource:
    """A step's guide in one language, not yet rendered; `first_line` is the line of the file it begins on."""

    title: str
    body: str
    file: str
    first_line: int


@dataclass(frozen=True, slots=True)
class Solution:
    """Commands for a step whose guide does not tell them all."""

    source: str
    file: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its guide in every language it exists in, and what is checked."""

    slug: str
    number: int
    title: str
    file: str
    checks: tuple[CheckSpec, ...]
    hints: int
    quizzes: tuple[Quiz, ...]
    """Without any learner's values; `render_step` has them with."""
    recordings: tuple[Recording, ...]
    terminal: str
    """The node whose terminal gets the focus; empty when none does."""
    repeatable: bool
    guides: Mapping[str, GuideSource]
    solution: Solution | None

    @property
    def points(self) -> int:
        """What the step's checks are worth together."""
        return sum(check.points for check in self.checks)

    def quiz(self, quiz_id: str) -> Quiz | None:
        """The quiz of that id."""
        return next((quiz for quiz in self.quizzes if quiz.id == quiz_id), None)

    def recording(self, name: str) -> Recording | None:
        """The recording of that name."""
        return next((recording for recording in self.recordings if recording.name == name), None)

    def title_in(self, language: str) -> str:
        """The title in this language, or in the exercise's own."""
        guide = self.guides.get(language)
        return guide.title if guide else self.title


@dataclass(frozen=True, slots=True)
class Exercise:
    """A whole exercise; `digest` changes with any byte of its folder."""

    slug: str
    title: str
    summary: str
    minutes: int
    level: Level
    topology: Topology
    parameters: Mapping[str, ParameterSpec]
    steps: tuple[Step, ...]
    checks_source: str
    checks_file: str
    digest: str
    hint_cost: int
    unplug: tuple[str, ...]
    """The nodes that learners may unplug and plug in again."""
    language: str
    assets: frozenset[str]
    placed: tuple[PlacedFile, ...]
    """Assets that lie on the nodes from the start."""
    folder: Path

    @property
    def has_machines(self) -> bool:
        """Whether learners get machines of their own, or only watch."""
        return bool(self.topology.nodes)

    @property
    def total_points(self) -> int:
        """What all checks are worth together."""
        return sum(step.points for step in self.steps)

    def step(self, slug: str) -> Step | None:
        """The step of that slug."""
        return next((step for step in self.steps if step.slug == slug), None)
