"""
Which records travel together.

Salesforce locks the parent of a record that is written, and two requests that write children of one parent wait for
each other ("Record-Level Locking"). So the children of one parent stand next to each other, where the parent is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.record.record import Record

PARENT_FIELD = "AccountId"
"""The field that names the record which Salesforce locks with this one."""


def in_order_of_parents(records: Iterable[Record]) -> list[Record]:
    """Put the children of one parent next to each other; what has no known parent keeps its order, and comes first."""
    return sorted(records, key=_parent)


def collections_of(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """
    Cut attempts into collections, in their order.

    None holds more than the least that one of its records allows, and records that moved elsewhere have their own, as
    have those that must not be created: a collection is about one sObject and found in one way.
    """
    groups: dict[tuple[str | None, bool, int], list[Attempt]] = {}
    for attempt in attempts:
        record = attempt.record
        groups.setdefault((record.moved_to, record.updates_only, attempt.most), []).append(attempt)
    return [chunk for (_, _, most), group in groups.items() for chunk in _cut(group, most)]


def _cut(group: Sequence[Attempt], size: int) -> list[list[Attempt]]:
    return [list(group[start : start + size]) for start in range(0, len(group), size)]


def _parent(record: Record) -> str:
    return str(record.fields.get(PARENT_FIELD) or "")
