"""The address of a terminal: sandbox, node, shell."""

from django.urls import path

from slipway.terminals.consumers import TerminalConsumer

websocket_urlpatterns = [
    path("ws/terminals/<uuid:sandbox>/<str:node>/<str:shell>/", TerminalConsumer.as_asgi()),
]
