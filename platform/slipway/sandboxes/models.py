"""Rows about sandboxes: what was asked for, where it is in its life, and an audit of all that happened to it.

Nothing here talks to an engine; `services` writes these rows and `tasks` does the work.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from slipway.core.ids import SandboxId
from slipway.sandboxes.files import NodeFile
from slipway.sandboxes.states import Reason, State
from slipway.sandboxes.topology import Topology


class Sandbox(models.Model):
    """One learner's machines: a private network of nodes with a life cycle and a lease."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sandboxes")
    topology_data = models.JSONField()
    files_data = models.JSONField(default=list)
    node_count = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.REQUESTED, db_index=True)
    reason = models.CharField(max_length=32, choices=Reason.choices, default=Reason.NONE, blank=True)
    # Which node or error it was; for the log and the operator, never for the page.
    reason_detail = models.TextField(blank=True, default="")
    phase = models.CharField(max_length=16, default="queued")
    # [{"name": "network", "ms": 40}, …]: finished phases with their measured length
    phases = models.JSONField(default=list)
    requested_at = models.DateTimeField()
    starting_at = models.DateTimeField(null=True)
    phase_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField()
    # Names of the nodes that are to have no power; the nodes are told by a task.
    unplugged = models.JSONField(default=list)
    # Names of the nodes that have not yet been told whether they have power; the reaper asks again for these.
    untold = models.JSONField(default=list)

    if TYPE_CHECKING:
        owner_id: int

    class Meta:
        indexes = [models.Index(fields=["owner", "state"])]

    def __str__(self) -> str:
        return f"sandbox {self.id} ({self.state})"

    @property
    def sandbox_id(self) -> SandboxId:
        """The id under which the engine knows this sandbox."""
        return SandboxId(self.id)

    @property
    def topology(self) -> Topology:
        """The machines it is made of."""
        return Topology.model_validate(self.topology_data)

    @property
    def files(self) -> tuple[NodeFile, ...]:
        """What lies on the machines from the start."""
        return tuple(NodeFile.model_validate(file) for file in self.files_data)

    @property
    def current(self) -> State:
        """The state, typed."""
        return State(self.state)


class SandboxEvent(models.Model):
    """One line of the audit: what happened to a sandbox, when, and by whom when a person did it."""

    sandbox = models.ForeignKey(Sandbox, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    detail = models.JSONField(default=dict)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.kind}"
