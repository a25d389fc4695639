"""A copy of the fixture exercise that a test may spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "exercises"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The fixture exercise, to be changed at will."""
    copy = tmp_path / "two-nodes"
    shutil.copytree(FIXTURES / "two-nodes", copy)
    return copy
