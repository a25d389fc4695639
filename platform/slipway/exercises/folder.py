"""Reads what lies in an exercise's folder, and nothing outside it: no links that lead out, no devices, nothing huge.

An author's folder is untrusted: every name, type and size is looked at before a byte is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.exercises.mistakes import Mistakes

_MOST_FILES = 500
_LARGEST = {".yaml": 64 * 1024, ".md": 256 * 1024, ".py": 256 * 1024, ".sh": 64 * 1024}
_LARGEST_ASSET = 10 * 2**20
_LARGEST_FOLDER = 50 * 2**20
_TEXTS = frozenset(_LARGEST)
# What editors and operating systems leave behind.
_IGNORED = frozenset(
    {"__pycache__", ".git", ".DS_Store", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".idea", ".vscode"}
)


@dataclass(frozen=True, slots=True)
class Files:
    """The texts of a folder by their path in it, the names of its assets, and a digest of everything."""

    texts: dict[str, str]
    assets: frozenset[str]
    digest: str


def read_folder(folder: Path, mistakes: Mistakes) -> Files:
    """Read the folder; whatever cannot be used is noted as a mistake and left out."""
    texts: dict[str, str] = {}
    assets: set[str] = set()
    digest = hashlib.sha256()
    total = 0
    for count, (name, path) in enumerate(_walk(folder, folder.resolve(), mistakes)):
        if count >= _MOST_FILES:
            mistakes.note("too-many-files", f"An exercise may have {_MOST_FILES} files.", file=name)
            break
        is_asset = name.startswith("assets/")
        suffix = "" if is_asset else path.suffix
        limit = _LARGEST.get(suffix, _LARGEST_ASSET)
        content = _read(path, name, limit, mistakes)
        if content is None:
            continue
        total += len(content)
        if total > _LARGEST_FOLDER:
            mistakes.note("folder-too-large", f"An exercise may have {_LARGEST_FOLDER // 2**20} MiB.", file=name)
            break
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
        if is_asset:
            assets.add(name.removeprefix("assets/"))
        elif suffix in _TEXTS:
            text = _decoded(content, name, mistakes)
            if text is not None:
                texts[name] = text
    return Files(texts, frozenset(assets), digest.hexdigest())


def fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of the folder's files: changes whenever the folder's content does, and is cheap."""
    marks = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - _IGNORED)
        for name in sorted(files)[: _MOST_FILES + 1]:
            path = Path(root, name)
            try:
                status = path.stat()
            except OSError:
                continue
            marks.append((str(path), status.st_size, status.st_mtime_ns))
        if len(marks) > _MOST_FILES:
            break
    return tuple(marks)


def _walk(folder: Path, top: Path, mistakes: Mistakes) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        name = path.relative_to(folder).as_posix() if folder == top else str(path.relative_to(top))
        if path.name in _IGNORED or path.name.endswith((".pyc", "~", ".swp")):
            continue
        if path.is_symlink() and not _stays_inside(path, top):
            mistakes.note(
                "link-out", "This link leads out of the exercise's folder.", file=name, expected="a file in the folder"
            )
        elif path.is_dir() and not path.is_symlink():
            yield from _walk(path, top, mistakes)
        else:
            yield name, path


def _stays_inside(path: Path, top: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(top)
    except (OSError, RuntimeError):
        return False


def _read(path: Path, name: str, limit: int, mistakes: Mistakes) -> bytes | None:
    """At most `limit` bytes of an ordinary file; None, noted, for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - the descriptor, so that nobody swaps the file
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                mistakes.note("not-a-file", "This is not an ordinary file.", file=name)
                return None
            content = file.read(limit + 1)
    except OSError as error:
        mistakes.note("unreadable", f"This cannot be read: {error.strerror}.", file=name)
        return None
    if len(content) > limit:
        mistakes.note(
            "file-too-large",
            "This file is too large.",
            file=name,
            found=f"more than {limit // 1024} KiB",
            expected=f"at most {limit // 1024} KiB",
        )
        return None
    return content


def _decoded(content: bytes, name: str, mistakes: Mistakes) -> str | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        mistakes.note("not-utf8", "This is not UTF-8 text.", file=name, line=line, expected="UTF-8 text")
        return None
    text = text.replace("\r\n", "\n")
    for character in text:
        # Control characters are never meant; the private ones mark placeholders while a guide is rendered.
        if (character < " " and character not in "\n\t") or "\ue000" <= character <= "\uf8ff":
            line = text[: text.index(character)].count("\n") + 1
            mistakes.note(
                "binary", "This file holds characters that no text has.", file=name, line=line, found=repr(character)
            )
            return None
    return text
