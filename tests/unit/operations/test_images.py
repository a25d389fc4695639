"""How images are put together from layers: files of ours above packages, to any depth."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from slipway.operations.images.recipes import Recipes, load_recipes
from slipway.operations.images.rootfs import build_rootfs
from slipway.operations.images.service import _wanted_rootfs

RECIPES = """
[rootfs.packages]
suite = "trixie"
variant = "essential"

[rootfs.more]
base = "packages"
suite = "trixie"
variant = "essential"

[rootfs.app]
base = "more"
overlay = "app"

[rootfs.app-2]
base = "app"
overlay = "app-2"

[engine]

[[learner]]
repository = "slipway/app"
tags = ["2"]
rootfs = "app-2"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of recipes with two overlays."""
    (tmp_path / "images.toml").write_text(RECIPES)
    for name in ("app", "app-2"):
        program = tmp_path / name / "srv" / "program.py"
        program.parent.mkdir(parents=True)
        program.write_text(f"print('{name}')\n")
    return tmp_path


@pytest.fixture
def recipes(folder: Path) -> Recipes:
    """What the folder says."""
    return load_recipes(folder, {})


def test_an_image_lies_on_all_that_is_below_it_and_is_built_after_it(recipes: Recipes) -> None:
    top = recipes.rootfs["app-2"]
    assert [member.name for member in recipes.chain(top)] == ["packages", "more", "app", "app-2"]
    assert list(_wanted_rootfs(recipes, "app-2")) == ["packages", "more", "app", "app-2"]


def test_a_change_far_below_makes_everything_above_new(folder: Path, recipes: Recipes) -> None:
    before = recipes.digest(recipes.rootfs["app-2"])
    (folder / "app" / "srv" / "program.py").write_text("print('changed')\n")
    assert recipes.digest(recipes.rootfs["app-2"]) != before
    assert recipes.digest(recipes.rootfs["more"]) == load_recipes(folder, {}).digest(recipes.rootfs["more"])


def test_what_python_leaves_beside_its_sources_changes_nothing_and_is_not_shipped(
    folder: Path, recipes: Recipes
) -> None:
    before = recipes.digest(recipes.rootfs["app"])
    cache = folder / "app" / "srv" / "__pycache__"
    cache.mkdir()
    (cache / "program.pyc").write_bytes(b"x")
    assert recipes.digest(recipes.rootfs["app"]) == before
    build_rootfs(recipes, recipes.rootfs["app"], folder / "app.tar", lambda _: None)
    with tarfile.open(folder / "app.tar") as tar:
        assert tar.getnames() == [".", "./srv", "./srv/program.py"]


def test_the_same_files_make_the_same_layer(folder: Path, recipes: Recipes) -> None:
    build_rootfs(recipes, recipes.rootfs["app"], folder / "first.tar", lambda _: None)
    program = folder / "app" / "srv" / "program.py"
    program.write_text(program.read_text())
    program.chmod(0o664)
    build_rootfs(recipes, recipes.rootfs["app"], folder / "second.tar", lambda _: None)
    assert (folder / "first.tar").read_bytes() == (folder / "second.tar").read_bytes()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('[rootfs.odd]\nbase = "nothing"\noverlay = "app"\n', "there is no .rootfs.nothing"),
        ('[rootfs.odd]\nbase = "more"\nsuite = "trixie"\n', "below .rootfs.odd. there may be one layer only"),
    ],
)
def test_a_base_that_cannot_be_is_told(folder: Path, wrong: str, told: str) -> None:
    (folder / "images.toml").write_text(RECIPES + wrong)
    with pytest.raises(ValueError, match=told):
        load_recipes(folder, {})
