"""How visits are counted: those that a node makes for a check, and those that a load tells of in its log."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from slipway.checks import Lab, Visits
from slipway.checks.authoring.answers import JSON
from slipway.checks.questions import permitted

UPDATE = """\
   2 s   web-78ff466769-7vqmz 10   web-78ff466769-f65np 15
   4 s   web-57b58dffcd-cpfks 1   web-78ff466769-f65np 14
   6 s   web-57b58dffcd-cpfks 30
answered by                 on          answers
web-57b58dffcd-cpfks        worker1          31
web-78ff466769-7vqmz        worker2          10
web-78ff466769-f65np        worker2          29
70 of 70 answered, 0 failed; half within 4 ms, 99 in 100 within 84 ms
"""
LOSS = """\
   2 s   web-1 20   web-2 20
   4 s
   6 s   web-1 4   FAILED 4
   8 s   FAILED 4
  10 s
  12 s   web-1 40
"""


class Shell:
    """A node whose programs print what they are told to."""

    def __init__(self, prints: str) -> None:
        self._prints = prints
        self.asked: list[Mapping[str, JSON]] = []

    def ask(self, node: str, op: str, params: Mapping[str, JSON]) -> JSON:
        """As a node answers."""
        self.asked.append(permitted({"node": node, "op": op, "params": params}, [node]).params)
        return {"exit_code": 0, "stdout": self._prints, "stderr": ""}


def visits(prints: str, *, times: int) -> tuple[Visits, Shell]:
    shell = Shell(prints)
    return Lab(shell, nodes=["node1"], parameters={}).node("node1").visits("http://node2/who", times=times), shell


def test_the_log_of_a_load_tells_the_verdict_and_who_answered_where() -> None:
    told = Visits.told(UPDATE)
    assert (told.verdict, told.finished, told.silence) == ("0 of 70 failed", True, 0)
    assert told.answers == {"web-78ff466769-7vqmz": 10, "web-78ff466769-f65np": 29, "web-57b58dffcd-cpfks": 31}
    assert told.places["web-57b58dffcd-cpfks"] == "worker1"


def test_a_load_that_still_runs_has_not_finished_and_its_longest_silence_is_known() -> None:
    told = Visits.told(LOSS)
    assert (told.verdict, told.finished) == ("8 of 92 failed", False)
    assert told.silence == 4


def test_a_load_that_was_never_answered_was_silent_all_the_time() -> None:
    assert Visits.told("   2 s   FAILED 4\n   4 s\n").silence == 4


@pytest.mark.parametrize("log", ["", "no such host\n", "\0\n" * 3, "9" * 70_000, "2 s   web " + "1" * 40])
def test_a_log_that_makes_no_sense_tells_of_no_visits(log: str) -> None:
    told = Visits.told(log)
    assert (told.total, told.finished, dict(told.answers)) == (0, False, {})


def test_a_node_counts_visits_that_were_answered_and_everything_else_as_failed() -> None:
    found, _ = visits("200 web-1 worker1\n503 web-2 worker2\n000 \n200 \n", times=6)
    assert found.verdict == "4 of 6 failed"
    assert (found.answers, found.places) == ({"web-1": 1}, {"web-1": "worker1"})


def test_a_loop_of_visits_is_one_question_and_bounded() -> None:
    _, shell = visits("", times=100_000)
    (asked,) = shell.asked
    words = asked["argv"]
    assert isinstance(words, list)
    assert words[:2] == ["bash", "-c"]
    assert words[3:] == ["visits", "http://node2/who", "200", "0.100", "2.000"]
    assert asked["timeout_ms"] == 25_000
