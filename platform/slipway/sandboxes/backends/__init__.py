"""Which engine this process uses, and its open sessions with nodes."""

from __future__ import annotations

import functools

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from slipway.core.loops import worker_loop
from slipway.sandboxes.backends.base import Backend
from slipway.sandboxes.nodes import NodeSessions

_chosen: Backend | None = None


def use(backend: Backend | None) -> None:
    """Use this backend from now on in place of the configured one; None goes back to that. For tests."""
    global _chosen  # noqa: PLW0603 - one a process is the point
    end_worker_sessions()
    _chosen = backend


def get_backend() -> Backend:
    """The backend of this process."""
    return _chosen or _configured()


@functools.cache
def _configured() -> Backend:
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


def end_worker_sessions() -> None:
    """Close what the worker's loop thread keeps open, if anything: before the process ends or uses another backend."""

    async def close() -> None:
        await worker_sessions().close()
        await get_backend().disconnect()

    if worker_sessions.cache_info().currsize:
        worker_loop().run(close(), timeout=10)
        worker_sessions.cache_clear()
