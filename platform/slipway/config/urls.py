"""Where each address leads. The rooms hold their own tables; this one only joins them."""

from django.urls import include, path

from slipway.operations.views import healthz, metrics, readyz

urlpatterns = [
    path("", include("labs.urls")),
    path("accounts/", include("slipway.accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
