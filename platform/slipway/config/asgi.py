"""The web process: HTTP by Django, WebSockets by Channels, both behind the same session and origin checks.

Previews of nodes' ports stand before both, under names of their own.
"""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slipway.config.settings")
_http = get_asgi_application()

from labs.routing import websocket_urlpatterns as lab_sockets  # noqa: E402 - Django must be set up first
from slipway.previews.app import WithPreviews  # noqa: E402
from slipway.terminals.routing import websocket_urlpatterns as terminal_sockets  # noqa: E402

application = WithPreviews(
    ProtocolTypeRouter(
        {
            "http": _http,
            "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([*terminal_sockets, *lab_sockets]))),
        }
    )
)
