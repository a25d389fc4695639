"""People who come without an account: guests, their limits, where they are sent, their language."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from slipway.accounts import services as accounts
from slipway.accounts.models import User
from slipway.attempts.models import Attempt
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.states import State

pytestmark = pytest.mark.usefixtures("small_lab")
START = "/labs/two-nodes/start"


def test_a_visitor_becomes_a_guest_by_starting_a_lab(
    client: Client, backend: FakeBackend, transactional_db: None
) -> None:
    answer = client.post(START, {"guest": "yes"})
    attempt = Attempt.objects.get()
    assert answer.url == f"/attempts/{attempt.pk}/"
    assert attempt.owner.is_guest
    assert client.get(answer.url).status_code == 200


def test_a_guest_who_signs_out_leaves_no_machines(client: Client, backend: FakeBackend, transactional_db: None) -> None:
    client.post(START, {"guest": "yes"})
    assert backend.survey()
    assert "your machines end" in client.get("/accounts/logout/").content.decode()
    assert client.post("/accounts/logout/").status_code == 302
    assert not backend.survey()
    assert Attempt.objects.get().sandbox.current is State.GONE


def test_machines_of_somebody_with_an_account_outlast_signing_out(mine: Client, backend: FakeBackend) -> None:
    mine.post(START)
    assert mine.post("/accounts/logout/").status_code == 302
    assert backend.survey()
    assert Attempt.objects.get().sandbox.current is State.READY


def test_a_visitor_who_did_not_ask_to_be_a_guest_signs_in_first(client: Client, transactional_db: None) -> None:
    assert client.post(START).url == "/accounts/login/?next=/labs/two-nodes/"
    assert not User.objects.exists()


def test_starting_again_opens_the_same_lab(client: Client, backend: FakeBackend, transactional_db: None) -> None:
    first = client.post(START, {"guest": "yes"})
    assert client.post(START).url == first.url
    assert Attempt.objects.count() == 1


def test_one_address_may_bring_so_many_guests_an_hour(settings: LazySettings, transactional_db: None) -> None:
    settings.SLIPWAY_GUESTS_PER_HOUR = 2
    for _ in range(2):
        assert Client().post("/accounts/guest/").url == "/"
    refused = Client()
    answer = refused.post("/accounts/guest/", follow=True)
    assert "Too many guests came from your network" in answer.content.decode()
    assert User.objects.count() == 2


def test_a_lab_that_too_many_guests_asked_for_says_so(
    client: Client, settings: LazySettings, backend: FakeBackend, transactional_db: None
) -> None:
    settings.SLIPWAY_GUESTS_PER_HOUR = 1
    assert Client().post(START, {"guest": "yes"}).status_code == 302
    answer = client.post(START, {"guest": "yes"}, follow=True)
    assert "Too many guests came from your network" in answer.content.decode()


def test_where_guests_are_not_welcome_nobody_becomes_one(
    client: Client, settings: LazySettings, backend: FakeBackend, transactional_db: None
) -> None:
    settings.SLIPWAY_GUESTS = False
    assert "Try without an account" not in client.get("/labs/two-nodes/").content.decode()
    answer = client.post(START, {"guest": "yes"}, follow=True)
    assert "asks everyone to sign in" in answer.content.decode()
    assert not User.objects.exists()


def test_a_word_that_is_no_path_leads_a_new_guest_to_the_catalogue(client: Client, transactional_db: None) -> None:
    assert client.post("/accounts/guest/", {"next": "nonsense"}).url == "/"


def test_a_refused_guest_reads_why_in_their_language(
    client: Client, settings: LazySettings, transactional_db: None
) -> None:
    settings.SLIPWAY_GUESTS = False
    answer = client.post("/accounts/guest/", HTTP_ACCEPT_LANGUAGE="es", follow=True)
    assert "asks everyone to sign in" not in answer.content.decode()


def test_where_no_mail_can_be_sent_a_forgotten_password_says_whom_to_ask(client: Client, learner: User) -> None:
    page = client.get("/accounts/password/reset/").content.decode()
    assert "sends no mail" in page
    assert "Send the link" not in page
    assert client.post("/accounts/password/reset/", {"email": "learner@school.example"}).status_code == 302


def test_while_redis_is_away_a_page_says_to_try_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    def away(**_: object) -> None:
        raise RedisConnectionError("no such socket")

    monkeypatch.setattr(accounts, "create_guest", away)
    answer = client.post("/accounts/guest/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "3")
    assert "does not answer for a moment" in answer.content.decode()


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", "http:///elsewhere.example"]
)
def test_nobody_is_sent_elsewhere(client: Client, learner: User, target: str) -> None:
    assert client.post("/accounts/guest/", {"next": target}).url == "/"
    signed_in = Client().post("/accounts/login/", {"login": "learner", "password": "a good password", "next": target})
    assert signed_in.status_code == 302
    assert signed_in.url == "/"
    assert "elsewhere" not in client.post("/i18n/setlang/", {"language": "es", "next": target}).url


def test_a_guest_is_sent_where_they_wanted_to_be(client: Client, transactional_db: None) -> None:
    assert client.post("/accounts/guest/", {"next": "/labs/two-nodes/"}).url == "/labs/two-nodes/"


@pytest.mark.parametrize(("asked", "spoken"), [("es", "es"), ("es-MX,es;q=0.9", "es"), ("fr", "en"), ("", "en")])
def test_pages_speak_the_browsers_language_as_far_as_they_can(
    client: Client, transactional_db: None, asked: str, spoken: str
) -> None:
    page = client.get("/", headers={"accept-language": asked}).content.decode()
    assert f'<html lang="{spoken}">' in page


def test_the_language_one_has_chosen_wins(mine: Client, attempt: Attempt) -> None:
    mine.post("/i18n/setlang/", {"language": "es"})
    page = mine.get(f"/attempts/{attempt.pk}/", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="es">' in page
    assert "Una red propia" in page
    assert "¿Qué es un puente?" in page


def test_refusals_speak_the_language_too(mine: Client, attempt: Attempt) -> None:
    answer = mine.post(
        f"/attempts/{attempt.pk}/step", "{}", content_type="application/json", headers={"accept-language": "es"}
    )
    assert answer.json()["error"]["sentence"] == "Este laboratorio no tiene ese paso."
