"""Says what this machine lacks for labs."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from slipway.operations.doctor import Finding, Verdict, examine

_MARKS = {Verdict.GOOD: "[green]✓ good[/]", Verdict.WEAK: "[yellow]! weak[/]", Verdict.BAD: "[red]✗ bad[/]"}


class Command(BaseCommand):
    """`manage.py doctor`."""

    help = "Say what this machine has and lacks for labs, and how to mend it. Exit status 1 when labs cannot run."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--json` for scripts."""
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Look, print, and end with the status."""
        findings = examine()
        labs_can_run = all(finding.verdict is not Verdict.BAD for finding in findings)
        if options["json"]:
            answer = {"labs_can_run": labs_can_run, "findings": [finding.as_json() for finding in findings]}
            self.stdout.write(json.dumps(answer, indent=2))
        else:
            _show(findings, labs_can_run=labs_can_run)
        if not labs_can_run:
            sys.exit(1)


def _show(findings: list[Finding], *, labs_can_run: bool) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("", "What", "Found", "What that means"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        meaning = finding.meaning + (f"\n[bold]→ {finding.mend}[/]" if finding.mend else "")
        table.add_row(_MARKS[finding.verdict], finding.subject, finding.found, meaning)
    console = Console()
    console.print(table)
    console.print(
        "\nLabs can run." if labs_can_run else "\n[red]Labs cannot run[/] until what is marked bad is mended."
    )
