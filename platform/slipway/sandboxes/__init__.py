"""Clusters as objects with a life cycle."""
