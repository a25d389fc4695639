"""django-allauth's forms where a label of ours says more than theirs."""

from __future__ import annotations

from allauth.account.forms import LoginForm
from django.utils.translation import gettext_lazy as _


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth ships no types
    """Signing in with a password."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Username or email")
        self.fields["login"].widget.attrs["autocomplete"] = "username"  # theirs says "email"
        if "remember" in self.fields:
            self.fields["remember"].label = _("Stay signed in on this device")
