"""States of a sandbox that need words on the page, each with an id that never changes meaning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from slipway.clusters.snapshot import Problem, plain
from slipway.core.json import JSON, as_mapping, as_text


class ProblemKind(TextChoices):
    """What is wrong, as a sentence for the learner."""

    QUORUM_LOST = (
        "quorum-lost",
        _(
            "The swarm has lost its quorum: too few managers answer to elect a leader. What runs goes on running,"
            " but nothing can be changed, and services and tasks are shown as they last were."
        ),
    )
    API_SERVER_SILENT = (
        "api-server-silent",
        _(
            "The API server of the Kubernetes cluster does not answer. What runs goes on running, but nothing can be"
            " changed, and pods, workloads and services are shown as they last were."
        ),
    )
    CLUSTER_DNS_DELETED = (
        "cluster-dns-deleted",
        _(
            "The DNS of the Kubernetes cluster, in the namespace kube-system, was deleted: pods no longer find services"
            " by their names."
        ),
    )
    CLUSTER_ROLES_DELETED = (
        "cluster-roles-deleted",
        _(
            "Roles that the Kubernetes cluster needs for itself were deleted: the API server refuses its own"
            " controllers, so deployments, services and nodes are no longer looked after."
        ),
    )
    CLUSTER_NODE_DELETED = (
        "cluster-node-deleted",
        _(
            "A node was deleted from the Kubernetes cluster: its machine runs, but the cluster gives it no pods any"
            " more."
        ),
    )
    NODE_FLOODING = (
        "node-flooding",
        _("One of the machines reports more changes than can be followed, so the picture may lag behind."),
    )

    @property
    def offers_new_machines(self) -> bool:
        """Whether to offer new machines: the way back for somebody who is learning how a cluster is made."""
        return self in {self.CLUSTER_DNS_DELETED, self.CLUSTER_ROLES_DELETED, self.CLUSTER_NODE_DELETED}


def described(kinds: Iterable[ProblemKind]) -> tuple[Problem, ...]:
    """Each kind once, with its sentence in the running language."""
    return tuple(_describe(kind) for kind in sorted(set(kinds)))


def _describe(kind: ProblemKind) -> Problem:
    return Problem(kind.value, str(kind.label), kind.offers_new_machines)


def in_words(event: Mapping[str, JSON]) -> dict[str, JSON]:
    """A `cluster` event with the sentences of its problems in the running language: its maker knows no reader's."""
    told = dict(event)
    for part in ("snapshot", "changes"):
        content = as_mapping(event.get(part))
        if problems := content.get("problems"):
            told[part] = {**content, "problems": _in_words(problems)}
    return told


def _in_words(problems: JSON) -> JSON:
    known = {kind.value for kind in ProblemKind}
    ids = (as_text(as_mapping(each).get("id")) for each in problems) if isinstance(problems, list) else ()
    return [plain(_describe(ProblemKind(each))) for each in ids if each in known]
