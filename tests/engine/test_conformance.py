"""It is Kubernetes, not a likeness: upstream's own tests of what learners do, against the cluster of a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.sandboxes.backends.docker import DockerBackend
from tests.conformance import suite
from tests.engine.clusters import Cluster, wait_for_image
from tests.live import LivePlatform

pytestmark = pytest.mark.engine

_PROCESSES = 8  # they wait more than they work


@pytest.fixture
def cluster(live_platform: LivePlatform, docker_backend: DockerBackend) -> Iterator[Cluster]:
    """A cluster on which nothing has run, whose registry has the images of the tests."""
    wait_for_image(live_platform)
    suite.serve_images(live_platform)
    made = Cluster(docker_backend, suite.TOPOLOGY)
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.mark.timeout(900)
def test_kubernetes_own_tests_of_pods_services_volumes_and_rollouts_pass(cluster: Cluster, tmp_path: Path) -> None:
    wanted = suite.subset()
    outcomes = suite.run(cluster, tmp_path, processes=_PROCESSES, only=wanted)
    failed = [outcome.name for outcome in outcomes if not outcome.passed]
    assert not failed, "\n".join(["conformance tests failed:", *failed, "", suite.failures(tmp_path)])
    assert sorted(outcome.name for outcome in outcomes) == sorted(wanted)
