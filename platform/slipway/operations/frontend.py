"""Builds what browsers load (static/dist) from static/src when its inputs have changed."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from slipway.operations import toolchains

_ROOT = Path(__file__).resolve().parents[3]
_DIST = _ROOT / "static" / "dist"
_STAMP = _ROOT / "node_modules" / ".slipway-built"
_INPUTS = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


class BuildFailed(Exception):
    """The front end could not be built; the message ends with the tool's own words."""


def ensure_front_end(cache: Path) -> bool:
    """Install packages and build; returns whether there was anything to do. Raises `BuildFailed`."""
    digest = _digest()
    if _DIST.is_dir() and _STAMP.exists() and _STAMP.read_text() == digest:
        return False
    environment = toolchains.environment(cache)
    for command in (["npm", "ci"], ["npm", "run", "build"]):
        done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildFailed(f"“{' '.join(command)}” failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    _STAMP.write_text(digest)
    return True


def _inputs() -> Iterator[Path]:
    for name in _INPUTS:
        if (_ROOT / name).exists():
            yield _ROOT / name
    yield from sorted(path for path in (_ROOT / "static" / "src").rglob("*") if path.is_file())


def _digest() -> str:
    digest = hashlib.sha256()
    for path in _inputs():
        digest.update(str(path.relative_to(_ROOT)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
