"""The operator's table of settings and the settings themselves."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_every_variable_that_is_read_is_in_the_operators_table_and_no_other() -> None:
    settings = (ROOT / "platform/slipway/config/settings.py").read_text()
    read = set(re.findall(r'\b(?:text|words|networks|number|megabytes|flag|get)\(\s*"(SLIPWAY_\w+)"', settings))
    rows = re.findall(r"^\| (`SLIPWAY_.*?) \|", (ROOT / "docs/operate.md").read_text(), re.MULTILINE)
    documented = set(re.findall(r"SLIPWAY_\w+", " ".join(rows)))
    assert documented == read
