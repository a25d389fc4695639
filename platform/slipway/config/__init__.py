"""Settings and wiring of the processes: web (asgi, urls) and worker (celery)."""

from slipway.config.celery import app as celery_app

__all__ = ["celery_app"]
