"""Brings a machine to the point where Slipway can start: packages, front end, images. Says what it does and why.

A second run looks at digests and is done in a moment. Nothing is started here but builds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker.errors
from django.conf import settings
from django.core.management import call_command
from rich.console import Console

from slipway.operations import frontend, toolchains
from slipway.operations.images.rootfs import BuildError
from slipway.operations.images.service import CONFORMANCE, ensure_images
from slipway.operations.installation import engine_config, image_place


class PreparationFailed(Exception):
    """Something could not be installed or built; the message is for the operator."""


@dataclass(frozen=True)
class Package:
    """A Debian package: the program that shows whether it is there, and what it is for."""

    name: str
    program: str
    reason: str


_FOR_RUNNING = (
    Package("redis-server", "redis-server", "carries work to the workers and news to the pages"),
    Package("gettext", "msgfmt", "compiles the translations"),
)
_FOR_OWN_ENGINE = (
    Package("docker.io", "dockerd", "the Docker Engine that labs run on, started by Slipway itself"),
    Package("iptables", "iptables", "the engine looks for it"),
    Package("iproute2", "ip", "sets up the engine's own network namespace"),
    Package("e2fsprogs", "mkfs.ext4", "makes the nodes' disks"),
    Package("mmdebstrap", "mmdebstrap", "builds the nodes' images from Debian packages"),
    Package("skopeo", "skopeo", "fills the registry that learners pull from"),
    Package("docker-registry", "docker-registry", "serves learners' images while they are built"),
    Package("zstd", "zstd", "compresses built images"),
)
_FOR_TESTS = (Package("chromium", "chromium", "the browser that the tests use"),)


def prepare(console: Console, *, for_tests: bool = False) -> None:
    """Install and build whatever is missing. Raises `PreparationFailed`."""
    wanted = _FOR_RUNNING + (_FOR_OWN_ENGINE if settings.SLIPWAY_OWN_ENGINE else ()) + (_FOR_TESTS if for_tests else ())
    install([package for package in wanted if not _is_there(package)], console)
    with _phase(console, "Building the pages") as done:
        try:
            done.worked = frontend.ensure_front_end(settings.SLIPWAY_CACHE)
        except frontend.BuildFailed as failure:
            raise PreparationFailed(str(failure)) from failure
    call_command("compilemessages", verbosity=0)
    os.environ.update(toolchains.environment(settings.SLIPWAY_CACHE))
    if settings.SLIPWAY_OWN_ENGINE:
        engine_config()  # builds the runtime
    build_images(console, docker_host=None)
    if for_tests:
        for image in image_place().recipes.engine.values():
            if image.later:
                build_images(console, docker_host=None, only=image.name)
        build_images(console, docker_host=None, only=CONFORMANCE)


def build_images(console: Console, *, docker_host: str | None, only: str | None = None) -> None:
    """Build the images that are missing and put them into the engine, when one is named. Raises `PreparationFailed`."""
    began = time.monotonic()
    with console.status("Looking at the images …") as status:

        def tell(name: str, doing: str, *, done: bool = False) -> None:
            if done:
                console.print(f"  [green]✓[/] {name}: {doing} ({time.monotonic() - began:.0f} s)")
            else:
                status.update(f"{name}: {doing} …")

        try:
            ensure_images(image_place(), docker_host=docker_host, only=only, progress=tell)
        except (BuildError, docker.errors.DockerException, FileNotFoundError) as failure:
            raise PreparationFailed(f"The images could not be built: {failure}") from failure


def _is_there(package: Package) -> bool:
    return (
        shutil.which(package.program, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") is not None
    )


def install(packages: list[Package], console: Console) -> None:
    """Install Debian packages, without starting the services that come with them."""
    if not packages:
        return
    if shutil.which("apt-get") is None:
        names = ", ".join(package.name for package in packages)
        raise PreparationFailed(f"This machine lacks {names}; only on Debian can they be installed by themselves.")
    for package in packages:
        console.print(f"  installing [bold]{package.name}[/]: {package.reason}")
    with _phase(console, "Installing packages"), _no_services():
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *(package.name for package in packages)],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise PreparationFailed(f"“{' '.join(command)}” failed:\n{(done.stdout + done.stderr)[-2000:]}")


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian from starting the services of what is installed: Slipway starts its own and disturbs nobody's."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


@dataclass
class _Outcome:
    worked: bool = True


@contextmanager
def _phase(console: Console, title: str) -> Iterator[_Outcome]:
    """Show that something is under way, and afterwards how long it took."""
    began = time.monotonic()
    outcome = _Outcome()
    with console.status(f"{title} …"):
        yield outcome
    if outcome.worked:
        console.print(f"  [green]✓[/] {title} ({time.monotonic() - began:.1f} s)")
