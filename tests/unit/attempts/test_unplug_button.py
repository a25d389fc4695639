"""The button that unplugs a machine: for whom, where, and when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client

from labs.page_config import lab_config
from slipway.accounts.models import User
from slipway.attempts import selectors, services
from slipway.attempts.models import Attempt
from slipway.attempts.observer import is_change
from slipway.exercises.selectors import get_exercise
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.backends.fake_node import FakeNode

Press = Callable[..., HttpResponse]


@pytest.fixture
def node(attempt: Attempt, backend: FakeBackend) -> FakeNode:
    """The attempt's machine."""
    assert attempt.sandbox is not None
    return backend.nodes(attempt.sandbox.sandbox_id)["node1"]


@pytest.fixture
def _allowed(attempt: Attempt, settings: LazySettings) -> None:
    path = Path(settings.SLIPWAY_EXERCISES) / "two-steps" / "exercise.yaml"
    path.write_text(path.read_text() + "unplug: [node1]\n")


@pytest.fixture
def press(attempt: Attempt, client: Client, learner: User) -> Press:
    """Press the button, as the attempt's owner unless told otherwise."""

    def post(*, user: User = learner, **body: object) -> HttpResponse:
        client.force_login(user)
        return client.post(f"/attempts/{attempt.pk}/unplug", body, content_type="application/json")

    return post


@pytest.mark.usefixtures("_allowed")
def test_the_button_unplugs_and_plugs_in(press: Press, node: FakeNode) -> None:
    assert press(node="node1", plugged=False).status_code == 200
    assert not node.plugged
    assert press(node="node1", plugged=True).status_code == 200
    assert node.plugged


def test_a_lab_that_does_not_say_so_has_no_plug(press: Press, node: FakeNode) -> None:
    refused = press(node="node1", plugged=False)
    assert (refused.status_code, refused.json()["error"]["id"]) == (409, "no-plug")
    assert node.plugged


@pytest.mark.usefixtures("_allowed")
def test_an_unknown_machine_or_strange_body_unplugs_nothing(press: Press, node: FakeNode) -> None:
    assert press(node="node9", plugged=False).json()["error"]["id"] == "no-plug"
    assert press(node=["node1"], plugged=False).json()["error"]["id"] == "no-plug"
    assert press(node="node1", plugged="false").status_code == 200
    assert node.plugged


@pytest.mark.usefixtures("_allowed")
def test_somebody_elses_machine_cannot_be_unplugged(press: Press, node: FakeNode, stranger: User) -> None:
    assert press(user=stranger, node="node1", plugged=False).status_code == 404
    assert node.plugged


@pytest.mark.usefixtures("_allowed")
def test_machines_that_have_ended_cannot_be_unplugged(press: Press, attempt: Attempt) -> None:
    services.end_sandbox(attempt=attempt)
    assert press(node="node1", plugged=False).json()["error"]["id"] == "not-running"


@pytest.mark.usefixtures("_allowed")
def test_the_page_is_told_which_machines_have_a_plug(attempt: Attempt, learner: User, rf, settings) -> None:
    step = services.step_of(selectors.get_attempt(attempt_id=attempt.pk, owner=learner), "first")
    config = lab_config(rf.get("/"), attempt, get_exercise(attempt.exercise), step)
    assert config["unplug"] == ["node1"]
    assert config["urls"]["unplug"] == f"/attempts/{attempt.pk}/unplug"


def test_a_plug_pulled_or_put_in_is_a_change_to_look_at() -> None:
    assert is_change({"kind": "power", "plugged": False})
