"""`manage.py exercise`: lint, test, record, new, list, schema. The work is done in the room's own modules."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from slipway.core.errors import AuthorError, EngineError
from slipway.exercises import reports
from slipway.exercises.loader import load_exercise
from slipway.exercises.mistakes import BrokenExercise, nearest
from slipway.exercises.recorder import record, script_names
from slipway.exercises.scaffold import create_exercise
from slipway.exercises.schema import ExerciseSchema
from slipway.exercises.selectors import exercise_folders, list_exercises
from slipway.exercises.selftest import prove_exercises


class Command(BaseCommand):
    """What authors of exercises need on the command line."""

    help = "Write, check and prove exercises."
    requires_system_checks: list[str] = []  # authors need no web server

    def add_arguments(self, parser: CommandParser) -> None:
        """One subcommand each."""
        commands = parser.add_subparsers(dest="command", required=True, parser_class=argparse.ArgumentParser)
        lint = commands.add_parser("lint", help="find every mistake, without starting any machine")
        lint.add_argument("names", nargs="*", metavar="NAME", help="exercises or folders; all when none is named")
        lint.add_argument("--json", action="store_true", help="print JSON")
        test = commands.add_parser("test", help="prove exercises on real machines")
        test.add_argument("names", nargs="*", metavar="NAME", help="exercises; all when none is named")
        test.add_argument("--json", action="store_true", help="print JSON")
        test.add_argument("--junit", metavar="FILE", type=Path, help="also write JUnit XML")
        test.add_argument("--parallel", metavar="N", type=int, default=1, help="how many exercises at once")
        recording = commands.add_parser("record", help="record an exercise's lessons on real machines")
        recording.add_argument(
            "names", nargs="*", metavar="NAME", help="exercises; all that have scripts when none is named"
        )
        new = commands.add_parser("new", help="a small, complete exercise to start from")
        new.add_argument("name", metavar="NAME")
        commands.add_parser("list", help="the exercises that can be used")
        commands.add_parser("schema", help="the JSON Schema of exercise.yaml, for editors")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the subcommand; Any: Django's own types."""
        handlers: dict[str, Callable[[dict[str, Any]], bool]] = {
            "lint": self._lint,
            "test": self._test,
            "record": self._record,
            "new": self._new,
            "list": self._list,
            "schema": self._schema,
        }
        if not handlers[options["command"]](options):
            sys.exit(1)

    def _lint(self, options: dict[str, Any]) -> bool:
        found = {folder.name: _mistakes(folder) for folder in _folders(options["names"])}
        if options["json"]:
            self._print_json([reports.mistakes_as_json(slug, mistakes) for slug, mistakes in found.items()])
        else:
            for slug, mistakes in found.items():
                reports.print_mistakes(slug, mistakes, self._console())
        return not any(found.values())

    def _test(self, options: dict[str, Any]) -> bool:
        slugs = [folder.name for folder in _folders(options["names"])]
        if options["parallel"] < 1:
            raise CommandError("--parallel takes a number above zero.")
        console = Console(stderr=True)

        def progress(slug: str, what: str) -> None:
            console.print(f"[dim]{slug}: {what}[/]")

        proven = prove_exercises(slugs, parallel=options["parallel"], progress=progress)
        if options["junit"]:
            options["junit"].write_text(reports.junit(proven), encoding="utf-8")
        if options["json"]:
            self._print_json(reports.reports_as_json(proven))
        else:
            reports.print_reports(proven, self._console())
        return all(report.passed for report in proven)

    def _record(self, options: dict[str, Any]) -> bool:
        console = Console(stderr=True)
        for folder in _folders(options["names"]):
            try:
                for name in script_names(folder):
                    console.print(f"{folder.name}/{name}")
                    written = record(folder, name, console.print)
                    self.stdout.write("\n".join(str(path) for path in written))
            except (AuthorError, EngineError) as error:
                raise CommandError(f"{folder.name}: {error}") from error
        return True

    def _new(self, options: dict[str, Any]) -> bool:
        try:
            folder = create_exercise(Path(settings.SLIPWAY_EXERCISES), options["name"])
        except AuthorError as mistake:
            raise CommandError(mistake.sentence) from mistake
        self.stdout.write(f"Made {folder}. Prove it with: manage.py exercise test {folder.name}")
        return True

    def _list(self, _: dict[str, Any]) -> bool:
        table = Table("exercise", "title", "steps", "points", "minutes", "machines")
        for exercise in list_exercises():
            numbers = (len(exercise.steps), exercise.total_points, exercise.minutes)
            table.add_row(
                exercise.slug, exercise.title, *(str(number) for number in numbers), ", ".join(exercise.topology.names)
            )
        self._console().print(table)
        return True

    def _schema(self, _: dict[str, Any]) -> bool:
        self._print_json(ExerciseSchema.model_json_schema())
        return True

    def _print_json(self, data: object) -> None:
        self.stdout.write(json.dumps(data, indent=2, ensure_ascii=False))

    def _console(self) -> Console:
        # Django's wrapper knows where output goes, in tests too.
        return Console(file=self.stdout, no_color=not self.stdout.isatty())  # type: ignore[arg-type]


def _mistakes(folder: Path) -> Sequence[AuthorError]:
    try:
        load_exercise(folder)
    except BrokenExercise as broken:
        return broken.mistakes
    return ()


def _folders(names: Sequence[str]) -> list[Path]:
    """The folders of the named exercises, or of all. Raises `CommandError` for a name that is none."""
    known = {folder.name: folder for folder in exercise_folders()}
    found = []
    for name in names:
        slug = Path(name).name
        if slug not in known:
            near = nearest(slug, known)
            raise CommandError(f"There is no exercise {name!r}." + (f" Did you mean {near!r}?" if near else ""))
        found.append(known[slug])
    return found or list(known.values())
