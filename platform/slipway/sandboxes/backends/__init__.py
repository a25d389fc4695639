"""Which engine this installation uses, and this process's open sessions with its nodes."""

from __future__ import annotations

import functools

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from slipway.sandboxes.backends.base import Backend
from slipway.sandboxes.nodes import NodeSessions


@functools.cache
def get_backend() -> Backend:
    """The backend named by `SLIPWAY_BACKEND`: `docker`, or `fake` for trying pages without an engine."""
    if settings.SLIPWAY_BACKEND == "docker":
        from slipway.sandboxes.backends.docker import DockerBackend  # noqa: PLC0415 - only who uses it loads it

        return DockerBackend(settings.SLIPWAY_DOCKER_HOST, installation=settings.SLIPWAY_INSTALLATION)
    if settings.SLIPWAY_BACKEND == "fake":
        from slipway.sandboxes.backends.fake import FakeBackend  # noqa: PLC0415 - as above

        return FakeBackend()
    raise ImproperlyConfigured(f"SLIPWAY_BACKEND must be docker or fake, not {settings.SLIPWAY_BACKEND!r}.")


@functools.cache
def worker_sessions() -> NodeSessions:
    """The sessions that the worker's loop thread keeps open; used on that loop alone."""
    return NodeSessions(get_backend())
