"""The images that learners pull: each starts as it does at home, and those that serve go on serving."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from slipway.core.ids import SandboxId
from slipway.operations.images.recipes import RegistryImage
from slipway.operations.installation import image_place
from slipway.sandboxes.backends.docker import DockerBackend
from slipway.sandboxes.topology import NodeSpec
from tests.engine.machines import Machines
from tests.engine.test_backend_contract import bring_up

pytestmark = pytest.mark.engine

_OWN = [image for image in image_place().recipes.learner if image.repository.startswith("library/")]
# Half a second is longer than any of them takes to notice that a file is missing.
_SERVES = """
docker rm -f it >/dev/null 2>&1
docker run -d --name it {image} && sleep 0.5
for try in $(seq 50); do docker exec it {ask} && break; sleep 0.1; done
docker inspect it --format '{{{{.State.Running}}}} {{{{.RestartCount}}}}'
"""


@pytest.fixture(scope="module")
def sandbox(docker_backend: DockerBackend) -> Iterator[SandboxId]:
    """One Docker node."""
    made = SandboxId(uuid.uuid4())
    bring_up(docker_backend, made, NodeSpec(name="node1"))
    yield made
    docker_backend.remove(sandbox=made)


@pytest_asyncio.fixture
async def node(docker_backend: DockerBackend, sandbox: SandboxId) -> AsyncIterator[Machines]:
    """A way to run commands on it."""
    machines = Machines(docker_backend, sandbox)
    yield machines
    await machines.leave()


@pytest.mark.parametrize(
    ("image", "ask"),
    [
        ("nginx", "curl -fsS -o /dev/null http://localhost/"),
        ("httpd:2", "curl -fsS -o /dev/null http://localhost/"),
        ("redis", "redis-cli ping"),
    ],
)
async def test_a_server_answers_and_goes_on_running(node: Machines, image: str, ask: str) -> None:
    said = await node.run("node1", _SERVES.format(image=image, ask=ask))
    assert said.splitlines()[-1] == "true 0", said


@pytest.mark.parametrize("image", _OWN, ids=lambda image: f"{image.repository}:{image.tags[0]}")
async def test_every_image_runs_a_command_and_every_tag_of_it_can_be_pulled(
    node: Machines, image: RegistryImage
) -> None:
    name = image.repository.removeprefix("library/")
    for tag in image.tags:
        await node.run("node1", f"docker pull -q {name}:{tag}")
    command = "" if name == "hello-world" else "sh -c 'echo Hello from inside'"
    assert "Hello from" in await node.run("node1", f"docker run --rm {name}:{image.tags[0]} {command}")
