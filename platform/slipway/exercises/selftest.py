"""Proves an exercise on a real sandbox: every step fails before its solution, passes after it, and after it once more.

Uses the same services, nodes and examiner as learners do. Leaves no sandbox behind, whatever happens on the way.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connections

from slipway.accounts.models import User
from slipway.checks.declared import CheckSpec
from slipway.checks.examiner import worker_examiner
from slipway.checks.results import CheckResult, Outcome
from slipway.checks.services import run_checks
from slipway.core.errors import AuthorError, EngineError, LearnerError
from slipway.core.json import JSON, as_int, as_mapping, as_text
from slipway.core.logs import get_logger
from slipway.core.loops import worker_loop
from slipway.exercises.exercise import Exercise, Step
from slipway.exercises.parameters import Values
from slipway.exercises.placing import files_on_nodes
from slipway.exercises.selectors import draw_parameters, get_exercise, render_step
from slipway.exercises.solutions import Part, Plug, guide_parts, solution_parts
from slipway.sandboxes.backends import worker_sessions
from slipway.sandboxes.files import NodeFile
from slipway.sandboxes.models import Sandbox
from slipway.sandboxes.nodes import NodeRefusal
from slipway.sandboxes.services import set_power, start_sandbox, stop_sandbox
from slipway.sandboxes.states import OVER, Reason, State
from slipway.sandboxes.topology import Topology

log = get_logger(__name__)

_PART_SECONDS = 180
_CHECK_SECONDS = 240
_BOOT_SECONDS = 60
_QUEUE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class PartRun:
    """How some commands of a solution went."""

    part: Part | Plug
    exit_code: int
    output: str


@dataclass
class StepReport:
    """What was found out about one step; `problems` are sentences for its author, none when all is well."""

    slug: str
    number: int
    title: str
    seconds: float = 0.0
    checks: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class ExerciseReport:
    """What was found out about one exercise. `engine_error` says that it could not be tried, which is not its fault."""

    slug: str
    title: str = ""
    seconds: float = 0.0
    ready_after: float = 0.0
    steps: list[StepReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    engine_error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the exercise is proven."""
        return not (self.engine_error or self.problems or any(step.problems for step in self.steps))


Progress = Callable[[str, str], None]
"""Called with an exercise's slug and what happens to it at the moment."""


def prove_exercises(slugs: Sequence[str], *, parallel: int, progress: Progress) -> list[ExerciseReport]:
    """Prove several exercises, at most `parallel` at once; reports in the order of the names."""

    def prove(slug: str) -> ExerciseReport:
        try:
            return prove_exercise(slug, progress=progress)
        finally:
            if parallel > 1:
                connections.close_all()  # this thread's own

    if parallel == 1:
        return [prove(slug) for slug in slugs]
    with ThreadPoolExecutor(parallel) as pool:
        return list(pool.map(prove, slugs))


def prove_exercise(slug: str, *, progress: Progress) -> ExerciseReport:
    """Prove one exercise. Never raises for what the exercise, a node or the engine does."""
    report = ExerciseReport(slug)
    began = time.monotonic()
    try:
        exercise = get_exercise(slug)
        report.title = exercise.title
        if not exercise.has_machines:
            # Watched, not worked on: reading it has proven all there is, its recordings included.
            report.steps += [StepReport(step.slug, step.number, step.title) for step in exercise.steps]
            report.seconds = time.monotonic() - began
            return report
        values = draw_parameters(exercise, seed=secrets.token_hex(8))
        with ready_sandbox(exercise.slug, exercise.topology, files_on_nodes(exercise, values), progress) as sandbox:
            report.ready_after = time.monotonic() - began
            proof = _Proof(exercise, sandbox, values, progress)
            for step in exercise.steps:
                report.steps.append(proof.prove(step))
    except (AuthorError, LearnerError) as error:
        report.problems.append(f"{error.place}: {error.sentence}" if isinstance(error, AuthorError) else error.sentence)
    except (EngineError, TimeoutError) as error:
        report.engine_error = str(error) or "it took too long"
    report.seconds = time.monotonic() - began
    return report


@contextmanager
def ready_sandbox(slug: str, topology: Topology, files: Sequence[NodeFile], progress: Progress) -> Iterator[Sandbox]:
    """A sandbox of these machines for work on an exercise, ready; ended when the block ends."""
    owner, _ = User.objects.get_or_create(username=f"selftest-{slug}"[:150])
    for old in Sandbox.objects.filter(owner=owner).exclude(state__in=OVER):
        stop_sandbox(sandbox_id=old.sandbox_id, reason=Reason.STOPPED_BY_OWNER)
    sandbox = start_sandbox(owner=owner, topology=topology, files=files)
    try:
        progress(slug, "its machines start")
        _await_ready(sandbox)
        yield sandbox
    finally:
        stop_sandbox(sandbox_id=sandbox.sandbox_id, reason=Reason.STOPPED_BY_OWNER)


def _await_ready(sandbox: Sandbox) -> None:
    queue_ends = time.monotonic() + _QUEUE_SECONDS
    start_ends = 0.0
    while sandbox.current is not State.READY:
        now = time.monotonic()
        if sandbox.current in OVER:
            raise EngineError("start-failed", str(sandbox.get_reason_display()), detail=sandbox.reason_detail)
        if sandbox.current is State.STARTING and not start_ends:
            start_ends = now + 2 * settings.SLIPWAY_START_LIMIT  # the reaper gives up at once the limit
        if now > (start_ends or queue_ends):
            raise EngineError(
                "start-too-slow",
                "The machines did not come up; is Slipway running (make run)?",
                detail=f"state {sandbox.state}, phase {sandbox.phase}",
            )
        time.sleep(0.1)
        sandbox.refresh_from_db()


class _Proof:
    """One exercise being proven on one sandbox."""

    def __init__(self, exercise: Exercise, sandbox: Sandbox, values: Values, progress: Progress) -> None:
        self._exercise = exercise
        self._sandbox = sandbox
        self._progress = progress
        self._values = values
        self._environment: dict[str, str] = {}
        self._kept: list[CheckSpec] = []

    def prove(self, step: Step) -> StepReport:
        """All that can be said about one step; the sandbox is left as after the step's solution."""
        report = StepReport(step.slug, step.number, step.title, checks=len(step.checks))
        began = time.monotonic()
        self._say(step, "before the solution")
        if step.checks:
            report.problems += _of_the_start(self._look(step.checks, patience=False))
        self._say(step, "the solution")
        runs = self._solve(step, report)
        self._say(step, "after the solution")
        unproven = _not_passed(self._look(step.checks, patience=True), "after the solution")
        report.problems += unproven
        if unproven:
            report.problems += [_told(run) for run in runs if run.exit_code]
        elif step.repeatable and step.checks:
            self._say(step, "the solution once more")
            self._solve(step, report)
            report.problems += _not_passed(self._look(step.checks, patience=True), "after the solution ran twice")
        if self._kept:
            self._say(step, "what earlier steps keep")
            report.problems += _not_passed(self._look(self._kept, patience=True), "though an earlier step keeps it")
        self._kept += [check for check in step.checks if check.keeps]
        report.seconds = time.monotonic() - began
        return report

    def _say(self, step: Step, what: str) -> None:
        self._progress(self._exercise.slug, f"step {step.number} ({step.slug}): {what}")

    def _solve(self, step: Step, report: StepReport) -> list[PartRun]:
        """Run the step's solution; a strict part that fails is a problem."""
        if step.solution:
            parts = solution_parts(step.solution, self._exercise.topology.names, self._values)
        else:
            parts = guide_parts(render_step(self._exercise, step, parameters=self._values).run_blocks)
        runs = []
        for part in parts:
            run = self._plug(part) if isinstance(part, Plug) else self._run(part)
            runs.append(run)
            if isinstance(part, Part) and part.keep:
                self._environment[part.keep] = run.output.strip()
            if run.exit_code and (isinstance(part, Plug) or part.strict):
                report.problems.append(_told(run))
                break
        return runs

    def _plug(self, part: Plug) -> PartRun:
        """Do what the button does, but wait until it is done: commands may follow."""
        set_power(sandbox_id=self._sandbox.sandbox_id, node=part.node, plugged=part.plugged)
        self._await_told(part.node)
        try:
            if part.plugged:
                service = "kubernetes" if self._exercise.topology.node(part.node).kind.is_kubernetes else "dockerd"
                self._ask(part.node, "wait", {"service": service, "timeout_ms": 1000 * _BOOT_SECONDS}, _BOOT_SECONDS)
        except NodeRefusal as refusal:
            return PartRun(part, -1, refusal.message)
        return PartRun(part, 0, "")

    def _await_told(self, node: str) -> None:
        """Return when the worker has told the node whether it has power."""
        deadline = time.monotonic() + _BOOT_SECONDS
        self._sandbox.refresh_from_db(fields=["untold"])
        while node in self._sandbox.untold:
            if time.monotonic() > deadline:
                raise EngineError("node-unreachable", "One of the machines does not answer.", detail=f"{node}: power")
            time.sleep(0.05)
            self._sandbox.refresh_from_db(fields=["untold"])

    def _ask(self, node: str, op: str, params: Mapping[str, JSON], seconds: float) -> JSON:
        request = worker_sessions().request(self._sandbox.sandbox_id, node, op, params, timeout=seconds + 10)
        return worker_loop().run(request, timeout=seconds + 20)

    def _run(self, part: Part) -> PartRun:
        options = ["-e", "-u", "-o", "pipefail"] if part.strict else ["-l"]
        params: dict[str, JSON] = {
            "argv": ["/bin/bash", *options, "-c", part.script],
            "timeout_ms": 1000 * _PART_SECONDS,
            "env": dict(self._environment),
        }
        try:
            answer = as_mapping(self._ask(part.node, "run", params, _PART_SECONDS))
        except NodeRefusal as refusal:
            return PartRun(part, -1, refusal.message)
        output = as_text(answer.get("stdout")), as_text(answer.get("stderr"))
        code = as_int(answer.get("exit_code"), default=-1)
        return PartRun(part, code, output[0] if part.keep and not code else "\n".join(filter(None, output)))

    def _look(self, checks: Sequence[CheckSpec], *, patience: bool) -> list[CheckResult]:
        if not checks:
            return []
        sandbox = self._sandbox.sandbox_id

        async def ask(node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:  # noqa: ASYNC109
            return await worker_sessions().request(sandbox, node, op, params, timeout=timeout)

        async def delivered(_: CheckResult) -> None:
            return

        looking = run_checks(
            source=self._exercise.checks_source,
            file=self._exercise.checks_file,
            checks=checks,
            parameters=self._values,
            topology=self._exercise.topology.names,
            ask=ask,
            examiner=worker_examiner(),
            patience=patience,
            on_result=delivered,
        )
        return worker_loop().run(looking, timeout=_CHECK_SECONDS)


def _of_the_start(results: Sequence[CheckResult]) -> list[str]:
    """Before the solution at least one check must fail, and none may be broken."""
    problems = [_sentence(result, "before the solution") for result in results if result.outcome is Outcome.BROKEN]
    if all(result.outcome is Outcome.PASSED for result in results):
        problems.append("Every check of this step holds before anything is done: they prove nothing.")
    _must_be_reached(results)
    return problems


def _not_passed(results: Sequence[CheckResult], when: str) -> list[str]:
    _must_be_reached(results)
    return [_sentence(result, when) for result in results if result.outcome is not Outcome.PASSED]


def _must_be_reached(results: Sequence[CheckResult]) -> None:
    for result in results:
        if result.outcome is Outcome.UNREACHABLE:
            raise EngineError("node-unreachable", "One of the machines does not answer.", detail=result.detail)


def _sentence(result: CheckResult, when: str) -> str:
    if result.outcome is Outcome.BROKEN:
        return f"“{result.title}” is broken {when}: {result.detail}"
    return f"“{result.title}” does not hold {when}. Expected: {result.expected} Observed: {result.observed}"


def _told(run: PartRun) -> str:
    place = f"line {run.part.line} on" if run.part.line else "a run block"
    tail = run.output.strip()[-600:]
    return f"In the solution, {place} ({run.part.node}): exit code {run.exit_code}.\n{tail}"
