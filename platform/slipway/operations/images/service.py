"""Builds what is missing and says what is there: the one door to the images.

Every step appears in the cache whole or not at all, so a build that was cut off goes on where it was. Building needs
no engine; only putting images into it does.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import docker
import docker.errors

from slipway.operations.images.archive import write_archive
from slipway.operations.images.binaries import GoProgram, build_program
from slipway.operations.images.engine_images import image_digest, is_current, put_image
from slipway.operations.images.layers import Layer, load_layer, make_layer, save_layer
from slipway.operations.images.recipes import EngineImage, Recipes, RegistryImage, Rootfs, short_digest
from slipway.operations.images.registry import ensure_registry, wait_for_registry
from slipway.operations.images.rootfs import BuildError, build_rootfs
from slipway.operations.images.store import StoredImage, write_store

REGISTRY_SET = "images for learners"
CONFORMANCE = "conformance"  # the name of all that Kubernetes' own tests need
_CONFORMANCE_PROGRAMS = ("ginkgo", "e2e.test")
CARRIED = "/usr/share/slipway/images"  # where an image lays down what it carries for its nodes' containerd
_BUILDERS = 2
_SHORT_OF_DISK = 4 * 2**30


class Progress(Protocol):
    """Hears what is being made, what just happens to it, and whether that was the last of it."""

    def __call__(self, name: str, doing: str, *, done: bool = False) -> None: ...


@dataclass(frozen=True)
class ImagePlace:
    """Where images come from and go: `cache` outlives checkouts; `sources` maps a program's name to how it is built;
    `files` maps an engine image's name to what is copied into it and where."""

    recipes: Recipes
    cache: Path
    sources: Mapping[str, GoProgram]
    files: Mapping[str, Mapping[Path, str]] = field(default_factory=dict)

    @property
    def blobs(self) -> Path:
        """Compressed layers, named by digest."""
        return self.cache / "layers"

    @property
    def registry(self) -> Path:
        """One folder of registry storage for every set of images."""
        return self.cache / "registry"

    def layer_record(self, rootfs: Rootfs) -> Path:
        """Where the layer made from this root file system is remembered."""
        return self.cache / "rootfs" / f"{rootfs.name}-{self.recipes.digest(rootfs)}.json"


@dataclass(frozen=True)
class ImageStatus:
    """One image: `ready`, or why not in `detail`; `size` is its compressed size in bytes, 0 when unknown."""

    name: str
    ready: bool
    detail: str
    size: int = 0


def ensure_images(
    place: ImagePlace,
    *,
    docker_host: str | None,
    only: str | None = None,
    fresh: bool = False,
    progress: Progress,
) -> None:
    """Build what is missing, put it into the engine (None: build only) and have the registry serve it.

    `only` is the name of an engine image or of a root file system; without it, images that are marked `later` are
    left out. When it is `CONFORMANCE`, the programs of Kubernetes' own tests are built, and the registry serves their
    images beside those for learners. `fresh` ignores what the cache has. Raises `BuildError`, or
    `docker.errors.DockerException` when the engine does not answer.
    """
    for folder in (place.blobs, place.registry, place.cache / "rootfs", place.cache / "bin"):
        folder.mkdir(parents=True, exist_ok=True)
    images = _wanted_images(place.recipes, only)
    wanted = _wanted_rootfs(place.recipes, only)
    served = _served_images(place.recipes, only)
    # Before the lock: other builds must not wait for the minutes that these may take.
    _build_programs(place, _wanted_programs(images, wanted, only), progress)
    with _alone(place.cache, progress):
        _build_layers(place, wanted, fresh=fresh, progress=progress)
        if {image.rootfs for image in served} <= set(wanted):
            _write_registry(place, served, progress)
        if docker_host is not None:
            with contextlib.closing(docker.DockerClient(docker_host, timeout=600)) as client:
                _fill_engine(place, client, images, served, progress)


def image_status(place: ImagePlace, *, docker_host: str | None) -> list[ImageStatus]:
    """What is there and what is missing; asks the engine when it answers and never builds anything."""
    statuses = []
    client = None
    if docker_host is not None:
        with contextlib.suppress(docker.errors.DockerException):
            client = docker.DockerClient(docker_host, timeout=10)
    for image in place.recipes.engine.values():
        rootfs = place.recipes.rootfs[image.rootfs]
        try:
            layer = load_layer(place.layer_record(rootfs))
        except FileNotFoundError:
            statuses.append(ImageStatus(image.name, ready=False, detail="not built"))
            continue
        if client is None:
            detail, ready = "built; the engine does not answer", False
        else:
            files = _files(place, image)
            ready = files is not None and is_current(client, image, image_digest(image, layer, files))
            built = "built, not in the engine" if files is not None else "its programs are not built"
            detail = "in the engine" if ready else built
        statuses.append(ImageStatus(image.name, ready=ready, detail=detail, size=layer.size))
    stored = _stored_set(place, place.recipes.learner)
    ready = stored is not None and stored.exists()
    detail = f"{len(place.recipes.learner)} images" if ready else "not built"
    statuses.append(ImageStatus(REGISTRY_SET, ready=ready, detail=detail, size=_size(stored) if stored else 0))
    if client is not None:
        client.close()
    return statuses


def _wanted_rootfs(recipes: Recipes, only: str | None) -> dict[str, Rootfs]:
    """The root file systems to build, bases first."""
    if only is None:
        names = [*(image.rootfs for image in recipes.engine.values()), *(image.rootfs for image in recipes.learner)]
    elif only == CONFORMANCE:
        names = [image.rootfs for image in _served_images(recipes, only)]
    elif only in recipes.engine:
        names = [recipes.engine[only].rootfs]
    elif only in recipes.rootfs:
        names = [only]
    else:
        raise BuildError(f"there is no image {only}; there are {', '.join(sorted({*recipes.engine, *recipes.rootfs}))}")
    chains = [recipes.chain(recipes.rootfs[name]) for name in names]
    members = {member.name: member for chain in chains for member in chain}
    return dict(sorted(members.items(), key=lambda item: len(recipes.chain(item[1]))))


def _wanted_images(recipes: Recipes, only: str | None) -> list[EngineImage]:
    """The engine images to make: the one named, or those on the named file system, or all; never later ones unnamed."""
    if only is not None and only in recipes.engine:
        return [recipes.engine[only]]
    return [image for image in recipes.engine.values() if not image.later and only in {None, image.rootfs}]


def _wanted_programs(images: Sequence[EngineImage], wanted: Mapping[str, Rootfs], only: str | None) -> Sequence[str]:
    """What must be compiled before these engine images and root file systems can be made."""
    in_images = [name for image in images for name in (*image.binaries, *(each.program for each in image.carries))]
    in_rootfs = [name for rootfs in wanted.values() for name in rootfs.binaries]
    return [*in_images, *in_rootfs, *(_CONFORMANCE_PROGRAMS if only == CONFORMANCE else ())]


def _served_images(recipes: Recipes, only: str | None) -> tuple[RegistryImage, ...]:
    """What the registry serves: learners' images, and those of Kubernetes' own tests when these are asked for."""
    return (*recipes.learner, *(recipes.conformance if only == CONFORMANCE else ()))


def _build_programs(place: ImagePlace, names: Sequence[str], progress: Progress) -> None:
    for name in names:
        program, folder = place.sources[name], place.cache / "bin"
        if program.path(folder).exists():
            continue
        progress(name, "compiling")
        try:
            build_program(program, folder, functools.partial(progress, name))
        except subprocess.CalledProcessError as error:
            raise BuildError(f"{name} does not compile:\n{error.stderr}") from error
        progress(name, "compiled", done=True)


def _build_layers(place: ImagePlace, wanted: Mapping[str, Rootfs], *, fresh: bool, progress: Progress) -> None:
    """Build every missing layer, two at a time; each after all that lie below it."""
    missing = [rootfs for rootfs in wanted.values() if fresh or not _has_layer(place, rootfs)]
    if not missing:
        return
    tools = [name for name in ("mmdebstrap", "zstd", "tar") if shutil.which(name) is None]
    if tools:
        raise BuildError(f"missing on this machine: {', '.join(tools)}")
    if shutil.disk_usage(place.cache).free < _SHORT_OF_DISK:
        raise BuildError(f"less than {_SHORT_OF_DISK // 2**30} GiB are free below {place.cache}")
    stages: dict[int, list[Rootfs]] = {}
    for rootfs in missing:
        stages.setdefault(len(place.recipes.chain(rootfs)), []).append(rootfs)
    with ThreadPoolExecutor(_BUILDERS) as pool:
        for _, stage in sorted(stages.items()):
            list(pool.map(lambda rootfs: _build_layer(place, rootfs, progress), stage))


def _has_layer(place: ImagePlace, rootfs: Rootfs) -> bool:
    try:
        layer = load_layer(place.layer_record(rootfs))
    except (FileNotFoundError, ValueError):
        return False
    return (place.blobs / layer.digest.replace(":", "-")).exists()


def _build_layer(place: ImagePlace, rootfs: Rootfs, progress: Progress) -> Layer:
    tar = place.cache / "rootfs" / f"{rootfs.name}-{place.recipes.digest(rootfs)}.tar"
    below = tar.with_suffix(".base.tar")
    # Packages install into all of what is below; files of ours are the layer as they are.
    compared = bool(rootfs.base and rootfs.suite)
    try:
        build_rootfs(place.recipes, rootfs, tar, lambda doing: progress(rootfs.name, doing))
        progress(rootfs.name, "compressing")
        if compared:
            base = load_layer(place.layer_record(place.recipes.rootfs[rootfs.base]))
            blob = place.blobs / base.digest.replace(":", "-")
            subprocess.run(["zstd", "-q", "-f", "-d", str(blob), "-o", str(below)], check=True)
        layer = make_layer(tar, below if compared else None, place.blobs)
        save_layer(layer, place.layer_record(rootfs))
    finally:
        tar.unlink(missing_ok=True)
        below.unlink(missing_ok=True)
    progress(rootfs.name, f"built, {layer.size / 1e6:.0f} MB", done=True)
    return layer


def _write_registry(place: ImagePlace, served: Sequence[RegistryImage], progress: Progress) -> None:
    """Lay the images out as the storage of the registry."""
    target = _stored_set(place, served)
    if target is None or target.exists():
        return
    images = []
    for image in served:
        rootfs = place.recipes.rootfs[image.rootfs]
        suite = next((member.suite for member in place.recipes.chain(rootfs) if member.suite), "")
        origin = f"Debian {suite} packages" if suite else "small program of Slipway's"
        what = "example for labs" if image.repository.startswith("slipway/") else "stand-in for the public image"
        labels = {
            "org.opencontainers.image.title": image.repository.removeprefix("library/"),
            "org.opencontainers.image.description": f"Slipway's {what}, made from {origin}",
        }
        images.append(StoredImage(image.repository, image.tags, _layers(place, image), image.config.to_oci(labels)))
    write_store(images, place.blobs, target)
    progress("registry", f"{len(images)} images laid out, {_size(target) / 1e6:.0f} MB", done=True)


def _fill_engine(
    place: ImagePlace,
    client: docker.DockerClient,
    images: Sequence[EngineImage],
    served: Sequence[RegistryImage],
    progress: Progress,
) -> None:
    for image in images:
        rootfs = place.recipes.rootfs[image.rootfs]
        layer = load_layer(place.layer_record(rootfs))
        files = _files(place, image)
        if files is None:
            raise BuildError(f"programs of {image.name} have changed while they were built; try again")
        digest = image_digest(image, layer, files)
        if is_current(client, image, digest):
            continue
        progress(image.name, "putting into the engine")
        put_image(client, image, layer=layer, blobs=place.blobs, digest=digest, files=files)
        progress(image.name, "in the engine", done=True)
    stored = _stored_set(place, served)
    if stored is not None and stored.exists() and _has_registry_image(client) and ensure_registry(client, stored.name):
        if not wait_for_registry(client, seconds=15):
            raise BuildError("the registry does not come up; see `docker logs slipway-registry`")
        progress("registry", "serving", done=True)


def _has_registry_image(client: docker.DockerClient) -> bool:
    return bool(client.images.list("slipway/registry:current"))


def _stored_set(place: ImagePlace, served: Sequence[RegistryImage]) -> Path | None:
    """The folder for this set of images in the registry, named by what is in it; None while a layer is missing."""
    images = []
    for image in served:
        try:
            layers = [layer.digest for layer in _layers(place, image)]
        except FileNotFoundError:
            return None
        images.append(f"{image.repository} {image.tags} {image.config} {layers}")
    return place.registry / short_digest("\n".join(images))


def _layers(place: ImagePlace, image: RegistryImage) -> tuple[Layer, ...]:
    chain = place.recipes.chain(place.recipes.rootfs[image.rootfs])
    return tuple(load_layer(place.layer_record(member)) for member in chain)


def _files(place: ImagePlace, image: EngineImage) -> dict[Path, str] | None:
    """What goes into the image's last layer and where; None while one of its programs is not built."""
    programs = {name: source.path(place.cache / "bin") for name, source in place.sources.items()}
    if not all(programs[name].exists() for name in [*image.binaries, *(each.program for each in image.carries)]):
        return None
    files = {programs[name]: target for name, target in image.binaries.items()}
    for carried in image.carries:
        archive = write_archive(carried, programs[carried.program], place.cache / "bin")
        files[archive] = f"{CARRIED}/{carried.program}.tar"
    if image.overlay:
        files[place.recipes.folder / image.overlay] = "/"
    files.update(place.files.get(image.name, {}))
    return files


@contextlib.contextmanager
def _alone(cache: Path, progress: Progress) -> Iterator[None]:
    """Hold the cache's lock; says so when another build has it and waits."""
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("images", "waiting for another build to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("data"))
