"""Filters for what exercises and attempts are, in words: machines, levels, titles, durations. Reads no rows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from django import template
from django.utils.translation import gettext, gettext_lazy, ngettext

from slipway.attempts.selectors import AttemptCard
from slipway.exercises.schema import Level
from slipway.sandboxes.topology import NodeKind, Topology

register = template.Library()

_LEVELS = {
    Level.BEGINNER: gettext_lazy("Beginner"),
    Level.INTERMEDIATE: gettext_lazy("Intermediate"),
    Level.ADVANCED: gettext_lazy("Advanced"),
}


@register.filter
def level(value: Level) -> str:
    """The name of a level."""
    return str(_LEVELS[Level(value)])


@register.filter
def kind(value: NodeKind) -> str:
    """What a node of this kind is called."""
    return {
        NodeKind.DOCKER: gettext("Docker node"),
        NodeKind.KUBERNETES_CONTROL: gettext("Kubernetes control plane"),
        NodeKind.KUBERNETES_WORKER: gettext("Kubernetes worker"),
        NodeKind.WORKSTATION: gettext("Workstation"),
        NodeKind.MACHINE: gettext("Machine"),
    }[NodeKind(value)]


@register.filter
def machines(topology: Topology) -> str:
    """“2 Docker nodes, 1 workstation”; a cluster's control plane and workers are “3 Kubernetes nodes”."""
    if not topology.nodes:
        return gettext("No machines: watched")
    kinds = [NodeKind.KUBERNETES_WORKER if node.kind.is_kubernetes else node.kind for node in topology.nodes]
    return ", ".join(_counted(kind_, count) for kind_, count in Counter(kinds).items())


def _counted(kind_: NodeKind, count: int) -> str:
    match kind_:
        case NodeKind.DOCKER:
            words = ngettext("%(count)d Docker node", "%(count)d Docker nodes", count)
        case NodeKind.KUBERNETES_CONTROL | NodeKind.KUBERNETES_WORKER:
            words = ngettext("%(count)d Kubernetes node", "%(count)d Kubernetes nodes", count)
        case NodeKind.WORKSTATION:
            words = ngettext("%(count)d workstation", "%(count)d workstations", count)
        case NodeKind.MACHINE:
            words = ngettext("%(count)d machine", "%(count)d machines", count)
    return words % {"count": count}


@register.filter
def by_state(cards: list[AttemptCard]) -> list[tuple[str, str, list[AttemptCard]]]:
    """The cards of “my labs” in the groups that the page shows: state, title, cards; empty groups are left out."""
    titles = {"running": gettext("Running"), "paused": gettext("To resume"), "submitted": gettext("Done")}
    groups = [(state, title, [card for card in cards if card.state == state]) for state, title in titles.items()]
    return [group for group in groups if group[2]]


@register.filter
def until(start: datetime, end: datetime | None) -> str:
    """The time between two moments: “under a minute”, “42 min”, “1 h 5 min”."""
    minutes = round((end - start).total_seconds() / 60) if end else 0
    if minutes < 1:
        return gettext("under a minute")
    hours, minutes = divmod(minutes, 60)
    if hours >= 24:
        days = hours // 24
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if hours:
        return gettext("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    return gettext("%(minutes)d min") % {"minutes": minutes}
