"""From the kernel's counters in a node's containers to bytes a second on each link of the picture. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from slipway.clusters.node_reading import NodePart
from slipway.clusters.untrusted import identity, items, mac, number, within
from slipway.core.json import JSON

_CONTAINERS_READ = 250
_CARDS_READ = 16
_MOST = 2**53  # a page counts no further
RATES_TOLD = 200

Counters = Mapping[tuple[str, str], int]
"""Bytes both ways since a card was made, by container and network."""


def read_counters(answer: JSON, part: NodePart) -> Counters:
    """The counters of cards that are on a network of the picture."""
    found: dict[tuple[str, str], int] = {}
    for container in items(within(answer, "containers"), limit=_CONTAINERS_READ):
        key = identity(container.get("id"))
        for card in items(container.get("interfaces"), limit=_CARDS_READ):
            network = part.cards.get((key, mac(card.get("mac"))))
            if network is not None:
                both = number(card.get("rx_bytes"), most=_MOST) + number(card.get("tx_bytes"), most=_MOST)
                found[key, network] = found.get((key, network), 0) + both
    return found


def rates(before: Counters, now: Counters, seconds: float) -> list[JSON]:
    """What is not silent, the loudest first. A card that was not there before, or whose count fell, is new."""
    changed = {
        key: round((count - before[key]) / seconds) for key, count in now.items() if before.get(key, count) < count
    }
    loudest = sorted(changed.items(), key=lambda item: -item[1])[:RATES_TOLD]
    return [
        {"container": container, "network": network, "bytes": speed}
        for (container, network), speed in loudest
        if speed > 0
    ]
