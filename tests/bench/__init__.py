"""Measurements of a live installation. No test fails on a time; ratios where there is something to compare."""

from tests.programs import set_up_django

set_up_django()
