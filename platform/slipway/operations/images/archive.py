"""Writes an image of one static program as an archive that a node's containerd imports at boot, without a registry."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

from slipway.operations.images.recipes import CarriedImage
from slipway.operations.images.store import ARCHITECTURES, CREATED, IMAGE_CONFIG, IMAGE_MANIFEST

_LAYER = "application/vnd.oci.image.layer.v1.tar"  # not compressed: the archive is read at every boot of a node


def write_archive(image: CarriedImage, program: Path, folder: Path) -> Path:
    """The archive of `image` with `program` in it, made in `folder` unless it is there."""
    identity = hashlib.sha256(f"{program.name} {image}".encode()).hexdigest()[:16]
    target = folder / f"{image.program}-{identity}.tar"
    if target.exists():
        return target
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    layer = _tar({image.program: program.read_bytes()}, mode=0o755)
    config = _json(
        {
            "architecture": ARCHITECTURES[os.uname().machine],
            "os": "linux",
            "created": CREATED,
            "config": {"Entrypoint": [f"/{image.program}"], "WorkingDir": "/", "Env": ["PATH=/"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": _descriptor(IMAGE_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer)],
        }
    )
    names = {"io.containerd.image.name": image.reference}
    index = _json({"schemaVersion": 2, "manifests": [{**_descriptor(IMAGE_MANIFEST, manifest), "annotations": names}]})
    blobs = {f"blobs/sha256/{_digest(blob).partition(':')[2]}": blob for blob in (layer, config, manifest)}
    try:
        partial.write_bytes(_tar({"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": index, **blobs}))
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _tar(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    """A tar of these files, the same every time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _json(document: dict[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}
