"""Lays images out as the storage of a registry (docker-registry's file system driver, version 2).

Written once as a whole folder and renamed into place, so the registry that reads it needs no write access, ever.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.operations.images.layers import Layer

IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# The same inputs give the same image on every machine.
CREATED = "2025-01-01T00:00:00Z"


@dataclass(frozen=True)
class StoredImage:
    """An image to be stored: where, from which layers, and the `config` member of its configuration."""

    repository: str
    tags: tuple[str, ...]
    layers: tuple[Layer, ...]
    config: dict[str, object]


def write_store(images: Sequence[StoredImage], blobs: Path, target: Path) -> None:
    """Make the folder `target` hold exactly these images; `blobs` has their layers. Does nothing when it exists."""
    if target.exists():
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for image in images:
            _Writer(partial / "docker" / "registry" / "v2", blobs).write(image)
        partial.chmod(0o755)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class _Writer:
    def __init__(self, top: Path, blobs: Path) -> None:
        self._top = top
        self._blobs = blobs

    def write(self, image: StoredImage) -> None:
        """Blobs, then the links that make them parts of the repository, then its tags."""
        repository = self._top / "repositories" / image.repository
        for layer in image.layers:
            self._add_layer(layer)
        config = self._add_bytes(
            {
                "architecture": ARCHITECTURES[os.uname().machine],
                "os": "linux",
                "created": CREATED,
                "config": image.config,
                "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in image.layers]},
                "history": [{"created": CREATED, "created_by": "slipway images"} for _ in image.layers],
            }
        )
        manifest = self._add_bytes(
            {
                "schemaVersion": 2,
                "mediaType": IMAGE_MANIFEST,
                "config": {"mediaType": IMAGE_CONFIG, "digest": config[0], "size": config[1]},
                "layers": [{"mediaType": _LAYER, "digest": layer.digest, "size": layer.size} for layer in image.layers],
            }
        )
        for digest in (config[0], *(layer.digest for layer in image.layers)):
            _link(repository / "_layers" / _path(digest), digest)
        _link(repository / "_manifests" / "revisions" / _path(manifest[0]), manifest[0])
        for tag in image.tags:
            _link(repository / "_manifests" / "tags" / tag / "current", manifest[0])
            _link(repository / "_manifests" / "tags" / tag / "index" / _path(manifest[0]), manifest[0])

    def _add_layer(self, layer: Layer) -> None:
        data = self._blob(layer.digest)
        if not data.exists():
            data.parent.mkdir(parents=True, exist_ok=True)
            os.link(self._blobs / layer.digest.replace(":", "-"), data)

    def _add_bytes(self, document: dict[str, object]) -> tuple[str, int]:
        content = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        data = self._blob(digest)
        data.parent.mkdir(parents=True, exist_ok=True)
        data.write_bytes(content)
        return digest, len(content)

    def _blob(self, digest: str) -> Path:
        algorithm, _, value = digest.partition(":")
        return self._top / "blobs" / algorithm / value[:2] / value / "data"


def _path(digest: str) -> str:
    return digest.replace(":", "/")


def _link(folder: Path, digest: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "link").write_text(digest)
