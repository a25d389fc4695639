"""Reads one exercise's folder and proves that it hangs together. All mistakes are found in one reading.

Runs none of the author's code and touches nothing outside the folder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from slipway.checks.declared import CheckSpec, read_declarations
from slipway.core.errors import AuthorError
from slipway.exercises.exercise import Exercise, GuideSource, Quiz, Solution, Step
from slipway.exercises.folder import Files, read_folder
from slipway.exercises.guide import Guide, Surroundings, render_guide
from slipway.exercises.mistakes import BrokenExercise, Mistakes
from slipway.exercises.parameters import Values, draw, note_circles, note_placeholders
from slipway.exercises.placing import note_placed
from slipway.exercises.schema import ExerciseSchema, StepSchema, TranslationSchema, validate
from slipway.exercises.shell_checks import ShellCheck, read_shell_checks, with_shell_checks
from slipway.exercises.solutions import note_solution
from slipway.exercises.step_files import MAIN, STEP_FILE, StepFile, open_step, step_names, translations
from slipway.exercises.yaml_tree import Tree, read_yaml

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,60}\Z")
_CHECKS = "checks.py"


def load_exercise(folder: Path) -> Exercise:
    """The exercise that lies in this folder. Raises `BrokenExercise` with every mistake that was found."""
    mistakes = Mistakes()
    if not _SLUG.match(folder.name):
        mistakes.note(
            "folder-name",
            "The folder's name becomes part of addresses.",
            file="",
            found=folder.name,
            expected="small letters, digits and hyphens",
        )
    files = read_folder(folder, mistakes)
    exercise = _Loader(folder, files, mistakes).load()
    if mistakes.found or exercise is None:
        raise BrokenExercise(folder.name, mistakes.found)
    return exercise


class _Loader:
    def __init__(self, folder: Path, files: Files, mistakes: Mistakes) -> None:
        self._folder = folder
        self._files = files
        self._mistakes = mistakes
        # Checks that are there but wrong have been told already: steps that name them are not wrong too.
        self._unread: frozenset[str] = frozenset()
        self._file_unread = False
        self._files_of: dict[str, str] = {}

    def load(self) -> Exercise | None:
        main, tree = self._main()
        checks = self._declared()
        names = step_names(self._files, main, tree, self._mistakes)
        if main is None:
            # Without nodes and parameters nothing else can be judged fairly.
            return None
        scripts = read_shell_checks(self._files.texts, main.topology.names, self._mistakes)
        self._add_scripts(scripts, checks)
        lines = {name: tree.line(("parameters", name)) for name in main.parameters}
        drawable = note_circles(main.parameters, lines, file=MAIN, mistakes=self._mistakes)
        for check in checks.values():
            for name in check.placeholders:
                if name not in main.parameters:
                    self._mistakes.note(
                        "unknown-parameter",
                        "There is no such parameter.",
                        file=self._files_of.get(check.id, _CHECKS),
                        line=check.line,
                        found=name,
                        among=main.parameters,
                    )
        values = draw(main.parameters, seed="lint") if drawable else {}
        slugs = {name: found["slug"] for name in names if (found := STEP_FILE.match(name))}
        steps = [
            step
            for number, name in enumerate(names, start=1)
            if (step := self._step(name, number, main, checks=checks, values=values, slugs=slugs))
        ]
        self._whole(steps, main, checks, complete=len(steps) == len(names))
        unplug = self._unplug(main, tree)
        self._solutions(steps, main, unplug)
        note_placed(main, tree, self._folder, self._files.assets, self._mistakes)
        return Exercise(
            slug=self._folder.name,
            title=main.title,
            summary=main.summary,
            minutes=main.minutes,
            level=main.level,
            topology=main.topology,
            parameters=main.parameters,
            steps=tuple(steps),
            checks_source=with_shell_checks(self._files.texts.get(_CHECKS, ""), scripts),
            checks_file=f"{self._folder.name}/{_CHECKS}",
            digest=self._files.digest,
            hint_cost=main.hint_cost,
            unplug=unplug,
            language=main.language,
            assets=self._files.assets,
            placed=main.files,
            folder=self._folder,
        )

    def _main(self) -> tuple[ExerciseSchema | None, Tree]:
        nothing = Tree(None, {})
        text = self._files.texts.get(MAIN)
        if text is None:
            if not any(mistake.file == MAIN for mistake in self._mistakes.found):
                self._mistakes.note("missing-file", "Every exercise has this file.", file=MAIN, found="nothing")
            return None, nothing
        try:
            tree = read_yaml(text, file=MAIN)
        except AuthorError as mistake:
            self._mistakes.found.append(mistake)
            return None, nothing
        return validate(ExerciseSchema, tree, file=MAIN, mistakes=self._mistakes), tree

    def _unplug(self, main: ExerciseSchema, tree: Tree) -> tuple[str, ...]:
        """The names of the nodes that may be unplugged."""
        if isinstance(main.unplug, bool):
            return main.topology.names if main.unplug else ()
        for index, name in enumerate(main.unplug):
            if name not in main.topology.names:
                self._mistakes.note(
                    "unknown-node",
                    "There is no such node.",
                    file=MAIN,
                    line=tree.line(("unplug", index)),
                    found=name,
                    among=main.topology.names,
                )
        return main.unplug

    def _declared(self) -> dict[str, CheckSpec]:
        declarations = read_declarations(self._files.texts.get(_CHECKS, ""), _CHECKS)
        self._mistakes.found.extend(declarations.mistakes)
        self._unread = declarations.unread
        if declarations.mistakes and not declarations.checks and not declarations.unread:
            self._file_unread = True
        return {check.id: check for check in declarations.checks}

    def _add_scripts(self, scripts: list[ShellCheck], checks: dict[str, CheckSpec]) -> None:
        for script in scripts:
            taken = [
                other for other in checks.values() if script.spec.id == other.id or script.spec.title == other.title
            ]
            if taken:
                self._mistakes.note(
                    "check-duplicate",
                    "Another check has the same name or title.",
                    file=script.file,
                    line=script.spec.line,
                    found=script.spec.id,
                    expected="a name and a title of its own",
                )
                continue
            checks[script.spec.id] = script.spec
            self._files_of[script.spec.id] = script.file

    def _step(
        self,
        name: str,
        number: int,
        main: ExerciseSchema,
        *,
        checks: Mapping[str, CheckSpec],
        values: Values,
        slugs: Mapping[str, str],
    ) -> Step | None:
        file = open_step(self._files, name, self._mistakes)
        front = validate(StepSchema, file.tree, file=name, mistakes=self._mistakes) if file else None
        if file is None or front is None:
            return None
        mine = []
        for index, wanted in enumerate(front.checks):
            if wanted in checks:
                mine.append(checks[wanted])
            elif wanted not in self._unread and not self._file_unread:
                self._mistakes.note(
                    "unknown-check",
                    f"{_CHECKS} has no such check.",
                    file=name,
                    line=file.tree.line(("checks", index)),
                    found=wanted,
                    among=checks,
                )
        total = sum(check.points for check in mine)
        if front.points is not None and front.points != total and len(mine) == len(front.checks):
            self._mistakes.note(
                "points-differ",
                "The step's checks are worth something else together.",
                file=name,
                line=file.tree.line(("points",)),
                found=front.points,
                expected=str(total),
            )
        if front.terminal is not None and front.terminal not in main.topology.names:
            self._mistakes.note(
                "unknown-node",
                "There is no such node.",
                file=name,
                line=file.tree.line(("terminal",)),
                found=front.terminal,
                among=main.topology.names,
            )
        guide = self._render(file, main, values, slugs)
        guides = {main.language: GuideSource(front.title, file.body, name, file.body_line)}
        for language, other in translations(self._files, file, self._mistakes).items():
            translation = validate(TranslationSchema, other.tree, file=other.name, mistakes=self._mistakes)
            if translation is not None:
                guides[language] = GuideSource(translation.title, other.body, other.name, other.body_line)
                self._must_agree(guide, self._render(other, main, values, slugs), other)
        return Step(
            slug=file.slug,
            number=number,
            title=front.title,
            file=name,
            checks=tuple(mine),
            hints=guide.hints,
            quizzes=tuple(guide.quizzes),
            recordings=tuple(guide.recordings),
            terminal=front.terminal or "",
            repeatable=front.repeatable,
            guides=guides,
            solution=self._solution(file.stem),
        )

    def _render(self, file: StepFile, main: ExerciseSchema, values: Values, slugs: Mapping[str, str]) -> Guide:
        note_placeholders(
            file.body, main.parameters, file=file.name, first_line=file.body_line, mistakes=self._mistakes
        )
        around = Surroundings(
            file=file.name,
            first_line=file.body_line,
            nodes=main.topology.names,
            values=values,
            assets=self._files.assets,
            asset_url="",
            folder=self._folder,
            steps=slugs,
        )
        return render_guide(file.body, around, self._mistakes)

    def _must_agree(self, guide: Guide, other: Guide, file: StepFile) -> None:
        """A translation has the same hints, recordings, and quizzes with the same right answers."""
        recordings = other.recordings == guide.recordings
        if other.hints != guide.hints or _shape(other.quizzes) != _shape(guide.quizzes) or not recordings:
            self._mistakes.note(
                "translation-differs",
                "A translation has the same hints, recordings, quizzes and right answers in the same order.",
                file=file.name,
                found=f"{other.hints} hints, quizzes {', '.join(quiz.id for quiz in other.quizzes) or 'none'}",
                expected=f"{guide.hints} hints, quizzes {', '.join(quiz.id for quiz in guide.quizzes) or 'none'}",
            )

    def _solution(self, stem: str) -> Solution | None:
        for name in (f"solutions/{stem}.sh", f"solutions/{stem[:2]}.sh"):
            if name in self._files.texts:
                return Solution(self._files.texts[name], name)
        return None

    def _solutions(self, steps: list[Step], main: ExerciseSchema, unplug: tuple[str, ...]) -> None:
        used = {step.solution.file for step in steps if step.solution}
        known = [f"solutions/{step.file.removesuffix('.md')}.sh" for step in steps]
        for name, text in self._files.texts.items():
            if not name.startswith("solutions/"):
                continue
            if name not in used:
                self._mistakes.note(
                    "unknown-solution", "No step has this solution.", file=name, found=name, among=known
                )
            note_placeholders(text, main.parameters, file=name, first_line=1, mistakes=self._mistakes)
            if main.topology.nodes:
                note_solution(Solution(text, name), main.topology.names, unplug, self._mistakes)

    def _whole(
        self, steps: list[Step], main: ExerciseSchema, checks: Mapping[str, CheckSpec], *, complete: bool
    ) -> None:
        """What can be said only about all steps together."""
        self._must_have_something(steps, main, complete=complete)
        named = Counter(check.id for step in steps for check in step.checks)
        complete = complete and not any(mistake.error_id == "unknown-check" for mistake in self._mistakes.found)
        for check in checks.values():
            if named[check.id] > 1:
                self._mistakes.note(
                    "check-in-two-steps",
                    "This check belongs to more than one step.",
                    file=self._files_of.get(check.id, _CHECKS),
                    line=check.line,
                    found=check.id,
                    expected="one step",
                )
            elif not named[check.id] and complete:
                self._mistakes.note(
                    "check-unused",
                    "No step names this check, so nobody gets its points.",
                    file=self._files_of.get(check.id, _CHECKS),
                    line=check.line,
                    found=check.id,
                )
        for what, seen in (
            ("slug", Counter(step.slug for step in steps)),
            ("quiz", Counter(quiz.id for step in steps for quiz in step.quizzes)),
        ):
            for name, times in seen.items():
                if times > 1:
                    self._mistakes.note(
                        f"duplicate-{what}",
                        f"{times} steps have the same {what} name.",
                        file=MAIN,
                        found=name,
                        expected="a name of its own",
                    )

    def _must_have_something(self, steps: list[Step], main: ExerciseSchema, *, complete: bool) -> None:
        """Without machines nothing can be checked or solved, and there is something to watch."""
        if main.topology.nodes:
            return
        for step in steps:
            if step.checks or step.solution:
                self._mistakes.note(
                    "no-machines",
                    "Without machines there is nothing to check and nothing to solve.",
                    file=step.file,
                    found=step.checks[0].id if step.checks else step.solution.file if step.solution else "",
                    expected="topology in exercise.yaml",
                )
        if complete and not any(step.recordings for step in steps):
            self._mistakes.note(
                "no-machines",
                "An exercise without machines has at least one recording to watch.",
                file=MAIN,
                found="nothing",
                expected="topology, or a block ::: cast",
            )


def _shape(quizzes: list[Quiz]) -> list[tuple[str, tuple[bool, ...]]]:
    return [(quiz.id, tuple(choice.correct for choice in quiz.choices)) for quiz in quizzes]
