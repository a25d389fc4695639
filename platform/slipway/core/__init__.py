"""Errors, ids, logs, environment: what every room stands on. Imports nothing of ours."""
