"""What an examiner is: whoever runs one check of an author, confined, and says how it ended.

The platform chooses the sandbox: an examiner gets a way to ask about that one, and a check can name only its nodes.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from django.conf import settings

from slipway.checks.examiner_side.limits import Limits
from slipway.checks.results import Outcome
from slipway.core.json import JSON


class Ask(Protocol):
    """A way to put questions to the nodes of one sandbox. Raises `NodeRefusal` and `EngineError`."""

    async def __call__(self, node: str, op: str, params: Mapping[str, JSON], timeout: float = 10) -> JSON:  # noqa: ASYNC109
        """The node's answer, within `timeout` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One check to run: the author's source, which of its checks, and the learner's values and nodes."""

    source: str
    file: str
    check: str
    parameters: Mapping[str, str | int]
    nodes: Sequence[str]
    limits: Limits = field(default_factory=Limits)

    def as_json(self) -> dict[str, JSON]:
        """What the examiner is sent."""
        return {
            "source": self.source,
            "file": self.file,
            "check": self.check,
            "parameters": dict(self.parameters),
            "nodes": list(self.nodes),
            "limits": asdict(self.limits),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one look ended. `detail` is for the instructor: what went wrong in the check, and what it printed."""

    outcome: Outcome
    expected: str = ""
    observed: str = ""
    hint: str = ""
    detail: str = ""


class Examiner(Protocol):
    """Runs checks. Many at once, from one event loop."""

    async def examine(self, job: Job, ask: Ask) -> Verdict:
        """One look. Never raises for what the check does; raises `EngineError` when the examiner itself fails."""
        ...

    async def close(self) -> None:
        """Let go of whatever it holds."""
        ...


@functools.cache
def worker_examiner() -> Examiner:
    """This process's one examiner, as the installation's settings ask: in a container, unless there is no engine."""
    if settings.SLIPWAY_BACKEND == "docker":
        from slipway.checks.container_examiner import ContainerExaminer  # noqa: PLC0415 - only who uses it loads it

        return ContainerExaminer(settings.SLIPWAY_DOCKER_HOST, installation=settings.SLIPWAY_INSTALLATION)
    from slipway.checks.subprocess_examiner import SubprocessExaminer  # noqa: PLC0415 - as above

    return SubprocessExaminer()
