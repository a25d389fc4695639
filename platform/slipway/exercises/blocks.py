"""The HTML of a guide's own blocks: commands to run, text to copy, hints, quizzes, previews.

Every value is escaped here; the page's scripts drive the buttons through their data attributes, there is no script
inline.
"""

from __future__ import annotations

from html import escape

from django.utils.translation import gettext
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from slipway.exercises.casts import Cast, Passage
from slipway.exercises.exercise import Quiz, Recording

_FORMATTER = HtmlFormatter(nowrap=True)


def code(text: str, language: str) -> str:
    """Code in a `pre`, coloured by classes where the language is known."""
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False)
    return f'<pre class="highlight"><code>{highlight(text, lexer, _FORMATTER)}</code></pre>'


def run_block(node: str, command: str) -> str:
    """Commands with a button that runs them in a node's terminal."""
    label = gettext("Run in %(node)s") % {"node": node}
    return (
        f'<div class="run-block" data-node="{escape(node)}">{code(command, "bash")}'
        f'<button type="button" class="run-button" data-node="{escape(node)}" data-command="{escape(command)}">'
        f"{escape(label)}</button></div>\n"
    )


def copy_block(text: str, language: str) -> str:
    """Text with a button that puts it on the clipboard."""
    return (
        f'<div class="copy-block">{code(text, language)}'
        f'<button type="button" class="copy-button" data-text="{escape(text)}">{escape(gettext("Copy"))}</button>'
        "</div>\n"
    )


def hint(number: int, title: str, body: str) -> str:
    """A hint that opens on demand; `body` is safe HTML."""
    summary = escape(title or gettext("Hint"))
    return f'<details class="hint" data-hint="{number}"><summary>{summary}</summary>\n{body}</details>\n'


def quiz(question: Quiz) -> str:
    """The form of a quiz, without a word of which answer is right."""
    choices = "".join(
        f'<label><input type="radio" name="choice" value="{index}"><span>{choice.text}</span></label>'
        for index, choice in enumerate(question.choices, start=1)
    )
    return (
        f'<form class="quiz" data-quiz="{escape(question.id)}"><fieldset><legend>{question.question}</legend>{choices}'
        f'</fieldset><button type="submit">{escape(gettext("Answer"))}</button>'
        '<div class="quiz-explanation" aria-live="polite"></div></form>\n'
    )


def preview(node: str, port: int, body: str) -> str:
    """A button that opens a port of a node beside the guide; a link from the lab page without its scripts."""
    label = gettext("Open %(node)s:%(port)s") % {"node": node, "port": port}
    data = f'data-node="{escape(node)}" data-port="{port}"'
    return (
        f'<div class="preview-block" {data}>{body}<p>'
        f'<a class="button preview-button" href="previews/{escape(node)}/{port}" target="_blank" {data}>'
        f"{escape(label)}</a></p></div>\n"
    )


def recording(about: Recording, cast: Cast, *, cast_url: str, picture_url: str, body: str) -> str:
    """A recording's place, of which the page's scripts make a player, and all of it as text for who reads instead."""
    data = {
        "cast": about.name,
        "src": cast_url,
        "picture": picture_url,
        "seconds": about.seconds,
        "columns": cast.width,
        "rows": cast.height,
    }
    attributes = " ".join(f'data-{name}="{escape(str(value))}"' for name, value in data.items())
    minutes, seconds = divmod(int(cast.seconds), 60)  # as the player's clock counts them
    summary = gettext("Transcript of the recording (%(minutes)d:%(seconds)s)") % {
        "minutes": minutes,
        "seconds": f"{seconds:02}",
    }
    passages = "".join(_passage(passage) for passage in cast.transcript)
    return (
        f'<div class="cast" {attributes}>{body}<div class="cast-player"></div><details class="cast-transcript">'
        f"<summary>{escape(summary)}</summary>\n{passages}</details></div>\n"
    )


def _passage(passage: Passage) -> str:
    tag = {"chapter": "h4", "caption": "p"}.get(passage.kind, "pre")
    return f"<{tag}>{escape(passage.text)}</{tag}>\n"
