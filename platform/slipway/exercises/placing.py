"""Assets that lie on the nodes from the start: which ones, where, and with the learner's own values in them."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from pathlib import Path

from slipway.exercises.exercise import Exercise
from slipway.exercises.mistakes import Mistakes
from slipway.exercises.parameters import Values, note_placeholders, substitute
from slipway.exercises.schema import ExerciseSchema, PlacedFile
from slipway.exercises.step_files import MAIN
from slipway.exercises.yaml_tree import Tree
from slipway.sandboxes.files import LARGEST_FILE, NodeFile


def files_on_nodes(exercise: Exercise, values: Values) -> tuple[NodeFile, ...]:
    """What lies on the nodes of one learner; a text has their values in place of its placeholders."""
    return placed_on_nodes(exercise.placed, exercise.folder, values)


def placed_on_nodes(wanted: Iterable[PlacedFile], folder: Path, values: Values) -> tuple[NodeFile, ...]:
    """These assets of an exercise's folder, as they lie on nodes."""
    files = []
    for placed in wanted:
        content = (folder / "assets" / placed.asset).read_bytes()
        text = _text(content)
        for node in placed.nodes:
            if text is None:
                coded = base64.b64encode(content).decode()
                files.append(NodeFile(node=node, path=placed.path, content=coded, encoding="base64"))
            else:
                files.append(NodeFile(node=node, path=placed.path, content=substitute(text, values)))
    return tuple(files)


def note_placed(main: ExerciseSchema, tree: Tree, folder: Path, assets: Collection[str], mistakes: Mistakes) -> None:
    """Note files that do not exist, that are too large to be placed, and that name what is not there."""
    for index, placed in enumerate(main.files):
        for place, node in enumerate(placed.nodes):
            if node not in main.topology.names:
                mistakes.note(
                    "unknown-node",
                    "There is no such node.",
                    file=MAIN,
                    line=tree.line(("files", index, "nodes", place)),
                    found=node,
                    among=main.topology.names,
                )
        line = tree.line(("files", index, "asset"))
        if placed.asset not in assets:
            mistakes.note(
                "unknown-asset",
                "There is no such file below assets/.",
                file=MAIN,
                line=line,
                found=placed.asset,
                among=sorted(assets),
            )
            continue
        content = (folder / "assets" / placed.asset).read_bytes()
        if len(content) > LARGEST_FILE:
            mistakes.note(
                "file-too-large",
                "This file is too large to be placed on a node.",
                file=MAIN,
                line=line,
                found=f"{len(content) // 1024} KiB",
                expected=f"at most {LARGEST_FILE // 1024} KiB",
            )
        note_placeholders(
            _text(content) or "",
            main.parameters,
            file=f"assets/{placed.asset}",
            first_line=1,
            mistakes=mistakes,
        )


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
