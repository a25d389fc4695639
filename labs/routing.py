"""The address of a lab page's events."""

from django.urls import path

from labs.consumers import EventsConsumer

websocket_urlpatterns = [path("ws/attempts/<uuid:attempt>/", EventsConsumer.as_asgi())]
