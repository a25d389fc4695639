"""What programs beside the tests need before they import anything of Slipway's."""

from __future__ import annotations

import os

import django


def set_up_django() -> None:
    """As an installation has it; where pytest has set Django up already, that stays."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slipway.config.settings")
    django.setup()
