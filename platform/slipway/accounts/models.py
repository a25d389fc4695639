"""People. A guest is a person without a password, kept by the session of one browser."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A learner, an instructor or an operator (`is_staff`)."""

    is_guest = models.BooleanField(_("guest"), default=False)
    is_instructor = models.BooleanField(_("instructor"), default=False)

    @property
    def shown_name(self) -> str:
        """What pages call this person."""
        return str(_("Guest")) if self.is_guest else self.get_full_name() or self.username
