"""Puts images into our engine: a root file system as one layer, programs and files of ours as another above it.

A changed program costs a second; the file system below is imported once.
"""

from __future__ import annotations

import contextlib
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import docker
import docker.errors

from slipway.operations.images.layers import Layer
from slipway.operations.images.recipes import EngineImage, digest_of_files, short_digest

LABEL_DIGEST = "slipway.inputs"


def image_digest(image: EngineImage, layer: Layer, files: Mapping[Path, str]) -> str:
    """Changes when anything the engine image is made from does; `files` maps what is copied to where."""
    places = [f"{place}:{digest_of_files([path])}" for path, place in sorted(files.items())]
    return short_digest("\n".join([repr(image.config), layer.digest, *places]))


def is_current(client: docker.DockerClient, image: EngineImage, digest: str) -> bool:
    """Whether the engine's `slipway/NAME:current` was made from these inputs."""
    try:
        found = client.images.get(f"slipway/{image.name}:current")
    except docker.errors.ImageNotFound:
        return False
    return bool(found.labels.get(LABEL_DIGEST) == digest)


def put_image(
    client: docker.DockerClient,
    image: EngineImage,
    *,
    layer: Layer,
    blobs: Path,
    digest: str,
    files: Mapping[Path, str],
) -> None:
    """Make `slipway/NAME:current` from the layer and the files; images of before go when nothing runs from them."""
    # Named after the file system, since several images may stand on one.
    base = _import_layer(client, image.rootfs, layer, blobs)
    container = client.api.create_container(base, command=["true"], network_disabled=True)["Id"]
    try:
        with tempfile.TemporaryFile() as archive:
            _write_archive(files, archive)
            archive.seek(0)
            client.api.put_archive(container, "/", archive)
        labels = {LABEL_DIGEST: digest, "org.opencontainers.image.title": f"slipway/{image.name}"}
        configuration = {"Cmd": None, **image.config.to_oci(labels)}
        made = client.api.commit(container, conf=configuration)["Id"]
    finally:
        client.api.remove_container(container, force=True)
    client.api.tag(made, f"slipway/{image.name}", digest)
    client.api.tag(made, f"slipway/{image.name}", "current")
    _remove_older(client, image.name, keep={"current", digest, _base_tag(layer)})


def _import_layer(client: docker.DockerClient, name: str, layer: Layer, blobs: Path) -> str:
    """The image that holds just the file system, imported unless the engine has it."""
    tag = _base_tag(layer)
    with contextlib.suppress(docker.errors.ImageNotFound):
        return str(client.images.get(f"slipway/{name}:{tag}").id)
    command = ["zstd", "-q", "-d", "-c", str(blobs / layer.digest.replace(":", "-"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as unpacked:
        client.api.import_image_from_stream(unpacked.stdout, repository=f"slipway/{name}", tag=tag)
    return str(client.images.get(f"slipway/{name}:{tag}").id)


def _base_tag(layer: Layer) -> str:
    return f"base-{layer.digest.removeprefix('sha256:')[:16]}"


def _write_archive(files: Mapping[Path, str], target: IO[bytes]) -> None:
    """Write a tar of files and folders at their places, owned by root."""

    def ours(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if "__pycache__" in entry.name:
            return None
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with tarfile.open(fileobj=target, mode="w") as tar:
        for path, place in files.items():
            tar.add(path, arcname=place.lstrip("/") or ".", filter=ours)


def _remove_older(client: docker.DockerClient, name: str, *, keep: set[str]) -> None:
    for image in client.images.list(f"slipway/{name}"):
        for tag in image.tags:
            if tag.partition(":")[2] not in keep:
                with contextlib.suppress(docker.errors.APIError):
                    client.api.remove_image(tag)
