"""The events WebSocket of a lab page: everything first, then whatever changes.

The channel layer may lose a message; a page that connects again gets the whole state, so nothing stays wrong for long.
The page itself says little here: that it is there, that it missed a change of the picture, that it shows it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from slipway.accounts.models import User
from slipway.accounts.selectors import still_signed_in
from slipway.attempts import selectors
from slipway.clusters import store
from slipway.clusters.problems import in_words
from slipway.core.errors import SlipwayError
from slipway.core.events import attempt_group, sandbox_group
from slipway.core.json import JSON, as_mapping, as_text
from slipway.core.languages import language_of
from slipway.sandboxes.states import Reason

_SIGN_IN, _NOT_FOUND = 4401, 4404


class EventsConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # Channels ships no types
    """One open lab page."""

    _sandbox = ""

    async def connect(self) -> None:
        """Check whose attempt it is, listen, then tell everything."""
        await self.accept()
        self._user = self.scope.get("user")
        self._language = language_of(self.scope)
        self._attempt: UUID = self.scope["url_route"]["kwargs"]["attempt"]
        if not isinstance(self._user, User):
            await self.close(_SIGN_IN)
            return
        await self.channel_layer.group_add(attempt_group(self._attempt), self.channel_name)
        try:
            await self._tell_everything()
        except SlipwayError as error:
            with translation.override(self._language):
                await self.send_json({"type": "notice", "level": "error", "sentence": _(error.sentence)})
            await self.close(_NOT_FOUND)

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 - Channels' signature
        """Stop listening."""
        await self.channel_layer.group_discard(attempt_group(self._attempt), self.channel_name)
        await self._listen_to_sandbox("")

    async def receive_json(self, content: Any, **_: Any) -> None:
        """Pages ask whether we are there, ask for the picture, or say that they show it."""
        match as_text(as_mapping(content).get("type")):
            case "ping":
                if await database_sync_to_async(self._is_signed_in)():
                    await self.send_json({"type": "pong"})
                else:
                    await self.close(_SIGN_IN)
            case "cluster":
                await self._tell_cluster()
            case "watch" if self._sandbox and as_mapping(content).get("on") is True:
                with suppress(RedisError, OSError):
                    await sync_to_async(store.watch, thread_sensitive=False)(UUID(self._sandbox))

    @classmethod
    async def decode_json(cls, text_data: str) -> JSON:
        """What is not JSON is nothing."""
        try:
            decoded: JSON = await super().decode_json(text_data[:1000])
        except ValueError:
            return None
        return decoded

    async def attempt_event(self, message: dict[str, Any]) -> None:
        """The attempt changed; a new sandbox is listened to from then on."""
        event = message["event"]
        # Whoever published it does not know this page's language.
        if event.get("type") == "overview":
            await self._tell_everything()
        elif event.get("type") == "notice":
            with translation.override(self._language):
                told = {**event, "sentence": _(event["sentence"])}
            await self.send_json(told)
        else:
            await self.send_json(event)

    async def sandbox_event(self, message: dict[str, Any]) -> None:
        """The sandbox changed."""
        event = message["event"]
        with translation.override(self._language):
            await self.send_json({**event, "sentence": str(Reason(event["reason"]).label)})

    async def cluster_event(self, message: dict[str, Any]) -> None:
        """The picture changed, or something goes through it."""
        with translation.override(self._language):
            told = in_words(message["event"])
        await self.send_json(told)

    async def _tell_cluster(self) -> None:
        """The latest picture; there is none until the observer has looked at machines that are ready."""
        if not self._sandbox:
            return
        with suppress(RedisError, OSError):
            latest = await sync_to_async(store.latest, thread_sensitive=False)(UUID(self._sandbox))
            if latest is not None:
                await self.cluster_event({"event": latest})

    async def _tell_everything(self) -> None:
        view = await database_sync_to_async(self._overview)()
        await self._listen_to_sandbox(as_text(as_mapping(view["sandbox"]).get("sandbox")))
        # Whatever happened between the first look and listening is in this one.
        await self.send_json(await database_sync_to_async(self._overview)())
        await self._tell_cluster()

    def _is_signed_in(self) -> bool:
        """Whether the page's person is still signed in; while the database cannot say, they are."""
        session = self.scope["session"].session_key or ""
        try:
            return isinstance(self._user, User) and still_signed_in(session=session, person=self._user.pk)
        except DatabaseError:
            return True

    def _overview(self) -> dict[str, JSON]:
        assert isinstance(self._user, User)  # noqa: S101 - connect saw to it
        with translation.override(self._language):
            return selectors.overview(selectors.get_attempt(attempt_id=self._attempt, owner=self._user))

    async def _listen_to_sandbox(self, sandbox: str) -> None:
        if sandbox == self._sandbox:
            return
        if self._sandbox:
            await self.channel_layer.group_discard(sandbox_group(UUID(self._sandbox)), self.channel_name)
        if sandbox:
            await self.channel_layer.group_add(sandbox_group(UUID(sandbox)), self.channel_name)
        self._sandbox = sandbox
