"""What changed from one snapshot to the next, as pages are told, and how a page puts it into effect."""

from __future__ import annotations

from collections.abc import Mapping

from slipway.clusters.snapshot import COLLECTIONS, Snapshot, entries, plain
from slipway.core.json import JSON, as_mapping, as_text


def difference(before: Snapshot, after: Snapshot) -> dict[str, JSON]:
    """The changes from `before` to `after`; empty when there are none. What did not change is absent."""
    changes: dict[str, JSON] = {}
    for collection in COLLECTIONS:
        old = {entry.id: entry for entry in entries(before, collection)}
        new = {entry.id: entry for entry in entries(after, collection)}
        put = [plain(entry) for key, entry in new.items() if old.get(key) != entry]
        drop = [key for key in old if key not in new]
        if put or drop:
            changes[collection] = {"put": put, "drop": drop}
    for part in ("problems", "left_out"):
        if getattr(before, part) != getattr(after, part):
            changes[part] = plain(getattr(after, part))
    return changes


def apply(changes: Mapping[str, JSON], snapshot: Mapping[str, JSON]) -> dict[str, JSON]:
    """The snapshot after the changes, both as JSON: what a page does. New entries come last in their collection."""
    result = dict(snapshot)
    for collection in COLLECTIONS:
        if collection in changes:
            change = as_mapping(changes[collection])
            held = {as_text(as_mapping(entry).get("id")): entry for entry in _list(snapshot.get(collection))}
            for key in _list(change.get("drop")):
                held.pop(as_text(key), None)
            held.update({as_text(as_mapping(entry).get("id")): entry for entry in _list(change.get("put"))})
            result[collection] = list(held.values())
    result.update({part: changes[part] for part in ("problems", "left_out") if part in changes})
    return result


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
