"""The self-test's reports for people, for programs and for CI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.markup import escape

from slipway.core.errors import AuthorError
from slipway.exercises.selftest import ExerciseReport, StepReport


def print_reports(reports: Sequence[ExerciseReport], console: Console) -> None:
    """One line a step, and every problem below its step."""
    for report in reports:
        mark = "[green]✓[/]" if report.passed else "[red]✗[/]"
        console.print(f"{mark} [bold]{escape(report.slug)}[/] {escape(report.title)}  [dim]{report.seconds:.1f} s[/]")
        for step in report.steps:
            _print_step(step, console)
        for problem in report.problems:
            console.print(f"    [red]{escape(problem)}[/]")
        if report.engine_error:
            console.print(f"    [yellow]Not tried: {escape(report.engine_error)}[/]")


def _print_step(step: StepReport, console: Console) -> None:
    mark = "[red]✗[/]" if step.problems else "[green]✓[/]"
    words = f"{step.checks} check{'' if step.checks == 1 else 's'}"
    console.print(f"  {mark} {step.number}. {escape(step.title)}  [dim]{words}, {step.seconds:.1f} s[/]")
    for problem in step.problems:
        for line in problem.split("\n"):
            console.print(f"      [red]{escape(line)}[/]", soft_wrap=True)


def print_mistakes(slug: str, mistakes: Sequence[AuthorError], console: Console) -> None:
    """Each mistake as file, line, sentence, and what to write instead."""
    if not mistakes:
        console.print(f"[green]✓[/] [bold]{escape(slug)}[/]")
        return
    console.print(f"[red]✗[/] [bold]{escape(slug)}[/]  [dim]{len(mistakes)} to mend[/]")
    for mistake in mistakes:
        console.print(f"    [bold]{escape(mistake.place)}[/] {escape(mistake.sentence)}", soft_wrap=True)
        details = [("found", mistake.found), ("expected", mistake.expected), ("did you mean", mistake.nearest)]
        for name, value in details:
            if value:
                console.print(f"        [dim]{name}:[/] {escape(value)}", soft_wrap=True)


def mistakes_as_json(slug: str, mistakes: Sequence[AuthorError]) -> dict[str, Any]:
    """The same for programs. Any: it is about to become JSON."""
    keys = ("error_id", "file", "line", "sentence", "found", "expected", "nearest")
    return {
        "exercise": slug,
        "ok": not mistakes,
        "mistakes": [{key: getattr(mistake, key) for key in keys} for mistake in mistakes],
    }


def reports_as_json(reports: Sequence[ExerciseReport]) -> list[dict[str, Any]]:
    """The same for programs. Any: it is about to become JSON."""
    return [{**asdict(report), "passed": report.passed} for report in reports]


def junit(reports: Sequence[ExerciseReport]) -> str:
    """JUnit XML: a suite an exercise, a case a step."""
    root = ET.Element("testsuites")
    for report in reports:
        suite = ET.SubElement(root, "testsuite", name=report.slug, time=f"{report.seconds:.3f}")
        for step in report.steps:
            case = ET.SubElement(
                suite, "testcase", classname=report.slug, name=f"{step.number} {step.title}", time=f"{step.seconds:.3f}"
            )
            _outcome(case, "failure", step.problems)
        whole = [*report.problems, *([report.engine_error] if report.engine_error else [])]
        if whole or not report.steps:
            case = ET.SubElement(suite, "testcase", classname=report.slug, name="the exercise as a whole", time="0")
            _outcome(case, "error" if report.engine_error else "failure", whole or ["It has no steps."])
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
        suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _outcome(case: ET.Element, kind: str, problems: Sequence[str]) -> None:
    if problems:
        text = "\n\n".join(problems)
        # XML has no place for control characters, and a node's output may hold any.
        text = "".join(character if character >= " " or character in "\n\t" else "�" for character in text)
        ET.SubElement(case, kind, message=text.split("\n", 1)[0][:200]).text = text
