"""Checks written in shell: `checks/NAME.sh` with a few lines of comment at its top that say what `@check` says.

Each becomes a check like any other: a function that is put behind the author's own in what the examiner is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from slipway.checks.declared import CheckSpec
from slipway.core.errors import AuthorError
from slipway.exercises.mistakes import Mistakes
from slipway.exercises.schema import ShellCheckSchema, validate
from slipway.exercises.yaml_tree import read_yaml

_FILE = re.compile(r"checks/([a-z][a-z0-9_]{0,60})\.sh\Z")
_LONGEST = 16_384

_IMPORTS = """

from slipway.checks import check as _check
from slipway.checks.authoring.shell_checks import run_script as _run_script
"""
_FUNCTION = """

@_check({title!r})
def {name}(lab):
    _run_script(lab, {node!r}, {script!r}, lab.params.all(), expected={title!r})
"""


@dataclass(frozen=True, slots=True)
class ShellCheck:
    """One script that can be used."""

    spec: CheckSpec
    file: str
    node: str
    script: str


def read_shell_checks(texts: Mapping[str, str], nodes: Sequence[str], mistakes: Mistakes) -> list[ShellCheck]:
    """All scripts below checks/; notes what is wrong with the others."""
    return [check for name, text in sorted(texts.items()) if (check := _read(name, text, nodes, mistakes))]


def with_shell_checks(source: str, checks: Sequence[ShellCheck]) -> str:
    """The author's checks.py with a function behind it for each script."""
    functions = (
        _FUNCTION.format(title=check.spec.title, name=check.spec.id, node=check.node, script=check.script)
        for check in checks
    )
    return source + _IMPORTS + "".join(functions) if checks else source


def _read(name: str, text: str, nodes: Sequence[str], mistakes: Mistakes) -> ShellCheck | None:
    if not name.startswith("checks/"):
        return None
    found = _FILE.match(name)
    if found is None or len(text) > _LONGEST:
        mistakes.note(
            "shell-check-name",
            f"A shell check is called checks/name.sh and has at most {_LONGEST} characters.",
            file=name,
            found=name,
            expected="checks/page_answers.sh",
        )
        return None
    header = list(_header(text))
    try:
        tree = read_yaml("\n".join(line for _, line in header), file=name, first_line=header[0][0] if header else 1)
    except AuthorError as mistake:
        mistakes.found.append(mistake)
        return None
    said = validate(ShellCheckSchema, tree, file=name, mistakes=mistakes)
    if said is None:
        return None
    if said.node not in nodes:
        mistakes.note(
            "unknown-node",
            "There is no such node.",
            file=name,
            line=tree.line(("node",)),
            found=said.node,
            among=nodes,
        )
    spec = CheckSpec(
        found[1], said.title, said.points, float(said.within), float(said.stable), said.keeps, header[0][0]
    )
    return ShellCheck(spec, name, said.node, text)


def _header(text: str) -> Iterator[tuple[int, str]]:
    """The comment lines at the top, without their signs and the shebang, each with its number."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.startswith("#"):
            return
        if not line.startswith("#!"):
            yield number, line.removeprefix("#").removeprefix(" ")
