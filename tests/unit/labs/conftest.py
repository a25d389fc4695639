"""A small lab, its learner and a browser-like client, on the fake backend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import LazySettings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from labs.routing import websocket_urlpatterns
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


@pytest.fixture
async def page(attempt: Attempt, learner: User, session: str) -> AsyncIterator[WebsocketCommunicator]:
    """A page in Spanish that has connected and been told its overview."""
    path = f"/ws/attempts/{attempt.pk}/"
    socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), path, headers=[(b"accept-language", b"es")])
    socket.scope["user"], socket.scope["session"] = learner, SessionStore(session)
    accepted, _ = await socket.connect()
    assert accepted
    assert (await socket.receive_json_from(timeout=5))["type"] == "overview"
    yield socket
    await socket.disconnect()
