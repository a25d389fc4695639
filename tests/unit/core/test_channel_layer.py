"""The channel layer as it is configured outside of tests."""

from __future__ import annotations

from typing import Any, cast

from channels_redis.core import RedisChannelLayer

from slipway.config import settings


def test_a_quiet_page_is_not_cut_off_by_the_time_limit_of_its_own_listener() -> None:
    layer = cast("dict[str, Any]", settings.CHANNEL_LAYERS["default"])  # Django's settings are of any type
    assert layer["BACKEND"] == f"{RedisChannelLayer.__module__}.{RedisChannelLayer.__name__}"
    (host,) = layer["CONFIG"]["hosts"]
    assert host["socket_timeout"] >= 2 * RedisChannelLayer.brpop_timeout
