"""Builds the static Go programs of this repository, once for every state of their sources.

Small ones take seconds; those of Kubernetes minutes. Two builds of one program wait for each other, so that nothing is
compiled twice, and a program appears in the cache whole or not at all.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.operations.images.recipes import digest_of_files

_TELL_EVERY = 25  # packages


@dataclass(frozen=True)
class GoProgram:
    """A program: the Go module at `source`, a package in it, and what the linker sets (variable to text)."""

    source: Path
    package: str = "."
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its files are called."""
        return self.source.name if self.package == "." else Path(self.package).name

    def path(self, cache: Path) -> Path:
        """Where the program built from these sources is, or will be."""
        files = [
            path for path in sorted(self.source.rglob("*")) if path.suffix == ".go" or path.name in {"go.mod", "go.sum"}
        ]
        # Tests change nothing of what is built.
        digest = digest_of_files(path for path in files if not path.name.endswith("_test.go"))
        variables = "".join(f"{name}={text}\n" for name, text in sorted(self.variables.items()))
        return cache / f"{self.name}-{hashlib.sha256((digest + self.package + variables).encode()).hexdigest()[:16]}"


def build_program(program: GoProgram, cache: Path, say: Callable[[str], None] | None = None) -> Path:
    """The program's binary, from the cache when its sources have not changed; `say` hears how far a build has come.

    Raises `FileNotFoundError` without a Go toolchain, `subprocess.CalledProcessError` when it does not compile.
    """
    target = program.path(cache)
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / f".{program.name}.lock"):
        if not target.exists():
            _build(program, target, say or (lambda _: None))
    return target


def _build(program: GoProgram, target: Path, say: Callable[[str], None]) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    flags = " ".join(["-s -w", *(f"-X {name}={text}" for name, text in sorted(program.variables.items()))])
    command = [find_go(), "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", str(partial)]
    environment = {**os.environ, "CGO_ENABLED": "0"}
    try:
        with subprocess.Popen(
            [*command, program.package],
            cwd=program.source,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            lines = _follow(process.stderr or [], say)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, stderr="\n".join(lines[-12:]))
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


def _follow(output: Iterator[str] | list[str], say: Callable[[str], None]) -> list[str]:
    """Read what Go says: the name of each package as it is compiled, each module as it is downloaded, mistakes."""
    lines: list[str] = []
    compiled = downloaded = 0
    for line in output:
        lines.append(line.rstrip())
        if line.startswith("go: downloading"):
            downloaded += 1
            if downloaded % _TELL_EVERY == 1:
                say(f"{downloaded} modules downloaded")
        elif " " not in line.strip():
            compiled += 1
            if compiled % _TELL_EVERY == 0:
                say(f"{compiled} packages compiled")
    return lines


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find_go() -> str:
    """The Go toolchain: the machine's, or the one that came as a Python package."""
    beside = Path(sys.executable).parent / "go"
    found = shutil.which("go") or (str(beside) if beside.exists() else None)
    if found is None:
        raise FileNotFoundError("no Go toolchain on this machine")
    return found
