"""Slipway: hands-on labs on real clusters."""

__version__ = "0.1.0"
