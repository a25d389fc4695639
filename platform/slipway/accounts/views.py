"""The one page of ours about accounts: becoming a guest. The others are django-allauth's."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from slipway.accounts import services
from slipway.core.errors import LearnerError


@require_POST
def become_guest(request: HttpRequest) -> HttpResponse:
    """Sign the visitor in as a new guest and go on to where they wanted to be."""
    target = request.POST.get("next", "")
    # A path of ours and nothing else: `redirect` would take any other word for the name of a view.
    if not (target.startswith("/") and url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})):
        target = "labs:catalogue"
    if request.user.is_authenticated:
        return redirect(target)
    try:
        services.sign_in_as_guest(request)
    except LearnerError as error:
        messages.error(request, _(error.sentence))
        return redirect("account_login")
    return redirect(target)
