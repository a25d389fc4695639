"""Builds the small static Go programs of this repository, once for every state of their sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from slipway.operations.images.recipes import digest_of_files


def build_program(source: Path, package: str, cache: Path) -> Path:
    """The binary of `package` in the Go module at `source`, from the cache when its sources have not changed.

    Raises `FileNotFoundError` without a Go toolchain, `subprocess.CalledProcessError` when it does not compile.
    """
    files = [path for path in sorted(source.rglob("*")) if path.suffix == ".go" or path.name in {"go.mod", "go.sum"}]
    # Tests change nothing of what is built.
    digest = digest_of_files(path for path in files if not path.name.endswith("_test.go"))
    name = source.name if package == "." else Path(package).name
    target = cache / f"{name}-{hashlib.sha256((digest + package).encode()).hexdigest()[:16]}"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    command = [find_go(), "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", str(partial), package]
    try:
        subprocess.run(command, cwd=source, check=True, env={**os.environ, "CGO_ENABLED": "0"})
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def find_go() -> str:
    """The Go toolchain: the machine's, or the one that came as a Python package."""
    beside = Path(sys.executable).parent / "go"
    found = shutil.which("go") or (str(beside) if beside.exists() else None)
    if found is None:
        raise FileNotFoundError("no Go toolchain on this machine")
    return found
