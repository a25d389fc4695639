"""Runs the registry that nodes pull from: one container of our engine without any network.

It listens on a unix socket in a volume that every node mounts read-only. Its storage is mounted read-only too, so
nothing a learner sends can change what another one pulls.
"""

from __future__ import annotations

import time

import docker
import docker.errors
from docker.types import Mount

from slipway.operations.engine_config import INSIDE_REGISTRY

VOLUME = "slipway-registry"
CONTAINER = "slipway-registry"
IMAGE = "slipway/registry:current"
SOCKET = "/run/slipway-registry/registry.sock"

_LABEL = "slipway.images"


def ensure_registry(client: docker.DockerClient, set_digest: str) -> bool:
    """Have the registry serve this set of images; returns whether anything had to be done.

    Raises `docker.errors.DockerException` when the engine or the image is not there.
    """
    image = client.images.get(IMAGE)
    wanted = {_LABEL: set_digest, "slipway.role": "registry"}
    try:
        running = client.containers.get(CONTAINER)
        same = running.status == "running" and running.labels.get(_LABEL) == set_digest
        if same and running.image is not None and running.image.id == image.id:
            return False
        running.remove(force=True, v=False)
    except docker.errors.NotFound:
        pass
    _prepare_volume(client)
    client.containers.run(
        IMAGE,
        name=CONTAINER,
        labels=wanted,
        detach=True,
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit="256m",
        pids_limit=128,
        restart_policy={"Name": "always"},
        mounts=[
            Mount("/run/slipway-registry", VOLUME, type="volume", no_copy=True),
            Mount("/storage", str(INSIDE_REGISTRY / set_digest), type="bind", read_only=True),
        ],
    )
    return True


def _prepare_volume(client: docker.DockerClient) -> None:
    """Make the volume, empty and owned by the registry's user: it must be able to put its socket there."""
    client.volumes.create(VOLUME, labels={"slipway.role": "registry"})
    client.containers.run(
        IMAGE,
        entrypoint=["/bin/sh", "-c"],
        command=["rm -f /volume/registry.sock && chown 65534:65534 /volume && chmod 755 /volume"],
        user="0:0",
        network_mode="none",
        remove=True,
        mounts=[Mount("/volume", VOLUME, type="volume", no_copy=True)],
    )


def wait_for_registry(client: docker.DockerClient, *, seconds: float) -> bool:
    """Whether the registry listens within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        container = client.containers.get(CONTAINER)
        if container.status == "running" and container.exec_run(["test", "-S", SOCKET]).exit_code == 0:
            return True
        time.sleep(0.05)
    return False
