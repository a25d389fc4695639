"""What an operator's monitoring asks: is the process alive, can it do its work, how many of what."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis.exceptions import RedisError

from slipway.clusters import store
from slipway.core import locks
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.states import State


def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - a view's signature
    """The web process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - a view's signature
    """Whether the database and Redis answer; status 503 when one does not, and which."""
    found = {"database": _database_answers(), "redis": _redis_answers()}
    return JsonResponse(found, status=200 if all(found.values()) else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(locks.connection().ping())
    except (RedisError, OSError):
        return False


def metrics(request: HttpRequest) -> HttpResponse:
    """Sandboxes by state, pictures of them and how many are looked at, for Prometheus at an address that may ask."""
    address = request.META["REMOTE_ADDR"]
    if not any(ip_address(address) in network for network in settings.SLIPWAY_METRICS_FROM):
        return HttpResponseForbidden(f"SLIPWAY_METRICS_FROM does not name {address}.\n", content_type="text/plain")
    registry = CollectorRegistry()
    gauge = Gauge("slipway_sandboxes", "Sandboxes by state", ["state"], registry=registry)
    counts = dict(Sandbox.objects.values_list("state").annotate(Count("id")))
    for state in State:
        gauge.labels(state=state.value).set(counts.get(state.value, 0))
    with suppress(RedisError, OSError):  # without Redis there are no pictures to count
        pictures, watched = store.count()
        Gauge("slipway_pictures", "Sandboxes whose picture is kept up to date", registry=registry).set(pictures)
        Gauge("slipway_pictures_watched", "Pictures that somebody looks at", registry=registry).set(watched)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
