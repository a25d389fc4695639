"""Kubernetes' own tests against the cluster of a sandbox."""

from tests.programs import set_up_django

set_up_django()
