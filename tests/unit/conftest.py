"""What tests of several rooms share, on the fake backend."""

from __future__ import annotations

import pytest

from slipway.accounts.models import User
from slipway.sandboxes import services
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.topology import Topology


@pytest.fixture
def sandbox(learner: User, two_nodes: Topology, backend: FakeBackend) -> Sandbox:
    """A ready sandbox of the learner's."""
    started = services.start_sandbox(owner=learner, topology=two_nodes)
    started.refresh_from_db()
    return started
