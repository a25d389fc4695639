"""Loading exercises: what is right is read; every mistake is told with file, line and the nearest right name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.core.errors import AuthorError
from slipway.exercises.loader import load_exercise
from slipway.exercises.mistakes import BrokenExercise
from slipway.exercises.schema import Level
from slipway.exercises.yaml_tree import read_yaml


def test_an_exercise_is_read_whole(folder: Path) -> None:
    exercise = load_exercise(folder)
    assert (exercise.slug, exercise.title, exercise.minutes, exercise.level) == (
        "two-nodes",
        "Two nodes",
        5,
        Level.BEGINNER,
    )
    assert exercise.topology.names == ("node1", "node2")
    first, second = exercise.steps
    assert (first.slug, first.number, first.title) == ("networks", 1, "A network of your own")
    assert [check.id for check in first.checks] == ["network_exists", "network_is_empty"]
    assert (first.hints, [quiz.id for quiz in first.quizzes], first.terminal) == (2, ["why-not-there"], "node1")
    assert (first.points, second.points, exercise.total_points) == (2, 2, 4)
    assert first.title_in("es") == "Una red propia"
    assert second.solution is not None
    assert exercise.checks_file == "two-nodes/checks.py"


def test_any_change_changes_the_digest(folder: Path) -> None:
    before = load_exercise(folder).digest
    picture = folder / "assets" / "bridge.svg"
    picture.write_text(picture.read_text() + " ")
    assert load_exercise(folder).digest != before


def _replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def _write(name: str, content: str | bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return change


def _link(name: str, target: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).symlink_to(target)


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ntitle: *c\n"
YAML, STEP, PAGE, CHECKS = "exercise.yaml", "01-networks.md", "02-page.md", "checks.py"

MISTAKES = [
    # what is done to the folder, then error id, file, line, found, nearest
    (_remove(YAML), "missing-file", YAML, 0, "nothing", ""),
    (_replace(YAML, "title:", "titel:"), "unknown-key", YAML, 1, "titel", "title"),
    (_replace(YAML, "title: Two nodes", "minuts: 4"), "missing-key", YAML, 1, "nothing", ""),
    (_replace(YAML, "minutes: 5", "minutes: five"), "wrong-value", YAML, 3, "five", ""),
    (_replace(YAML, "minutes: 5", "minutes: '5'"), "wrong-value", YAML, 3, "5", ""),
    (_replace(YAML, "minutes: 5", "minutes: 0"), "wrong-value", YAML, 3, "0", ""),
    (_replace(YAML, "level: beginner", "level: easy"), "wrong-value", YAML, 4, "easy", ""),
    (_replace(YAML, "title: Two nodes", "title: {a: 1}"), "wrong-value", YAML, 1, "{'a': 1}", ""),
    (_replace(YAML, "node2, kind: docker", "node2, kind: dokcer"), "wrong-value", YAML, 8, "dokcer", ""),
    (_replace(YAML, "node2, kind", "node2, knid"), "unknown-key", YAML, 8, "knid", "kind"),
    (_replace(YAML, "name: node2", "name: node1"), "wrong-value", YAML, 6, "", ""),
    (_replace(YAML, "pick:", "pik:"), "unknown-key", YAML, 10, "pik", "pick"),
    (_replace(YAML, "words: 2", "words: 2, number: {min: 1, max: 2}"), "wrong-value", YAML, 11, "", ""),
    (_replace(YAML, "{words: 2}", "{number: {min: 9, max: 2}}"), "wrong-value", YAML, 11, "", ""),
    (_replace(YAML, "{{ port }}", "{{ prot }}"), "unknown-parameter", YAML, 12, "prot", "port"),
    (_replace(YAML, "{{ port }}", "{{ url }}"), "cyclic-parameter", YAML, 12, "url", ""),
    (
        _replace(
            YAML, '  url: {text: "http://localhost:{{ port }}/"}', "  url: {text: '{{ b }}'}\n  b: {text: '{{ url }}'}"
        ),
        "cyclic-parameter",
        YAML,
        13,
        "b",
        "",
    ),
    (_replace(YAML, "summary:", "title: again\nsummary:"), "yaml-repeated-key", YAML, 2, "title", ""),
    (_replace(YAML, "summary:", "summary: ["), "yaml-malformed", YAML, 3, "", ""),
    (_write(YAML, BOMB), "yaml-alias", YAML, 1, "", ""),
    (_write(YAML, "title: !!python/object/apply:os.system ['id']"), "yaml-tag", YAML, 1, "", ""),
    (_write(YAML, "a: " + "[" * 5000), "yaml-too-deep", YAML, 1, "", ""),
    (_write(YAML, "- a\n- b\n"), "wrong-value", YAML, 1, "", ""),
    (_write(YAML, ""), "wrong-value", YAML, 1, "None", ""),
    (_write(YAML, "x" * 70_000), "file-too-large", YAML, 0, "more than 64 KiB", ""),
    (_write(YAML, b"title: \xff\xfe"), "not-utf8", YAML, 1, "", ""),
    (_write(YAML, b"title: a\nsummary: \x00\x01"), "binary", YAML, 2, "", ""),
    (
        _replace(YAML, "level:", "steps: [01-networks.md, 03-gone.md, 02-page.md]\nlevel:"),
        "missing-step",
        YAML,
        4,
        "03-gone.md",
        "02-page.md",
    ),
    (_replace(YAML, "level:", "steps: [01-networks.md]\nlevel:"), "step-not-listed", PAGE, 0, PAGE, ""),
    (_write("2-page.md", "x"), "step-name", "2-page.md", 0, "2-page.md", ""),
    (_write("03-page.md", "---\ntitle: Again\n---\n"), "duplicate-slug", YAML, 0, "page", ""),
    (_write(STEP, "No front matter"), "no-front-matter", STEP, 1, "No front matter", ""),
    (
        _replace(STEP, "checks: [network_exists", "checks: [network_exist"),
        "unknown-check",
        STEP,
        3,
        "network_exist",
        "network_exists",
    ),
    (_replace(STEP, "terminal: node1", "terminal: nod1"), "unknown-node", STEP, 4, "nod1", "node1"),
    (_replace(STEP, "terminal:", "termnal:"), "unknown-key", STEP, 4, "termnal", "terminal"),
    (_replace(PAGE, "points: 2", "points: 3"), "points-differ", PAGE, 4, "3", ""),
    (_replace(PAGE, "checks: [page_answers]", "checks: []"), "check-unused", CHECKS, 22, "page_answers", ""),
    (
        _replace(PAGE, "[page_answers]", "[page_answers, network_exists]"),
        "check-in-two-steps",
        CHECKS,
        7,
        "network_exists",
        "",
    ),
    (_replace(STEP, "```run node1", "```run nod1"), "unknown-node", STEP, 8, "nod1", "node1"),
    (_replace(STEP, "```run node1", "```run"), "unknown-node", STEP, 8, "nothing", ""),
    (_replace(PAGE, "preview node1", "preview nod1"), "unknown-node", PAGE, 12, "nod1", "node1"),
    (_replace(PAGE, "preview node1 {{ port }}", "preview node1 65536"), "preview-malformed", PAGE, 12, "65536", ""),
    (_replace(PAGE, "preview node1 {{ port }}", "preview node1 web"), "preview-malformed", PAGE, 12, "web", ""),
    (_replace(PAGE, "preview node1 {{ port }}", "preview node1"), "preview-malformed", PAGE, 12, "node1", ""),
    (
        _replace(STEP, "docker network create {{ network }}", "docker network create {{ netwrok }}"),
        "unknown-parameter",
        STEP,
        10,
        "netwrok",
        "network",
    ),
    (
        _replace(STEP, "docker network create {{ network }}", "docker network create {{network}}"),
        "placeholder-spelling",
        STEP,
        10,
        "{{network}}",
        "",
    ),
    (_replace(STEP, "::: hint\n", "::: hnt\n"), "unknown-block", STEP, 21, "hnt", "hint"),
    (_replace(STEP, "::: hint\n", "::: cast x.cast\n"), "unknown-asset", STEP, 21, "x.cast", ""),
    (_replace(STEP, "- [x] A bridge", "- [ ] A bridge"), "quiz-malformed", STEP, 29, "3 answers, 0 of them right", ""),
    (_replace(STEP, "  It would never appear.\n", ""), "quiz-unexplained", STEP, 37, "It takes a minute.", ""),
    (_replace(STEP, "why-not-there", ""), "quiz-without-id", STEP, 29, "", ""),
    (_replace(STEP, "  It would never appear.\n:::", "  It would never appear."), "block-not-closed", STEP, 29, "", ""),
    (_replace(STEP, "assets/bridge.svg", "assets/brigde.svg"), "unknown-asset", STEP, 19, "assets/brigde.svg", ""),
    (
        _replace(STEP, "assets/bridge.svg", "https://example.org/x.png"),
        "unknown-asset",
        STEP,
        19,
        "https://example.org/x.png",
        "",
    ),
    (_replace(STEP, "02-page.md", "02-pge.md"), "unknown-link", STEP, 6, "02-pge.md", ""),
    (_replace(STEP, "02-page.md", "ftp://example.org/"), "link-scheme", STEP, 6, "ftp://example.org/", ""),
    (_replace(STEP, "Docker lists", "<script>alert(1)</script> Docker lists"), "raw-html", STEP, 6, "", ""),
    (_replace(STEP, "Docker lists", "<b>Docker</b> lists"), "raw-html", STEP, 6, "", ""),
    (
        _replace("01-networks.es.md", "- [ ] Tarda", "- [x] Tarda"),
        "translation-differs",
        "01-networks.es.md",
        0,
        "",
        "",
    ),
    (_replace(CHECKS, "points=2", "point=2"), "check-unknown-argument", CHECKS, 21, "point", "points"),
    (_replace(CHECKS, "port {port}", "port {prt}"), "unknown-parameter", CHECKS, 22, "prt", "port"),
    (
        _replace(CHECKS, "Nothing is on the network {network} yet", "The network {network} exists"),
        "check-duplicate-title",
        CHECKS,
        15,
        "",
        "",
    ),
    (
        _replace("solutions/02-page.sh", "# on node1", "# on node3"),
        "unknown-node",
        "solutions/02-page.sh",
        1,
        "node3",
        "node2",
    ),
    (
        _replace("solutions/02-page.sh", "# on node1", "# on node1 output as x"),
        "solution-malformed",
        "solutions/02-page.sh",
        1,
        "",
        "",
    ),
    (
        _write("solutions/07-nothing.sh", "true"),
        "unknown-solution",
        "solutions/07-nothing.sh",
        0,
        "",
        "solutions/02-page.sh",
    ),
    (_link("assets/passwd", "/etc/passwd"), "link-out", "assets/passwd", 0, "", ""),
    (_link("assets/up", "../.."), "link-out", "assets/up", 0, "", ""),
    (_link("assets/loop", "loop"), "link-out", "assets/loop", 0, "", ""),
    (lambda folder: os.mkfifo(folder / "assets" / "pipe"), "not-a-file", "assets/pipe", 0, "", ""),
]


@pytest.mark.parametrize(("spoil", "error_id", "file", "line", "found", "nearest"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_what_was_expected(
    folder: Path, spoil: Callable[[Path], None], error_id: str, file: str, line: int, found: str, nearest: str
) -> None:
    spoil(folder)
    with pytest.raises(BrokenExercise) as caught:
        load_exercise(folder)
    told = [mistake for mistake in caught.value.mistakes if mistake.error_id == error_id]
    assert told, [mistake.place + " " + str(mistake) for mistake in caught.value.mistakes]
    mistake = told[0]
    assert (mistake.file, mistake.line) == (file, line)
    assert found in mistake.found
    assert mistake.nearest == nearest
    assert mistake.sentence


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    for spoil in (
        _replace(YAML, "minutes: 5", "minuets: 5"),
        _replace(CHECKS, "points=2", "point=2"),
        _replace(STEP, "terminal: node1", "terminal: [1]"),
    ):
        spoil(folder)
    with pytest.raises(BrokenExercise) as caught:
        load_exercise(folder)
    assert {mistake.file for mistake in caught.value.mistakes} >= {YAML, CHECKS}
    (folder / YAML).write_text((folder / YAML).read_text().replace("minuets", "minutes"))
    with pytest.raises(BrokenExercise) as caught:
        load_exercise(folder)
    assert {mistake.file for mistake in caught.value.mistakes} == {CHECKS, STEP}


def test_the_steps_in_exercise_yaml_are_the_order(folder: Path) -> None:
    _replace(YAML, "level:", "steps: [02-page.md, 01-networks.md]\nlevel:")(folder)
    assert [(step.slug, step.number) for step in load_exercise(folder).steps] == [("page", 1), ("networks", 2)]


def test_what_editors_leave_behind_is_ignored(folder: Path) -> None:
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "checks.cpython-311.pyc").write_bytes(b"\0")
    (folder / "checks.py~").write_bytes(b"\0")
    (folder / "README.md").write_text("About this exercise.")
    load_exercise(folder)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300))
def test_no_content_makes_the_loader_stumble(folder: Path, content: str | bytes) -> None:
    for name in (YAML, STEP, CHECKS):
        path = folder / name
        before = path.read_bytes()
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        with pytest.raises(BrokenExercise):
            load_exercise(folder)
        path.write_bytes(before)


@given(st.text(alphabet="abc:-[]{}&*!|>'\"#%@` \n\t0123", max_size=60))
def test_yaml_is_data_or_a_mistake(text: str) -> None:
    try:
        tree = read_yaml(text, file="x.yaml")
    except AuthorError as mistake:
        assert mistake.file == "x.yaml"  # noqa: PT017 - one of two right ends
    else:
        assert tree.line(()) >= 1


def test_words_that_yaml_would_turn_into_something_else_stay_text() -> None:
    tree = read_yaml("a: no\nb: 22:30\nc: 2026-01-01\nd: '7'\ne: 7\nf: true\ng: 0o17\nh: 1_000", file="x")
    assert tree.data == {
        "a": "no", "b": "22:30", "c": "2026-01-01", "d": "7", "e": 7, "f": True, "g": "0o17", "h": "1_000"
    }  # fmt: skip
