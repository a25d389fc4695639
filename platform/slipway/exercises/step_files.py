"""Step files: which there are, in what order, and each taken apart into front matter and guide."""

from __future__ import annotations

import re
from dataclasses import dataclass

from slipway.core.errors import AuthorError
from slipway.exercises.folder import Files
from slipway.exercises.mistakes import Mistakes
from slipway.exercises.schema import ExerciseSchema
from slipway.exercises.yaml_tree import Tree, read_yaml

MAIN = "exercise.yaml"
STEP_FILE = re.compile(
    r"(?P<stem>(?P<number>[0-9]{2})-(?P<slug>[a-z0-9][a-z0-9-]{0,60}))(?:\.(?P<language>[a-z]{2}))?\.md\Z"
)


@dataclass(frozen=True, slots=True)
class StepFile:
    """A step's file taken apart; `language` is empty for the exercise's own."""

    name: str
    stem: str
    slug: str
    language: str
    tree: Tree
    body: str
    body_line: int


def step_names(files: Files, main: ExerciseSchema | None, tree: Tree, mistakes: Mistakes) -> list[str]:
    """The step files in order; notes those that are missing, not listed, or not named as steps are."""
    there = sorted(name for name in files.texts if name.endswith(".md") and "/" not in name)
    for name in there:
        if not STEP_FILE.match(name) and name.lower() != "readme.md":
            mistakes.note(
                "step-name",
                "This is no name of a step.",
                file=name,
                found=name,
                expected="01-name.md or 01-name.es.md",
            )
    steps = [name for name in there if (found := STEP_FILE.match(name)) and not found["language"]]
    if main is None or main.steps is None:
        if not steps:
            mistakes.note("no-steps", "An exercise has at least one step.", file=MAIN, expected="01-name.md")
        return steps
    for index, name in enumerate(main.steps):
        if name not in steps:
            mistakes.note(
                "missing-step",
                "There is no such step file.",
                file=MAIN,
                line=tree.line(("steps", index)),
                found=name,
                among=[step for step in steps if step not in main.steps] or steps,
            )
    for name in steps:
        if name not in main.steps:
            mistakes.note(
                "step-not-listed",
                "exercise.yaml does not list this step.",
                file=name,
                found=name,
                expected="a line under steps in exercise.yaml",
            )
    return [name for name in main.steps if name in steps]


def open_step(files: Files, name: str, mistakes: Mistakes) -> StepFile | None:
    """Take a step's file apart; None, noted, when it has no front matter that can be read."""
    found = STEP_FILE.match(name)
    text = files.texts[name]
    lines = text.split("\n")
    end = next((i for i, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), 0)
    if found is None or lines[0].rstrip() != "---" or not end:
        mistakes.note(
            "no-front-matter",
            "A step begins with its front matter, between two lines of “---”.",
            file=name,
            line=1,
            found=lines[0][:40],
            expected="---",
        )
        return None
    try:
        tree = read_yaml("\n".join(lines[1:end]), file=name, first_line=2)
    except AuthorError as mistake:
        mistakes.found.append(mistake)
        return None
    body = "\n".join(lines[end + 1 :])
    return StepFile(name, found["stem"], found["slug"], found["language"] or "", tree, body, end + 2)


def translations(files: Files, file: StepFile, mistakes: Mistakes) -> dict[str, StepFile]:
    """The same step in other languages."""
    found = {}
    for name in sorted(files.texts):
        match = STEP_FILE.match(name)
        if match and match["language"] and match["stem"] == file.stem:
            opened = open_step(files, name, mistakes)
            if opened:
                found[match["language"]] = opened
    return found
