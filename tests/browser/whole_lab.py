"""A whole lab, done by a visitor in the browser as its guide says, from the catalogue to the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from playwright.sync_api import expect

from slipway.exercises.exercise import Exercise
from slipway.exercises.selectors import draw_parameters, get_exercise, render_step
from tests.browser.lab_page import SLOW, LabPage
from tests.browser.tab import Tab, keep_picture

Doing = Mapping[int, Callable[[LabPage], None]]


def try_without_an_account(tab: Tab, slug: str) -> LabPage:
    """Choose a lab in the catalogue, come as a guest, and wait for its machines."""
    exercise = get_exercise(slug)
    tab.go("/")
    tab.page.get_by_role("link", name=exercise.title, exact=True).click()
    tab.page.get_by_role("button", name="Try without an account").click()
    expect(tab.page.locator("#step-title")).to_be_visible()
    lab = LabPage(tab).ready()
    nodes = len(exercise.topology.nodes)
    expect(tab.page.locator('#picture [data-state="ready"]')).to_have_count(nodes, timeout=SLOW)
    return lab


def do_every_step(lab: LabPage, slug: str, doing: Doing) -> None:
    """Do step after step, by its commands or as `doing` says for its number; its checks turn green by themselves."""
    exercise = get_exercise(slug)
    for step in exercise.steps:
        if step.number > 1:
            lab.page.locator("#next-step").click()
        expect(lab.page.locator("#step-title")).to_have_text(step.title_in("en"))
        doing.get(step.number, run_everything)(lab)
        if step.checks:
            lab.all_green()
        answer_rightly(lab, exercise, step.number)
        expect(lab.page.locator(f"#steps li:nth-child({step.number}) button")).to_have_attribute("data-done", "")
        keep_picture(lab.page, f"whole-{slug}-{step.number}")


def submit_for_all_points(lab: LabPage, slug: str) -> None:
    """Submit, and read that every check held, every answer was right and every point was given."""
    page, total = lab.page, get_exercise(slug).total_points
    expect(page.locator("#score")).to_have_text(f"{total} of {total} points")
    page.locator("#submit").click()
    page.get_by_role("dialog").get_by_role("button", name="Submit").click()
    page.wait_for_url("**/result/", timeout=120_000)
    expect(page.locator(".score-head .big")).to_have_text(f"{total} of {total} points")
    expect(page.locator('.check:not([data-outcome="passed"])')).to_have_count(0)
    expect(page.locator('.result-quiz:not([data-verdict="right"])')).to_have_count(0)
    keep_picture(page, f"whole-{slug}-result")


def run_everything(lab: LabPage) -> None:
    """Click every command of the step, one after the other."""
    for block in lab.run_blocks().all():
        lab.run_block(block)


def answer_rightly(lab: LabPage, exercise: Exercise, number: int) -> None:
    """Answer every question of the step; what is right is known to the exercise alone."""
    rendered = render_step(exercise, exercise.steps[number - 1], parameters=draw_parameters(exercise, seed="any"))
    for quiz in rendered.quizzes:
        right = next(index for index, choice in enumerate(quiz.choices, start=1) if choice.correct)
        form = lab.page.locator(f'form[data-quiz="{quiz.id}"]')
        lab.answer(form, right)
        expect(form).to_have_attribute("data-verdict", "right")
