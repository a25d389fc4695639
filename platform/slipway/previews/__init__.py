"""Ports of nodes in a browser, each on an origin of its own."""
