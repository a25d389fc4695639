"""Names for identifiers, so that one kind is never passed where another is meant."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

SandboxId = NewType("SandboxId", UUID)
AttemptId = NewType("AttemptId", UUID)
NodeName = NewType("NodeName", str)
