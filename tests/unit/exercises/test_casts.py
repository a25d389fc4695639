"""Recordings: what can be played, what of it can be read, and what an author's file may not do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.exercises.casts import BadCast, Passage, plain, read_cast
from slipway.exercises.loader import load_exercise
from slipway.exercises.mistakes import BrokenExercise
from slipway.exercises.recorder import LONGEST_GAP, Tape, read_script
from slipway.exercises.selectors import render_step
from slipway.exercises.selftest import prove_exercise

HEADER = {"version": 2, "width": 80, "height": 20}
PROMPT = "root@control:~# "


def cast(*events: object, header: object = HEADER) -> str:
    """A recording's text."""
    return "".join(json.dumps(line) + "\n" for line in (header, *events))


LESSON = cast(
    [0, "m", "# One"],
    [0.1, "o", f"\x1b[H\x1b[2J\x1b[?2004h{PROMPT}"],
    [0.2, "m", "This asks."],
    [1, "o", "kubectk\b\x1b[Kl get pods"],
    [1.5, "i", "kubectl get pods"],
    [1.6, "o", "\r\n\x1b[1mNAME\x1b[0m <b>\r\nweb\r\n" + PROMPT],
    [2, "m", "# Two"],
    [61.5, "o", ""],
)


def test_a_transcript_has_chapters_captions_and_what_the_terminal_showed() -> None:
    assert read_cast(LESSON).transcript == (
        Passage("chapter", "One"),
        Passage("caption", "This asks."),
        Passage("output", "root@control:~# kubectl get pods\nNAME <b>\nweb"),
        Passage("chapter", "Two"),
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("[]", 1),
        (cast(header={**HEADER, "version": 3}), 1),
        (cast(header={**HEADER, "width": 10**9}), 1),
        (cast(header={**HEADER, "height": True}), 1),
        (cast([0, "o", "too short"]), 3),
        (cast([2, "o", "a"], [1, "o", "backwards"]), 3),
        (cast([10**9, "o", "for ever"]), 2),
        ('{"version": 2, "width": 80, "height": 20}\n[NaN, "o", "never"]', 2),
        (cast([1, "x", "unknown code"]), 2),
        (cast([1, "o"]), 2),
        (cast([1, "m", "long " * 1000]), 2),
        (cast([1, "o", {"a": 1}]), 2),
        (json.dumps(HEADER) + "\n" + "[" * 100_000, 2),
        (json.dumps(HEADER) + "\n" * 60_000, 50_000),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadCast) as refused:
        read_cast(text)
    assert refused.value.line == line


@given(st.text())
def test_any_output_becomes_text_without_control_characters(output: str) -> None:
    assert all(character >= " " or character in "\n\t" for character in plain(output))


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """An exercise that is only watched."""
    folder = tmp_path / "lesson"
    (folder / "assets").mkdir(parents=True)
    (folder / "exercise.yaml").write_text("title: A lesson\nsummary: Watch.\nminutes: 5\n")
    (folder / "01-watch.md").write_text("---\ntitle: Watch\n---\n::: cast lesson.cast\n:::\n")
    (folder / "assets" / "lesson.cast").write_text(LESSON)
    return folder


def mistakes(folder: Path) -> list[str]:
    """The ids of everything wrong with the exercise."""
    with pytest.raises(BrokenExercise) as broken:
        load_exercise(folder)
    return [mistake.error_id for mistake in broken.value.mistakes]


def test_a_lesson_needs_no_machines_and_says_how_long_it_is(lesson: Path) -> None:
    exercise = load_exercise(lesson)
    assert not exercise.has_machines
    assert [(one.name, one.seconds) for one in exercise.steps[0].recordings] == [("lesson", 62)]


def test_a_recording_is_shown_as_text_too_and_its_output_is_never_markup(lesson: Path) -> None:
    exercise = load_exercise(lesson)
    html = render_step(exercise, exercise.steps[0], parameters={}).html
    assert 'data-src="/labs/lesson/assets/lesson.cast"' in html
    assert "<h4>One</h4>" in html
    assert "<p>This asks.</p>" in html
    assert "NAME &lt;b&gt;" in html
    assert "(1:01)" in html  # of 61.5 seconds, as the player's clock has them


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ("::: cast\n:::", "cast-malformed"),
        ("::: cast lesson.mp4\n:::", "cast-malformed"),
        ("::: cast other.cast\n:::", "unknown-asset"),
        ("::: cast ../../etc/x.cast\n:::", "unknown-asset"),
        ("::: cast lesson.cast\n:::\n\n::: cast lesson.cast\n:::", "cast-duplicate"),
    ],
)
def test_authors_are_told_what_is_wrong_with_a_block(lesson: Path, block: str, found: str) -> None:
    (lesson / "01-watch.md").write_text(f"---\ntitle: Watch\n---\n{block}\n")
    assert found in mistakes(lesson)


def test_a_broken_recording_is_a_mistake_of_the_exercise(lesson: Path) -> None:
    (lesson / "assets" / "lesson.cast").write_bytes(b"\xff\xfe")
    assert "cast-broken" in mistakes(lesson)


def test_without_machines_there_must_be_something_to_watch_and_nothing_to_check(lesson: Path) -> None:
    (lesson / "01-watch.md").write_text("---\ntitle: Watch\nchecks: [holds]\n---\nNothing.\n")
    (lesson / "checks.py").write_text('from slipway.checks import check\n\n@check("Holds")\ndef holds(lab): ...\n')
    assert mistakes(lesson) == ["no-machines", "no-machines"]


@pytest.mark.django_db
def test_a_lesson_is_proven_without_a_sandbox(lesson: Path, settings: pytest.FixtureRequest) -> None:
    settings.SLIPWAY_EXERCISES = lesson.parent
    report = prove_exercise("lesson", progress=lambda *_: None)
    assert report.passed
    assert [step.slug for step in report.steps] == ["watch"]


def test_a_script_says_one_thing_at_a_time(lesson: Path) -> None:
    (lesson / "casts").mkdir()
    script = "title: A lesson\ntopology: {nodes: [{name: node1, kind: docker}]}\nacts:\n"
    (lesson / "casts" / "lesson.yaml").write_text(script + "  - {type: ls, caption: Files.}\n")
    with pytest.raises(BrokenExercise) as broken:
        read_script(lesson, "lesson")
    assert broken.value.mistakes[0].line == 4


def test_what_prepares_a_recording_names_nodes_that_there_are(lesson: Path) -> None:
    (lesson / "casts").mkdir()
    script = "title: A lesson\ntopology: {nodes: [{name: node1, kind: docker}]}\nacts: [{caption: Look.}]\n"
    prepare = "prepare: |\n  # on node1\n  docker swarm init\n  # on node2\n  docker info\n"
    (lesson / "casts" / "lesson.yaml").write_text(script + prepare)
    with pytest.raises(BrokenExercise) as broken:
        read_script(lesson, "lesson")
    assert [(one.error_id, one.line) for one in broken.value.mistakes] == [("unknown-node", 7)]


def test_editing_shortens_gaps_and_gives_captions_their_time() -> None:
    tape = Tape(raw=[(100, "o", "a"), (150, "o", "b"), (150.5, "hold", 4), (150.6, "o", "c")])
    assert [(moment, kind) for moment, kind, _ in tape.edited()] == [
        (0, "o"),
        (LONGEST_GAP, "o"),
        (round(LONGEST_GAP + 0.5 + 4 + 0.1, 3), "o"),
        (round(LONGEST_GAP + 0.5 + 4 + 0.1 + 1, 3), "end"),
    ]
