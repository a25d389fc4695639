"""Measurements of a live installation. No test fails on a time; ratios where there is something to compare."""

import os

import django

# Clusters for tests ask the installation's defaults for what a node may use.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "slipway.config.settings")
django.setup()
