"""A small exercise and a learner's attempt at it, on the fake backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.accounts.models import User
from slipway.attempts import selectors, services
from slipway.attempts.models import Attempt
from slipway.sandboxes.backends.fake import FakeBackend

EXERCISE = """
title: Two steps
summary: A small exercise.
minutes: 5
level: beginner
topology:
  nodes:
    - {name: node1, kind: docker}
parameters:
  port: {pick: [8080, 8081, 8088, 9090]}
hint_cost: 1
steps: [01-first.md, 02-second.md]
"""
FIRST = """---
title: First
checks: [network_is_there, page_answers]
---
Make a network.

::: hint
Look at `docker network create`.
:::

::: quiz why
Which one?

- [ ] This one.

  No, the other.
- [x] That one.

  Yes.
:::
"""
SECOND = """---
title: Second
checks: [still_clean]
---
Clean up.
"""
CHECKS = """
from slipway.checks import check, expect

@check("A network is there", points=3, within=1)
def network_is_there(lab):
    expect(len(lab.node("node1").docker.networks()), "networks").at_least(1)

@check("The page answers on port {port}", points=5, keeps=True)
def page_answers(lab):
    expect(lab.node("node1").http(f"http://localhost:{lab.params.port}/").status, "status").equals(200)

@check("Nothing is left", points=2)
def still_clean(lab):
    expect(len(lab.node("node1").docker.containers()), "running containers").equals(0)
"""


@pytest.fixture
def _exercises(tmp_path: Path, settings: pytest.FixtureRequest) -> None:
    folder = tmp_path / "two-steps"
    folder.mkdir()
    for name, text in {
        "exercise.yaml": EXERCISE,
        "01-first.md": FIRST,
        "02-second.md": SECOND,
        "checks.py": CHECKS,
    }.items():
        (folder / name).write_text(text)
    settings.SLIPWAY_EXERCISES = tmp_path


@pytest.fixture
def attempt(learner: User, backend: FakeBackend, _exercises: None) -> Attempt:
    """The learner's attempt at the exercise, its machine ready."""
    opened = services.open_attempt(owner=learner, exercise_slug="two-steps")
    return selectors.get_attempt(attempt_id=opened.pk, owner=learner)
