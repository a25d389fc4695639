"""Turns root file systems into image layers: a file system of its own, or what it adds to another one.

Layers are content-addressed blobs compressed with zstd; nothing here knows a registry or an engine.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path

_LEVEL = "-12"


@dataclass(frozen=True)
class Layer:
    """One layer: `digest` and `size` (bytes) of the compressed blob, `diff_id` of what it unpacks to."""

    digest: str
    diff_id: str
    size: int


def make_layer(tar: Path, base: Path | None, blobs: Path) -> Layer:
    """Compress `tar`, or only what it adds to `base`, into the folder `blobs` as `sha256-HEX`."""
    source = tar
    partial = blobs / f".{tar.stem}.{os.getpid()}"
    difference = blobs / f".{tar.stem}.{os.getpid()}.difference"
    try:
        if base is not None:
            write_difference(base, tar, difference)
            source = difference
        diff_id = f"sha256:{_sha256(source)}"
        subprocess.run(["zstd", "-q", "-f", "-T0", _LEVEL, str(source), "-o", str(partial)], check=True)
        layer = Layer(digest=f"sha256:{_sha256(partial)}", diff_id=diff_id, size=partial.stat().st_size)
        partial.chmod(0o644)
        partial.rename(blobs / layer.digest.replace(":", "-"))
        return layer
    finally:
        partial.unlink(missing_ok=True)
        difference.unlink(missing_ok=True)


def save_layer(layer: Layer, path: Path) -> None:
    """Remember a layer beside the build it came from."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(asdict(layer)))
    partial.rename(path)


def load_layer(path: Path) -> Layer:
    """What `save_layer` remembered; raises `FileNotFoundError` when there is nothing."""
    return Layer(**json.loads(path.read_text()))


def write_difference(base: Path, tar: Path, target: Path) -> None:
    """Write the entries of `tar` that `base` lacks or has otherwise, and a whiteout for each that only `base` has."""
    with tarfile.open(base) as below:
        known = {_name(entry): _identity(below, entry) for entry in below}
    seen = set()
    with tarfile.open(tar) as above, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as output:
        for entry in above:
            name = _name(entry)
            seen.add(name)
            if known.get(name) != _identity(above, entry):
                output.addfile(entry, above.extractfile(entry) if entry.isreg() else None)
        gone = sorted(set(known) - seen)
        for name in gone:
            folder, _, last = name.rpartition("/")
            if folder not in gone:
                output.addfile(tarfile.TarInfo(f"{folder}/.wh.{last}" if folder else f".wh.{last}"))


def _name(entry: tarfile.TarInfo) -> str:
    return entry.name.removeprefix("./").rstrip("/")


def _identity(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> tuple[object, ...]:
    """What makes two entries of one name the same; times of change do not count."""
    content = ""
    if entry.isreg() and (file := tar.extractfile(entry)):
        content = hashlib.sha256(file.read()).hexdigest()
    attributes = {key: value for key, value in entry.pax_headers.items() if key.startswith("SCHILY.xattr.")}
    return (entry.type, entry.mode, entry.uid, entry.gid, entry.linkname, content, str(attributes))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
