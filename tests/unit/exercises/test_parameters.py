"""The learner's own values, the solutions they go into, and which exercises there are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.conf import LazySettings

from slipway.core.errors import AuthorError, LearnerError
from slipway.exercises import selectors
from slipway.exercises.exercise import Solution
from slipway.exercises.loader import load_exercise
from slipway.exercises.parameters import draw
from slipway.exercises.schema import NumberRange, ParameterSpec
from slipway.exercises.solutions import solution_parts

SPECS = {
    "url": ParameterSpec(text="http://{{ host }}:{{ port }}/"),
    "port": ParameterSpec(pick=(8080, 8081, 9090)),
    "host": ParameterSpec(text="{{ name }}.local"),
    "name": ParameterSpec(words=2),
    "count": ParameterSpec(number=NumberRange(min=3, max=5)),
}


def test_the_same_seed_gives_the_same_values_and_another_gives_others() -> None:
    assert draw(SPECS, seed="ada") == draw(SPECS, seed="ada")
    assert len({str(draw(SPECS, seed=str(i))) for i in range(200)}) > 190


def test_values_never_change_between_versions_of_slipway() -> None:
    # Written down once: an attempt under way must find its values again.
    assert draw(SPECS, seed="ada") == {
        "url": "http://thistle-walnut.local:8081/",
        "port": 8081,
        "host": "thistle-walnut.local",
        "name": "thistle-walnut",
        "count": 3,
    }


def test_every_way_of_drawing_keeps_to_its_rule() -> None:
    for i in range(100):
        values = draw(SPECS, seed=str(i))
        assert values["port"] in {8080, 8081, 9090}
        assert values["count"] in {3, 4, 5}
        assert str(values["name"]).count("-") == 1
        assert values["url"] == f"http://{values['name']}.local:{values['port']}/"


def test_two_parameters_get_different_values() -> None:
    specs = {name: ParameterSpec(pick=(1, 2, 3)) for name in "abc"}
    assert all(len(set(draw(specs, seed=str(i)).values())) == 3 for i in range(50))


def test_a_new_parameter_does_not_change_the_others() -> None:
    more = {**SPECS, "extra": ParameterSpec(words=1)}
    assert all(
        {**draw(more, seed=str(i)), "extra": None} == {**draw(SPECS, seed=str(i)), "extra": None} for i in range(50)
    )


def test_a_solution_is_split_by_node_and_gets_the_learners_values() -> None:
    source = (
        "#!/bin/bash\n# what we do\ndocker run -p {{ port }}:80 nginx\n"
        "# on node1, output as token\ndocker swarm join-token -q worker\n"
        "# on node2\ndocker swarm join --token $token node1:2377\n"
    )
    parts = solution_parts(Solution(source, "solutions/01-x.sh"), ("node1", "node2"), {"port": 8080})
    assert [(part.node, part.keep, part.line) for part in parts] == [
        ("node1", "", 1),
        ("node1", "token", 5),
        ("node2", "", 7),
    ]
    assert "docker run -p 8080:80 nginx" in parts[0].script


@pytest.fixture
def root(tmp_path: Path, folder: Path, settings: LazySettings) -> Path:
    root = tmp_path / "exercises"
    root.mkdir()
    shutil.move(folder, root / "two-nodes")
    settings.SLIPWAY_EXERCISES = root
    return root


def test_a_broken_exercise_is_left_out_of_the_list_and_told_when_asked_for(root: Path) -> None:
    (root / "broken").mkdir()
    assert [exercise.slug for exercise in selectors.list_exercises()] == ["two-nodes"]
    with pytest.raises(AuthorError) as broken:
        selectors.get_exercise("broken")
    assert broken.value.place == "broken/exercise.yaml"
    with pytest.raises(LearnerError):
        selectors.get_exercise("../two-nodes")


def test_an_exercise_is_loaded_again_only_when_it_changes(root: Path) -> None:
    first = selectors.get_exercise("two-nodes")
    assert selectors.get_exercise("two-nodes") is first
    path = root / "two-nodes" / "exercise.yaml"
    path.write_text(path.read_text().replace("Two nodes", "Two machines"))
    assert selectors.get_exercise("two-nodes").title == "Two machines"
    path.write_text("title: [")
    with pytest.raises(AuthorError):
        selectors.get_exercise("two-nodes")


def test_values_differ_between_exercises_of_the_same_learner(root: Path) -> None:
    shutil.copytree(root / "two-nodes", root / "other")
    one, other = (load_exercise(root / name) for name in ("two-nodes", "other"))
    drawn = [[selectors.draw_parameters(each, seed=str(i)) for i in range(10)] for each in (one, other)]
    assert drawn[0] != drawn[1]
