"""The observer with nodes in memory: one event stream a node feeds the picture and the automatic checks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import redis
from channels.db import database_sync_to_async

from slipway.attempts.models import Attempt
from slipway.attempts.observer import Observer
from slipway.clusters import store
from slipway.clusters.pace import Pace
from slipway.config.celery import app as celery_app
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.backends.fake_node import FakeNode
from tests.unit.attempts.test_checking import NETWORK


@asynccontextmanager
async def observed(backend: FakeBackend, pace: Pace) -> AsyncIterator[None]:
    """An observer that runs meanwhile."""
    running = asyncio.create_task(Observer(backend, pace=pace).run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def come_about(condition: Callable[[], object], *, seconds: float = 10) -> None:
    """Wait for something that rows or Redis say."""
    async with asyncio.timeout(seconds):
        while not await database_sync_to_async(condition)():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


@pytest.fixture
def asked(attempt: Attempt, redis_server: redis.Redis) -> Iterator[Callable[[], int]]:
    """How often a worker has been asked for checks of the attempt; there is none that does them."""
    celery_app.conf.task_always_eager = False
    yield lambda: int(redis_server.llen("celery"))
    celery_app.conf.task_always_eager = True


def node_of(attempt: Attempt, backend: FakeBackend) -> FakeNode:
    """The attempt's only machine."""
    assert attempt.sandbox is not None
    return backend.nodes(attempt.sandbox.sandbox_id)["node1"]


def network_names(attempt: Attempt) -> list[str] | None:
    """The networks in the picture that pages get; None while there is no picture."""
    assert attempt.sandbox is not None
    latest = store.latest(attempt.sandbox.pk)
    return [network["name"] for network in latest["snapshot"]["networks"]] if latest else None  # type: ignore[index,call-overload,union-attr,misc]


async def test_an_event_shows_in_the_picture_and_asks_for_checks(
    attempt: Attempt, backend: FakeBackend, asked: Callable[[], int]
) -> None:
    node = node_of(attempt, backend)
    async with observed(backend, Pace(slow=60)):
        await come_about(lambda: network_names(attempt) == [] and asked() == 1)  # the stream has begun
        node.docker["/networks"] = [NETWORK]
        node.changed()
        await come_about(lambda: network_names(attempt) == ["bridge"])
        await come_about(lambda: asked() >= 2)


async def test_what_is_found_without_an_event_asks_for_checks_too(
    attempt: Attempt, backend: FakeBackend, asked: Callable[[], int]
) -> None:
    node = node_of(attempt, backend)
    async with observed(backend, Pace(slow=0.2)):
        await come_about(lambda: network_names(attempt) == [] and asked() == 1)
        node.docker["/networks"] = [NETWORK]
        await come_about(lambda: asked() == 2)
        await asyncio.sleep(1)
        assert asked() == 2, "looking again and finding the same asks for checks"


async def test_a_node_that_says_more_than_is_read_makes_the_picture_say_so(
    attempt: Attempt, backend: FakeBackend, asked: Callable[[], int]
) -> None:
    node = node_of(attempt, backend)
    async with observed(backend, Pace(slow=0.2)):
        await come_about(lambda: network_names(attempt) == [] and asked() == 1)
        for _ in range(1000):
            node.changed({"kind": "tick"})
        await come_about(lambda: "node-flooding" in str(store.latest(attempt.sandbox.pk)))  # type: ignore[union-attr]
