"""Rendering guides: what the page is promised, and nothing that an author or a value could smuggle in."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.core.errors import LearnerError
from slipway.exercises import selectors
from slipway.exercises.guide import Guide, Surroundings, render_guide
from slipway.exercises.loader import load_exercise
from slipway.exercises.mistakes import Mistakes

VALUES = {"port": 8080, "name": "amber-otter"}


def _render(source: str, values: dict[str, str | int] | None = None) -> Guide:
    around = Surroundings(
        file="01-x.md",
        first_line=1,
        nodes=("node1", "node2"),
        values=values or VALUES,
        assets=frozenset({"a.svg"}),
        asset_url="/labs/x/assets/",
        folder=Path("x"),
        steps={"02-y.md": "y"},
    )
    return render_guide(source, around, Mistakes())


class Elements(HTMLParser):
    """Every element of some HTML with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def first(self, tag: str, **attributes: str) -> dict[str, str | None]:
        return next(found for name, found in self.found if name == tag and attributes.items() <= found.items())


def test_a_run_block_has_a_button_with_its_node_and_its_commands() -> None:
    guide = _render("```run node2\ndocker ps\ndocker run -p {{ port }}:80 nginx\n```")
    page = Elements(guide.html)
    assert page.first("div")["class"] == "run-block"
    assert page.first("div")["data-node"] == "node2"
    button = page.first("button")
    assert (button["type"], button["class"], button["data-node"]) == ("button", "run-button", "node2")
    assert button["data-command"] == "docker ps\ndocker run -p 8080:80 nginx"
    assert "Run in node2" in page.text
    assert [(block.node, block.command) for block in guide.run_blocks] == [("node2", button["data-command"])]


def test_run_blocks_work_inside_lists_quotes_and_hints() -> None:
    source = "1. First\n\n   ```run node1\n   a\n   ```\n\n> ```run node2\n> b\n> ```\n\n"
    source += "::: hint\n```run node1\nc\n```\n:::\n"
    assert [block.command for block in _render(source).run_blocks] == ["a", "b", "c"]


def test_a_copy_block_has_its_text_on_the_button() -> None:
    button = Elements(_render('```copy yaml\nname: "{{ name }}"\n```').html).first("button")
    assert (button["class"], button["data-text"]) == ("copy-button", 'name: "amber-otter"')


def test_hints_are_numbered_and_may_have_a_title() -> None:
    guide = _render("::: hint\nOne.\n:::\n\n::: hint Why {{ port }}?\nTwo.\n:::")
    assert '<details class="hint" data-hint="1"><summary>Hint</summary>' in guide.html
    assert '<details class="hint" data-hint="2"><summary>Why 8080?</summary>' in guide.html
    assert guide.hints == 2


QUIZ = """::: quiz why
Why *not* on `{{ name }}`?

- [ ] Because.
  That is no **reason**.
- [x] It is local.

  Really.

  ```
  code
  ```
:::
"""


def test_a_quiz_shows_its_choices_and_hides_which_is_right() -> None:
    guide = _render(QUIZ)
    page = Elements(guide.html)
    assert page.first("form")["data-quiz"] == "why"
    assert page.first("div", **{"class": "quiz-explanation"})["aria-live"] == "polite"
    assert [found["value"] for tag, found in page.found if tag == "input"] == ["1", "2"]
    assert "Why not on amber-otter?" in page.text
    for secret in ("reason", "Really", "[x]", "[ ]", "true"):
        assert secret not in guide.html
    (quiz,) = guide.quizzes
    assert [choice.correct for choice in quiz.choices] == [False, True]
    assert quiz.choices[0].explanation == "<p>That is no <strong>reason</strong>.</p>"
    assert "<code>code" in quiz.choices[1].explanation
    assert quiz.choice("2") == quiz.choices[1]
    assert [quiz.choice(wrong) for wrong in ("0", "3", "x", "-1", "٢", "9" * 50)] == [None] * 6


def test_a_preview_is_a_link_that_works_without_scripts() -> None:
    page = Elements(_render("::: preview node1 {{ port }}\nLook.\n:::").html)
    link = page.first("a", **{"class": "button preview-button"})
    assert (link["data-node"], link["data-port"], link["href"]) == ("node1", "8080", "previews/node1/8080")
    assert "Open node1:8080" in page.text


def test_links_lead_to_steps_assets_and_safe_addresses_only() -> None:
    guide = _render(
        "[a](02-y.md) [b](assets/a.svg) [c](https://example.org/) [d](javascript:alert(1)) [e](data:text/html,x) "
        "[f](//evil.example/) [g](../../x) [h](#part) [i](<http://localhost:{{ port }}/>)"
    )
    targets = [found["href"] for tag, found in Elements(guide.html).found if tag == "a"]
    assert targets == [
        "?step=y",
        "/labs/x/assets/a.svg",
        "https://example.org/",
        "#",
        "#",
        "#part",
        "http://localhost:8080/",
    ]
    assert all(found["rel"] == "noopener" for tag, found in Elements(guide.html).found if tag == "a")


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<style>*{display:none}</style>",
        "<iframe src='https://example.org'></iframe>",
        "<details open ontoggle=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](vbscript:x)",
        "![x](javascript:alert(1))",
        '![x" onerror="alert(1)](assets/a.svg)',
        '[x](https://example.org/ "onmouseover=alert(1) \\" x=\\"")',
        "```run node1\n</code></pre><script>alert(1)</script>\n```",
        '```copy\n"><script>alert(1)</script>\n```',
        '```"><script>alert(1)</script>\nx\n```',
        '::: hint "><script>alert(1)</script>\nx\n:::',
        '::: quiz "><script>\nx\n\n- [x] <script>alert(1)</script>\n  y\n- [ ] b\n  c\n:::',
        '::: preview "><script> 80\nx\n:::',
        "| a |\n|:-:|\n| <svg onload=alert(1)> |",
        "<a href='javascript:alert(1)'>x</a>",
        "&#x3c;script&#x3e;alert(1)&#x3c;/script&#x3e;",
    ],
)
def test_no_script_gets_through(attack: str) -> None:
    guide = _render(attack)
    _is_harmless(guide.html)


ALLOWED = """
p h1 h2 h3 h4 h5 h6 ul ol li blockquote hr br em strong s a img code pre span div table thead tbody tr th td
button details summary form fieldset legend label input
"""
ALLOWED_TAGS = set(ALLOWED.split())


def _is_harmless(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag in ALLOWED_TAGS
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"style", "srcdoc", "formaction", "action"}
            if name in {"href", "src"}:
                assert re.match(r"(https?://|/labs/x/assets/|\?step=|#)", value or "#")


@given(st.text(alphabet="<>&\"'`*_[]()!:;|\\/-+=#{}\n abnrtquizhscpo123.", max_size=120))
def test_whatever_is_written_the_result_is_harmless(source: str) -> None:
    _is_harmless(_render(source).html)


@given(st.text(max_size=60))
def test_a_value_is_only_ever_text(value: str) -> None:
    values: dict[str, str | int] = {"name": value}
    source = "A {{ name }} **{{ name }}** `{{ name }}`\n\n# {{ name }}\n\n```run node1\n{{ name }}\n```\n"
    html = _render(source, values).html
    plain = _render(source, {"name": "PLAIN"}).html
    _is_harmless(html)

    def shape(html: str) -> list[str]:
        # Colours depend on the words of a command; everything else must not.
        return [tag for tag, _ in Elements(html).found if tag != "span"]

    assert shape(html) == shape(plain)


def test_a_value_is_put_in_everywhere_and_never_read_again() -> None:
    values: dict[str, str | int] = {"name": "**{{ port }}** <b>&amp;", "port": 1}
    page = Elements(_render("{{ name }} and `{{ name }}`\n\n```run node1\necho {{ name }}\n```", values).html)
    assert page.text.count("**{{ port }}** <b>&amp;") == 3
    assert page.first("button")["data-command"] == "echo **{{ port }}** <b>&amp;"


def test_templates_of_docker_are_left_alone() -> None:
    button = Elements(_render("```run node1\ndocker ps --format '{{.Names}} {{end}}'\n```").html).first("button")
    assert button["data-command"] == "docker ps --format '{{.Names}} {{end}}'"


def test_there_are_no_inline_styles_even_in_tables() -> None:
    html = _render("| a | b |\n|:-:|--:|\n| 1 | 2 |").html
    assert 'class="align-center"' in html
    assert "style=" not in html


def test_a_step_is_rendered_in_the_learners_language(folder: Path) -> None:
    exercise = load_exercise(folder)
    values = selectors.draw_parameters(exercise, seed="a")
    step = exercise.steps[0]
    spanish = selectors.render_step(exercise, step, parameters=values, language="es")
    assert spanish.title == "Una red propia"
    assert "Docker muestra" in spanish.html
    assert spanish.quiz("why-not-there") is not None
    french = selectors.render_step(exercise, step, parameters=values, language="fr")
    assert french.title == "A network of your own"


def test_an_asset_is_served_only_from_the_assets(folder: Path) -> None:
    exercise = load_exercise(folder)
    assert selectors.asset_path(exercise, "bridge.svg") == (folder / "assets" / "bridge.svg").resolve()
    for name in (
        "../exercise.yaml",
        "../../etc/passwd",
        "/etc/passwd",
        "",
        ".",
        "gone.svg",
        "bridge.svg/../../checks.py",
    ):
        with pytest.raises(LearnerError):
            selectors.asset_path(exercise, name)


def test_an_asset_that_became_a_link_out_is_not_served(folder: Path) -> None:
    exercise = load_exercise(folder)
    (folder / "assets" / "bridge.svg").unlink()
    (folder / "assets" / "bridge.svg").symlink_to("/etc/passwd")
    with pytest.raises(LearnerError):
        selectors.asset_path(exercise, "bridge.svg")
