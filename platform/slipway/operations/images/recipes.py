"""Reads `images.toml` and gives every build a digest of its inputs.

A build whose digest is in the cache is never made again. Versions of packages are not inputs: `images --fresh` renews.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

# Part of every digest; raise it when the way of building changes what comes out.
_BUILDER = "1"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Rootfs:
    """A root file system made from Debian packages; see `images.toml` for the fields."""

    name: str
    suite: str = ""
    variant: str = ""
    packages: tuple[str, ...] = ()
    overlay: str = ""
    remove: tuple[str, ...] = ()
    script: tuple[str, ...] = ()
    base: str = ""
    binaries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunConfig:
    """How a container of an image runs unless it is told otherwise."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    stop_signal: str = ""

    def to_oci(self, labels: Mapping[str, str]) -> dict[str, object]:
        """The `config` member of an OCI image configuration."""
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        has_path = any(entry.startswith("PATH=") for entry in self.env)
        members: dict[str, object] = {
            "Env": list(self.env) if has_path else [path, *self.env],
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.cmd),
            "ExposedPorts": {port: {} for port in self.ports},
            "Volumes": {volume: {} for volume in self.volumes},
            "User": self.user,
            "WorkingDir": self.workdir,
            "StopSignal": self.stop_signal,
            "Labels": dict(labels),
        }
        return {name: value for name, value in members.items() if value}


@dataclass(frozen=True)
class CarriedImage:
    """An image that an engine image carries for the containerd of its nodes: a reference and the program in it."""

    reference: str
    program: str


@dataclass(frozen=True)
class EngineImage:
    """An image of our own engine, `slipway/NAME`: a rootfs and, in a layer above it, programs and files of ours.

    `overlay` is a folder copied to the root; `carries` are images for its nodes' containerd; `later` ones take long
    to build and are built apart, when everything else runs already.
    """

    name: str
    rootfs: str
    binaries: Mapping[str, str]
    config: RunConfig
    overlay: str = ""
    carries: tuple[CarriedImage, ...] = ()
    later: bool = False


@dataclass(frozen=True)
class RegistryImage:
    """An image of the registry."""

    repository: str
    tags: tuple[str, ...]
    rootfs: str
    config: RunConfig


@dataclass(frozen=True)
class Recipes:
    """Everything `images.toml` says. `folder` is where it lies, with the overlays beside it; `programs` are the files
    that the programs in root file systems are built to, whose names change with what they are built from."""

    folder: Path
    programs: Mapping[str, Path]
    rootfs: Mapping[str, Rootfs]
    engine: Mapping[str, EngineImage]
    learner: tuple[RegistryImage, ...]
    conformance: tuple[RegistryImage, ...]

    def chain(self, rootfs: Rootfs) -> tuple[Rootfs, ...]:
        """The root file system and all that lie below it, the lowest first."""
        below = self.chain(self.rootfs[rootfs.base]) if rootfs.base else ()
        return (*below, rootfs)

    def digest(self, rootfs: Rootfs) -> str:
        """Changes when anything changes that the root file system is made from."""
        parts = [_BUILDER, os.uname().machine, json.dumps(asdict(rootfs), sort_keys=True)]
        if rootfs.overlay:
            parts.append(digest_of_files([self.folder / rootfs.overlay]))
        if rootfs.base:
            parts.append(self.digest(self.rootfs[rootfs.base]))
        if rootfs.binaries:
            parts += [self.programs[program].name for program in sorted(rootfs.binaries)]
        return short_digest("\n".join(parts))


def load_recipes(folder: Path, programs: Mapping[str, Path]) -> Recipes:
    """Read `images.toml` in `folder`; `programs` as in `Recipes`. Raises `ValueError` naming what it does not know."""
    with (folder / "images.toml").open("rb") as file:
        data = tomllib.load(file)
    rootfs = {name: _make(Rootfs, {"name": name, **fields}) for name, fields in data["rootfs"].items()}
    engine = {}
    for name, fields in data["engine"].items():
        carries = tuple(_make(CarriedImage, carried) for carried in fields.pop("carries", []))
        own = {key: fields.pop(key) for key in ("rootfs", "binaries", "overlay", "later") if key in fields}
        engine[name] = _make(
            EngineImage,
            {"name": name, "binaries": {}, **own, "carries": carries, "config": _make(RunConfig, fields)},
        )
    learner = tuple(_registry_image(fields) for fields in data["learner"])
    conformance = tuple(_registry_image(fields) for fields in data.get("conformance", []))
    for source in [*(image.rootfs for image in engine.values()), *(image.rootfs for image in (*learner, *conformance))]:
        if source not in rootfs:
            raise ValueError(f"images.toml: there is no [rootfs.{source}]")
    for made in rootfs.values():
        for program in made.binaries:
            if program not in programs:
                raise ValueError(f"images.toml: there is no program {program}")
        if made.base and made.base not in rootfs:
            raise ValueError(f"images.toml: there is no [rootfs.{made.base}]")
        if made.base and made.suite and rootfs[made.base].base:
            # What packages add is found by comparing with one layer, which must be all that is below.
            raise ValueError(f"images.toml: below [rootfs.{made.name}] there may be one layer only")
    return Recipes(folder, programs, rootfs, engine, learner, conformance)


def _registry_image(fields: dict[str, Any]) -> RegistryImage:
    repository, tags, source = fields.pop("repository"), tuple(fields.pop("tags")), fields.pop("rootfs")
    return RegistryImage(repository, tags, source, _make(RunConfig, fields))


def digest_of_files(paths: Iterable[Path]) -> str:
    """A digest of files, and of all files below folders: names, modes and contents."""
    total = hashlib.sha256()
    for top in paths:
        if not top.exists():
            raise FileNotFoundError(top)
        files = (
            [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file() or path.is_symlink())
        )
        files = [path for path in files if path.parent.name != "__pycache__"]
        for path in files:
            if path.is_symlink() and path != top:
                total.update(f"{path.relative_to(top)}\0{path.readlink()}\0".encode())
                continue
            executable = bool(path.stat().st_mode & 0o100)
            name = path.name if path == top else path.relative_to(top)
            total.update(f"{name}\0{executable}\0{path.stat().st_size}\0".encode())
            total.update(path.read_bytes())
    return total.hexdigest()


def _make(kind: type[_T], fields: dict[str, Any]) -> _T:
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"images.toml: {error}") from error


def short_digest(text: str) -> str:
    """Sixteen characters that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
