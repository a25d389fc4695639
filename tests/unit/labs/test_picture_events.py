"""The picture on a lab page's WebSocket: told on connecting and on request, changes passed on, in its language."""

from __future__ import annotations

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from slipway.accounts.models import User
from slipway.attempts import services
from slipway.attempts.models import Attempt
from slipway.clusters import store
from slipway.core.events import publish_now, sandbox_group
from slipway.core.json import JSON
from slipway.sandboxes.backends.fake import FakeBackend

PROBLEM: JSON = {"id": "quorum-lost", "sentence": "whatever a node's platform said"}


@pytest.fixture
def attempt(learner: User, backend: FakeBackend) -> Attempt:
    """The learner's first lab, its machines ready."""
    return services.open_attempt(owner=learner, exercise_slug="docker-networking")


def event(attempt: Attempt, sequence: int = 7, **content: JSON) -> dict[str, JSON]:
    """A `cluster` event of the attempt's sandbox."""
    content = content or {"snapshot": {"version": 1, "nodes": [], "problems": [PROBLEM]}}
    return {"type": "cluster", "sandbox": str(attempt.sandbox_id), "sequence": sequence, **content}


@pytest.fixture(autouse=True)
async def _kept(attempt: Attempt) -> None:
    """The observer has looked at the machines before a page connects."""
    await database_sync_to_async(store.keep)(attempt.sandbox_id, event(attempt))


async def test_a_page_that_connects_gets_the_picture_after_the_overview(
    attempt: Attempt, page: WebsocketCommunicator
) -> None:
    told = await page.receive_json_from(timeout=5)
    assert (told["type"], told["sequence"]) == ("cluster", 7)
    assert told["snapshot"]["problems"][0]["sentence"].startswith("El swarm ha perdido")


async def test_a_cluster_that_misses_what_it_needs_says_so_in_the_pages_language_and_offers_new_machines(
    attempt: Attempt, page: WebsocketCommunicator
) -> None:
    await page.receive_json_from(timeout=5)
    gone: JSON = {"id": "cluster-dns-deleted", "sentence": "", "new_machines": "what a node said"}
    await publish_now(
        sandbox_group(attempt.sandbox_id), "cluster.event", event(attempt, 9, changes={"problems": [gone, PROBLEM]})
    )
    dns, quorum = (await page.receive_json_from(timeout=5))["changes"]["problems"]
    assert dns["sentence"].startswith("Se ha borrado el DNS del clúster")
    assert (dns["new_machines"], quorum["new_machines"]) == (True, False)


async def test_a_page_that_asks_gets_the_latest_picture(attempt: Attempt, page: WebsocketCommunicator) -> None:
    await page.receive_json_from(timeout=5)
    await database_sync_to_async(store.keep)(attempt.sandbox_id, event(attempt, 8))
    await page.send_json_to({"type": "cluster"})
    assert (await page.receive_json_from(timeout=5))["sequence"] == 8


async def test_changes_reach_the_page_in_its_language(attempt: Attempt, page: WebsocketCommunicator) -> None:
    await page.receive_json_from(timeout=5)
    group = sandbox_group(attempt.sandbox_id)
    changed = event(attempt, 9, changes={"problems": [PROBLEM], "left_out": {"tasks": 3}})
    await publish_now(group, "cluster.event", changed)
    told = await page.receive_json_from(timeout=5)
    assert told["changes"]["problems"][0]["sentence"].startswith("El swarm ha perdido")
    assert told["changes"]["left_out"] == {"tasks": 3}
    rates: dict[str, JSON] = {"type": "traffic", "sandbox": str(attempt.sandbox_id), "rates": []}
    await publish_now(group, "cluster.event", rates)
    assert await page.receive_json_from(timeout=5) == rates


async def test_only_a_page_that_shows_the_picture_is_counted_as_watching(
    attempt: Attempt, page: WebsocketCommunicator
) -> None:
    await page.receive_json_from(timeout=5)
    await page.send_json_to({"type": "watch", "on": "yes"})
    await page.send_json_to({"type": "ping"})
    await page.receive_json_from(timeout=5)
    assert not await database_sync_to_async(store.is_watched)(attempt.sandbox_id)
    await page.send_json_to({"type": "watch", "on": True})
    await page.send_json_to({"type": "ping"})
    await page.receive_json_from(timeout=5)
    assert await database_sync_to_async(store.is_watched)(attempt.sandbox_id)
    assert await database_sync_to_async(store.count)() == (1, 1)
