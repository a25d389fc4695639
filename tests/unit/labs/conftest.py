"""A small lab, its learner and a browser-like client, on the fake backend."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from slipway.accounts.models import User
from slipway.attempts import selectors, services
from slipway.attempts.models import Attempt
from slipway.sandboxes.backends.fake import FakeBackend

LAB = "two-nodes"


@pytest.fixture
def small_lab(settings: LazySettings) -> None:
    """The lab of these tests is the only one there is."""
    settings.SLIPWAY_EXERCISES = Path(__file__).resolve().parents[2] / "fixtures" / "exercises"


@pytest.fixture
def attempt(learner: User, backend: FakeBackend, small_lab: None) -> Attempt:
    """The learner's attempt, its machines ready."""
    opened = services.open_attempt(owner=learner, exercise_slug=LAB)
    return selectors.get_attempt(attempt_id=opened.pk, owner=learner)


@pytest.fixture
def mine(learner: User) -> Client:
    """The learner's browser."""
    client = Client()
    client.force_login(learner)
    return client


@pytest.fixture
def theirs(stranger: User) -> Client:
    """Another learner's browser."""
    client = Client()
    client.force_login(stranger)
    return client
