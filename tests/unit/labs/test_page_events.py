"""What an open lab page is told besides the picture: notices in its language, a hint's price, that it is signed out."""

from __future__ import annotations

from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session

from slipway.attempts import services
from slipway.attempts.models import Attempt


async def test_a_notice_reaches_the_page_in_its_language(attempt: Attempt, page: WebsocketCommunicator) -> None:
    sentence = "The checks could not be run just now. Nothing was counted against you."
    await database_sync_to_async(services.tell_notice)(attempt=attempt, sentence=sentence)
    told = await page.receive_json_from(timeout=5)
    assert (told["type"], told["level"]) == ("notice", "warning")
    assert told["sentence"].startswith("Ahora mismo no se han podido")


async def test_an_opened_hint_tells_the_page_the_score_once(attempt: Attempt, page: WebsocketCommunicator) -> None:
    step = attempt.current_step
    await database_sync_to_async(services.record_hint)(attempt=attempt, step=step, hint=1)
    told = await page.receive_json_from(timeout=5)
    assert (told["type"], told["step"], told["results"]) == ("checks", step, [])
    await database_sync_to_async(services.record_hint)(attempt=attempt, step=step, hint=1)
    assert await page.receive_nothing()


async def test_a_page_left_open_learns_that_its_person_has_signed_out(
    page: WebsocketCommunicator, session: str
) -> None:
    await page.send_json_to({"type": "ping"})
    assert await page.receive_json_from(timeout=5) == {"type": "pong"}
    await Session.objects.filter(session_key=session).adelete()
    await page.send_json_to({"type": "ping"})
    assert (await page.receive_output(timeout=5))["code"] == 4401
