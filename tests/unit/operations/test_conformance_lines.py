"""What a run of the conformance tests tells while it is under way, and the lists beside it."""

from __future__ import annotations

import pytest

from tests.conformance import suite
from tests.conformance.__main__ import summary

# As ginkgo writes them, several tests at once and verbose.
LINES = """\
Random Seed: 1764030624 - will randomize all specs

Will run 4 of 7579 specs
Running in parallel across 8 processes
------------------------------
• [4.342 seconds]
[sig-node] ConfigMap should be consumable via the environment [NodeConformance] [Conformance] [sig-node, Conformance]
k8s.io/kubernetes/test/e2e/common/node/configmap.go:44

  Timeline >>
------------------------------
• [FAILED] [61.001 seconds]
[sig-network] DNS [It] should provide DNS for services [Conformance] [sig-network, Conformance]
------------------------------
• [PANICKED] [0.100 seconds]
[sig-apps] Job [BeforeEach] should delete a job [Conformance] [sig-apps, Conformance]
------------------------------
• [FAILED] [2.000 seconds]
[sig-apps] Job [DeferCleanup (Each)] should manage the lifecycle of a job [Conformance] [sig-apps, Conformance]
""".splitlines()


def test_each_test_is_told_by_upstreams_name_when_it_has_ended() -> None:
    outcomes = [
        suite.Outcome(
            "[sig-node] ConfigMap should be consumable via the environment [NodeConformance] [Conformance]", True, 4.342
        ),
        suite.Outcome("[sig-network] DNS should provide DNS for services [Conformance]", False, 61.001),
        suite.Outcome("[sig-apps] Job should delete a job [Conformance]", False, 0.1),
        suite.Outcome("[sig-apps] Job should manage the lifecycle of a job [Conformance]", False, 2.0),
    ]
    assert list(suite.ended(LINES)) == [(outcome, 4) for outcome in outcomes]


def test_only_a_failure_that_was_not_known_fails_the_run_and_a_mended_one_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    passes, fails = suite.Outcome("passes", True, 1), suite.Outcome("fails", False, 1)
    assert summary([passes, fails], {}, set()) == 1
    assert "New failures:\n  fails" in capsys.readouterr().out
    assert summary([passes, fails], {"fails": "cannot", "passes": "could not"}, set()) == 0
    said = capsys.readouterr().out
    assert "take them off the list:\n  passes" in said
    assert "1 passed, 1 failed as known, 0 failed." in said


def test_every_known_failure_has_a_reason_and_none_is_expected_of_make_test() -> None:
    known = suite.known_failures()
    assert all(reason.strip() for reason in known.values())
    assert not set(known) & set(suite.subset())
