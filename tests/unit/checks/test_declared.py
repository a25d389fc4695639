"""Reading declarations without running them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.checks.declared import declared_checks, read_declarations
from slipway.core.errors import AuthorError

GOOD = """
import os
from slipway.checks import check, expect

os.abort()  # never runs

def helper(): ...

@check("The page answers on port {port}", points=2, within=10, stable=2.5, keeps=True)
def page(lab):
    ...

@check("Another")
def another(lab): ...
"""


def test_checks_are_read_in_order_without_running_the_file() -> None:
    page, another = declared_checks(GOOD, "checks.py")
    assert (page.id, page.points, page.within, page.stable, page.keeps) == ("page", 2, 10, 2.5, True)
    assert page.line == 10
    assert page.title_for({"port": 8080}) == "The page answers on port 8080"
    assert page.placeholders == ("port",)
    assert (another.points, another.within, another.keeps) == (1, 0, False)


@pytest.mark.parametrize(
    ("source", "error_id", "line", "nearest"),
    [
        ('@check("A", point=2)\ndef a(lab): ...', "check-unknown-argument", 1, "points"),
        ('@check("A", points="2")\ndef a(lab): ...', "check-wrong-type", 2, ""),
        ('@check("A", points=True)\ndef a(lab): ...', "check-wrong-type", 2, ""),
        ('@check("A", within=10**6)\ndef a(lab): ...', "check-not-literal", 1, ""),
        ('@check("A", within=1000)\ndef a(lab): ...', "check-wrong-type", 2, ""),
        ('@check("A", keeps=1)\ndef a(lab): ...', "check-wrong-type", 2, ""),
        ('@check(title())\ndef a(lab): ...', "check-not-literal", 1, ""),
        ("@check\ndef a(lab): ...", "check-without-title", 2, ""),
        ('@check("  ")\ndef a(lab): ...', "check-without-title", 2, ""),
        ('@check("A", 2)\ndef a(lab): ...', "check-wrong-arguments", 1, ""),
        ('@check("A")\ndef a(): ...', "check-wrong-arguments", 2, ""),
        ('@check("A")\nasync def a(lab): ...', "check-is-async", 2, ""),
        ('@check("A")\ndef a(lab): ...\n@check("A")\ndef b(lab): ...', "check-duplicate-title", 4, ""),
        ('@check("A")\ndef a(lab): ...\n@check("B")\ndef a(lab): ...', "check-duplicate-name", 4, ""),
        ("def a(:", "checks-not-python", 1, ""),
        ("\0", "checks-not-python", 0, ""),
        ("x" * 300_000, "checks-too-large", 0, ""),
        ("-" * 100_000 + "1", "checks-not-python", 0, ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(source: str, error_id: str, line: int, nearest: str) -> None:
    with pytest.raises(AuthorError) as caught:
        declared_checks(source, "checks.py")
    assert caught.value.error_id == error_id
    assert caught.value.nearest == nearest
    assert caught.value.line in {line, 1} if error_id == "checks-not-python" else caught.value.line == line


def test_all_mistakes_are_found_at_once() -> None:
    source = '@check("A", point=2)\ndef a(lab): ...\n@check("B")\ndef b(): ...\n@check("C")\ndef c(lab): ...'
    found = read_declarations(source, "checks.py")
    assert [mistake.line for mistake in found.mistakes] == [1, 4]
    assert [check.id for check in found.checks] == ["c"]


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_stumble(source: str) -> None:
    read_declarations(source, "checks.py")
