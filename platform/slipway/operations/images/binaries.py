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
    """A program: the Go module at `source`, a package in it, and what the linker sets (variable to text).

    `tests`: the program that runs the package's tests, instead of the package's own.
    """

    source: Path
    package: str = "."
    variables: Mapping[str, str] = field(default_factory=dict)
    tests: bool = False

    @property
    def name(self) -> str:
        """What its files are called."""
        name = self.source.name if self.package == "." else Path(self.package).name
        return f"{name}.test" if self.tests else name

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
    linked = " ".join(["-s -w", *(f"-X {name}={text}" for name, text in sorted(program.variables.items()))])
    flags = ["-trimpath", "-buildvcs=false", "-ldflags", linked]
    try:
        if program.tests:
            # Go is silent while it builds tests, so what they are made from is compiled first, which it tells of.
            _run_go(program, ["build", "-v", *flags[:2], *_packages_below(program)], say)
            _run_go(program, ["test", "-c", *flags, "-o", str(partial), program.package], say)
        else:
            _run_go(program, ["build", "-v", *flags, "-o", str(partial), program.package], say)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


def _packages_below(program: GoProgram) -> list[str]:
    """What the tests of the program's package import from its own module; that brings the rest with it."""
    line = '{{if and .Module (not .ForTest) (ne .Name "main")}}{{.ImportPath}} {{.Module.Path}}{{end}}'
    command = [find_go(), "list", "-deps", "-test", "-f", line, program.package]
    listed = subprocess.run(command, cwd=program.source, env=_environment(), capture_output=True, text=True, check=True)
    module_of = dict(line.split() for line in listed.stdout.splitlines() if line)
    return [package for package, module in module_of.items() if module == module_of[program.package]]


def _run_go(program: GoProgram, arguments: list[str], say: Callable[[str], None]) -> None:
    command = [find_go(), *arguments]
    with subprocess.Popen(
        command,
        cwd=program.source,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines = _follow(process.stderr or [], say)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr="\n".join(lines[-12:]))


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0"}


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
