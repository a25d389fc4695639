"""Programs built from Go modules, and images carried for the containerd of nodes."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from slipway.operations.images.archive import write_archive
from slipway.operations.images.binaries import GoProgram
from slipway.operations.images.recipes import CarriedImage
from slipway.operations.installation import _required_version, image_place


def module(folder: Path) -> GoProgram:
    """A small module."""
    folder.mkdir()
    (folder / "go.mod").write_text("module example.test/one\n")
    (folder / "main.go").write_text("package main\n\nfunc main() {}\n")
    return GoProgram(folder)


def test_a_program_is_built_anew_when_its_sources_or_what_the_linker_sets_change(tmp_path: Path) -> None:
    program = module(tmp_path / "one")
    before = program.path(tmp_path)
    assert program.path(tmp_path) == before
    assert GoProgram(program.source, variables={"main.version": "1"}).path(tmp_path) != before
    (program.source / "main_test.go").write_text("package main\n")
    assert program.path(tmp_path) == before
    (program.source / "main.go").write_text("package main\n\nfunc main() { println() }\n")
    assert program.path(tmp_path) != before


def test_an_archive_is_an_image_layout_with_the_reference_that_nodes_look_for(tmp_path: Path) -> None:
    program = tmp_path / "pause-0123"
    program.write_bytes(b"a program")
    path = write_archive(CarriedImage("registry.example/pause:1", "pause"), program, tmp_path)
    with tarfile.open(path) as archive:
        index = json.loads(_content(archive, "index.json"))
        (manifest,) = index["manifests"]
        assert manifest["annotations"]["io.containerd.image.name"] == "registry.example/pause:1"
        layers = json.loads(_content(archive, _blob(manifest["digest"])))["layers"]
        assert _content(archive, _blob(layers[0]["digest"])).count(b"a program") == 1


def test_an_archive_is_the_same_every_time(tmp_path: Path) -> None:
    program = tmp_path / "pause-0123"
    program.write_bytes(b"a program")
    image = CarriedImage("registry.example/pause:1", "pause")
    path = write_archive(image, program, tmp_path)
    first = path.read_bytes()
    path.unlink()
    assert write_archive(image, program, tmp_path).read_bytes() == first


def test_kubernetes_is_told_the_version_that_its_module_requires() -> None:
    variables = image_place().sources["hyperkube"].variables
    assert variables["k8s.io/component-base/version.gitVersion"].startswith("v1.")
    assert variables["k8s.io/client-go/pkg/version.gitMinor"].isdigit()


def test_the_conformance_tests_are_those_of_the_version_that_nodes_run() -> None:
    versions = [_required_version(folder, "k8s.io/kubernetes") for folder in ("hyperkube", "conformance")]
    assert versions[0] == versions[1]


def test_every_program_of_every_image_has_a_source() -> None:
    place = image_place()
    for image in place.recipes.engine.values():
        assert {*image.binaries, *(carried.program for carried in image.carries)} <= set(place.sources)


def test_the_kubernetes_image_stands_on_the_nodes_and_is_built_later() -> None:
    recipes = image_place().recipes
    assert recipes.engine["kubernetes"].later
    assert recipes.engine["kubernetes"].rootfs == recipes.engine["node"].rootfs
    assert [image.name for image in recipes.engine.values() if image.later] == ["kubernetes"]


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
