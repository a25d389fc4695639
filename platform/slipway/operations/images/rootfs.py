"""Makes root file systems from Debian packages with mmdebstrap.

Needs root and a Debian mirror, which it takes from the machine's own apt sources; needs no engine and no hub. A file
system appears in the cache whole or not at all.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from slipway.operations.images.recipes import Recipes, Rootfs

# What no container reads. Licences stay: Debian's rules for copies, and ours.
_EXCLUDED = ("/usr/share/man/*", "/usr/share/info/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/lintian/*")
_INCLUDED = ("/usr/share/doc/*/copyright",)
# What Python leaves beside sources that were imported, by their tests for example.
_CACHES = shutil.ignore_patterns("__pycache__")


class BuildError(Exception):
    """An image could not be built; the message is for the operator."""


def build_rootfs(recipes: Recipes, rootfs: Rootfs, target: Path, say: Callable[[str], None]) -> None:
    """Make the file system and leave it as an uncompressed tar at `target`; `say` hears what is being done."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if rootfs.suite:
            _run_mmdebstrap(recipes, rootfs, partial, say)
        else:
            _collect(recipes, rootfs, partial)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


def _run_mmdebstrap(recipes: Recipes, rootfs: Rootfs, target: Path, say: Callable[[str], None]) -> None:
    """One run of mmdebstrap; raises `BuildError` with the end of its output."""
    # mmdebstrap runs no customize hooks where packages are only extracted.
    hook = "extract" if rootfs.variant == "extract" else "customize"
    command = [
        "mmdebstrap",
        f"--variant={rootfs.variant}",
        "--mode=root",
        "--format=tar",
        "--skip=output/dev",
        f"--include={','.join(rootfs.packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _EXCLUDED),
        *(f"--dpkgopt=path-include={pattern}" for pattern in _INCLUDED),
        *(f"--{hook}-hook={line}" for line in _hooks(recipes, rootfs)),
        rootfs.suite,
        str(target),
        debian_mirror(Path("/etc/apt")),
    ]
    with tempfile.TemporaryDirectory(prefix="slipway-") as scratch:
        environment = {**os.environ, "TMPDIR": scratch, "LC_ALL": "C.UTF-8"}
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        ) as process:
            lines = []
            for line in process.stdout or ():
                lines.append(line.rstrip())
                if line.startswith("I: "):
                    say(line[3:].strip())
    if process.returncode != 0:
        raise BuildError(f"mmdebstrap could not make {rootfs.name}:\n" + "\n".join(lines[-12:]))


def _hooks(recipes: Recipes, rootfs: Rootfs) -> Iterator[str]:
    """Shell lines that mmdebstrap runs on the result; `$1` is where it lies."""
    yield 'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/etc/hostname "$1"/etc/resolv.conf'
    yield 'if [ -d "$1/var/log" ]; then find "$1/var/log" -type f -delete; fi'
    if rootfs.variant == "extract":
        for name in ("bin", "sbin", "lib", "lib64"):
            yield f'mkdir -p "$1/usr/{name}"; [ -e "$1/{name}" ] || ln -s usr/{name} "$1/{name}"'
        yield 'mkdir -p "$1/root" "$1/tmp" "$1/var" "$1/proc" "$1/sys" "$1/dev" "$1/run" "$1/etc"; chmod 1777 "$1/tmp"'
    if rootfs.overlay:
        # Copied with the modes of the files but never their owner: a checkout may belong to anybody.
        yield f'cp -R --no-preserve=ownership {shlex.quote(str(recipes.folder / rootfs.overlay))}/. "$1"/'
    for program, place in rootfs.binaries.items():
        yield f'install -D -m 755 {shlex.quote(str(recipes.programs[program]))} "$1"{shlex.quote(place)}'
    if rootfs.script:
        shell = "/bin/busybox sh" if rootfs.variant == "extract" else "/bin/sh"
        yield f'chroot "$1" {shell} -ec {shlex.quote("; ".join(rootfs.script))}'
    if rootfs.remove:
        # Patterns, so unquoted; they come from our own images.toml.
        yield 'cd "$1" && rm -rf ' + " ".join(f"./{pattern}" for pattern in rootfs.remove)


def _collect(recipes: Recipes, rootfs: Rootfs, target: Path) -> None:
    """A file system without Debian: programs of ours and an overlay."""
    with tempfile.TemporaryDirectory(prefix="slipway-") as scratch:
        for program, place in rootfs.binaries.items():
            copy = Path(scratch) / "root" / place.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(recipes.programs[program], copy)
            copy.chmod(0o755)
        if rootfs.overlay:
            shutil.copytree(recipes.folder / rootfs.overlay, Path(scratch) / "root", dirs_exist_ok=True, ignore=_CACHES)
        # The same files give the same layer, whenever they were checked out and whoever owns them.
        same = ["--owner=0", "--group=0", "--numeric-owner", "--mode=go-w", "--sort=name", "--mtime=@0"]
        subprocess.run(["tar", *same, "-C", f"{scratch}/root", "-cf", str(target), "."], check=True)


def debian_mirror(apt: Path) -> str:
    """The address of the first Debian archive in the machine's apt sources, not the security archive.

    Raises `BuildError` when there is none.
    """
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if not path.is_file():
            continue
        for uri, components in _sources(path):
            if "main" in components and uri.rstrip("/").endswith("/debian"):
                return uri
    raise BuildError("the machine's apt sources name no Debian archive with the component main")


def _sources(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(address, components) of every binary source in one file, of either format."""
    if path.suffix == ".sources":
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            lines = [line for line in stanza.splitlines() if not line.startswith("#")]
            fields = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
            if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes") != "no":
                for uri in fields.get("uris", "").split():
                    yield uri, fields.get("components", "").split()
    elif path.suffix == ".list":
        for line in path.read_text().splitlines():
            words = re.sub(r"\[.*?\]", "", line.partition("#")[0]).split()
            if len(words) >= 4 and words[0] == "deb":
                yield words[1], words[3:]
