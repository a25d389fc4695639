"""A check written as a shell script: it runs in a node, from a copy that the learner never sees on disk.

Exit code 0 means that it holds; the last line it prints is what was observed.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from slipway.checks.authoring.expectations import Finding, Journal, NotAsExpected, sentence
from slipway.checks.authoring.lab import Lab

_NOT_FOUND = 127


def run_script(lab: Lab, node: str, script: str, values: Mapping[str, str | int], *, expected: str) -> None:
    """Run the script in the node's bash, with the learner's values as variables, and judge its end."""
    for name, value in values.items():
        expected = expected.replace("{" + name + "}", str(value))
    variables = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items())
    end = lab.node(node).run(["/bin/bash", "-u", "-s"], stdin=variables + script, timeout=20)
    if end.exit_code == _NOT_FOUND and "bash" not in end.stderr:
        raise NotAsExpected(expected=sentence(expected), observed=f"{node} has no shell any more.")
    lines = [line for line in (end.stdout or end.stderr).splitlines() if line.strip()]
    observed = sentence(lines[-1]) if lines else f"The script ended with exit code {end.exit_code}."
    if end.timed_out:
        observed = "The script did not end within 20 seconds."
    if not end.ok:
        raise NotAsExpected(expected=sentence(expected), observed=observed)
    Journal.last = Finding(sentence(expected), observed)
