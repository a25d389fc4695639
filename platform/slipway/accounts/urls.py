"""Addresses of the accounts room that django-allauth does not have."""

from django.urls import path

from slipway.accounts.views import become_guest

urlpatterns = [path("guest/", become_guest, name="become_guest")]
