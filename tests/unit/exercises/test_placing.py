"""Files of an exercise that lie on its nodes from the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.accounts.models import User
from slipway.core.errors import AuthorError
from slipway.exercises.loader import load_exercise
from slipway.exercises.mistakes import BrokenExercise
from slipway.exercises.placing import files_on_nodes
from slipway.sandboxes import services
from slipway.sandboxes.backends.fake import FakeBackend
from slipway.sandboxes.files import NodeFile
from slipway.sandboxes.states import State


@pytest.fixture
def placed(folder: Path) -> Path:
    """The fixture exercise with a text for both nodes."""
    main = folder / "exercise.yaml"
    main.write_text(main.read_text() + "files:\n  - {asset: shop.yaml, nodes: [node1, node2], path: /root/shop.yaml}\n")
    (folder / "assets" / "shop.yaml").write_text('name: {{ network }}\nwho: "{{.Node.Hostname}}"\n')
    return folder


def test_a_text_has_the_learners_values_and_keeps_dockers_templates(placed: Path) -> None:
    exercise = load_exercise(placed)
    values = dict.fromkeys(exercise.parameters, "otter")
    files = files_on_nodes(exercise, values)
    assert [(file.node, file.path) for file in files] == [("node1", "/root/shop.yaml"), ("node2", "/root/shop.yaml")]
    assert files[0].content == 'name: otter\nwho: "{{.Node.Hostname}}"\n'


def test_what_is_no_text_is_placed_byte_by_byte(placed: Path) -> None:
    (placed / "assets" / "shop.yaml").write_bytes(b"\xff\x00")
    file = files_on_nodes(load_exercise(placed), {})[0]
    assert (file.encoding, file.content) == ("base64", "/wA=")


@pytest.mark.parametrize(
    ("spoil", "error_id", "nearest"),
    [
        (lambda folder: (folder / "assets/shop.yaml").rename(folder / "assets/shopp.yaml"), "unknown-asset", "shopp"),
        (lambda folder: _in_main(folder, "[node1, node2]", "[node1, node3]"), "unknown-node", "node"),
        (lambda folder: _in_main(folder, "/root/shop.yaml", "root/shop.yaml"), "wrong-value", ""),
        (lambda folder: (folder / "assets/shop.yaml").write_text("{{ nobody }}"), "unknown-parameter", ""),
        (lambda folder: (folder / "assets/shop.yaml").write_text("x" * 600_000), "file-too-large", ""),
    ],
)
def test_a_mistake_is_told(placed: Path, spoil: Callable[[Path], object], error_id: str, nearest: str) -> None:
    spoil(placed)
    with pytest.raises(BrokenExercise) as broken:
        load_exercise(placed)
    (mistake,) = broken.value.mistakes
    assert isinstance(mistake, AuthorError)
    assert mistake.error_id == error_id
    assert nearest in mistake.nearest


def _in_main(folder: Path, old: str, new: str) -> None:
    main = folder / "exercise.yaml"
    main.write_text(main.read_text().replace(old, new))


def test_a_sandbox_has_its_files_when_it_is_ready(placed: Path, learner: User, backend: FakeBackend) -> None:
    exercise = load_exercise(placed)
    values = dict.fromkeys(exercise.parameters, "otter")
    sandbox = services.start_sandbox(owner=learner, topology=exercise.topology, files=files_on_nodes(exercise, values))
    sandbox.refresh_from_db()
    assert sandbox.current is State.READY
    for node in backend.nodes(sandbox.sandbox_id).values():
        assert node.files["/root/shop.yaml"].startswith("name: otter\n")


def test_a_file_of_a_row_lies_at_a_whole_path() -> None:
    with pytest.raises(ValueError, match="path"):
        NodeFile(node="node1", path="etc/passwd", content="")
