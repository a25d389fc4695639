"""What all tests share: a Redis of their own, people, topologies, the fake backend."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from django.conf import settings
from django.test import Client
from django.utils import translation

from slipway.accounts.models import User
from slipway.sandboxes import backends
from slipway.sandboxes.backends.docker import DockerBackend
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.topology import NodeSpec, Topology
from tests.live import LivePlatform
from tests.waiting import wait_until

# A busy machine draws and tries examples slowly; that says nothing about the code.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _folder() -> Iterator[None]:
    """Remove the run's var folder at the end."""
    yield
    shutil.rmtree(settings.SLIPWAY_VAR, ignore_errors=True)


@pytest.fixture(autouse=True)
def _no_language() -> None:
    """A request in another language sets it for whatever its thread does next: no test is to find an earlier one's."""
    translation.deactivate()


@pytest.fixture(scope="session")
def redis_server(_folder: None) -> Iterator[redis.Redis]:
    """A real Redis on a socket of its own."""
    socket = Path(settings.SLIPWAY_REDIS_SOCKET)
    socket.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    wait_until(socket.exists, seconds=10, what="Redis")
    connection = redis.Redis(unix_socket_path=str(socket))
    yield connection
    connection.close()
    process.terminate()
    process.wait(10)


@pytest.fixture(autouse=True)
def _clean_redis(request: pytest.FixtureRequest) -> None:
    """Tests that touch the database may use Redis too, and find it empty."""
    if {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("redis_server").flushall()


@pytest.fixture
def use_backend() -> Iterator[Callable[[FakeBackend], FakeBackend]]:
    """Install a backend for the whole process, for one test."""

    def install(backend: FakeBackend) -> FakeBackend:
        backends.use(backend)
        return backend

    yield install
    backends.use(None)


@pytest.fixture
def backend(use_backend: Callable[[FakeBackend], FakeBackend]) -> FakeBackend:
    """A well-behaved fake."""
    return use_backend(FakeBackend())


@pytest.fixture
def learner(transactional_db: None) -> User:
    """A learner."""
    return User.objects.create_user("learner", password="a good password")


@pytest.fixture
def session(learner: User) -> str:
    """The key of the learner's session."""
    client = Client()
    client.force_login(learner)
    return str(client.session.session_key)


@pytest.fixture
def stranger(transactional_db: None) -> User:
    """Another learner."""
    return User.objects.create_user("stranger", password="a good password")


@pytest.fixture
def two_nodes() -> Topology:
    """The machines of the first lab."""
    return Topology(nodes=(NodeSpec(name="node1"), NodeSpec(name="node2")))


@pytest.fixture(scope="session")
def live_platform() -> Iterator[LivePlatform]:
    """A whole installation with a real engine, shared by all tests that need one."""
    platform = LivePlatform()
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()
        platform.remove()


@pytest.fixture(scope="session")
def docker_backend(live_platform: LivePlatform) -> DockerBackend:
    """The Docker backend on the live installation's engine, with sandboxes of its own."""
    return DockerBackend(live_platform.docker_host, installation="backend-tests")
