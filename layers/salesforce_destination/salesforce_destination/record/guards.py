"""
The guards against stale values: which field of the org keeps an older event from overwriting a newer one.

Each guard is a field that holds a time and a validation rule that refuses an older one. What stands under a guard is
written together with it or not at all, so that a time never stands beside another event's values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from salesforce_destination.record.classification import RecordError

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

_MARKER = re.compile(r"\[CDP-STALE:(\w+)\]")


@dataclass(frozen=True, slots=True)
class Guards:
    """Which guard each field stands under; a guard stands under itself, and a field that is not named under none."""

    guard_of: Mapping[str, str]

    @classmethod
    def of(cls, destination: Destination) -> Guards:
        """
        The guards of a destination file.

        With partial memberships an older message can hold a membership that no newer one repeats, so that audiences
        stand under their own `since_field` only; where messages hold all memberships, the ordering field guards the
        audiences without one too.
        """
        guard_of: dict[str, str] = {}
        if destination.ordering:
            field = destination.ordering.field
            guard_of[field] = field
            guard_of.update((mapping.target, field) for mapping in destination.mappings)
            if destination.profiles.memberships == "all":
                guard_of.update((audience.mapping_id, field) for audience in destination.audiences)
        for audience in destination.audiences:
            if audience.since_field:
                guard_of[audience.mapping_id] = guard_of[audience.since_field] = audience.since_field
        return cls(guard_of)

    def with_guarded(self, fields: Iterable[str]) -> frozenset[str]:
        """These fields, and for each guard among them all that stands under it."""
        names = frozenset(fields)
        return names | {field for field, guard in self.guard_of.items() if guard in names}


def stale_guards(errors: Iterable[RecordError]) -> frozenset[str]:
    """The guards that refused a record, from the markers in the texts; `fields` of the error may be empty."""
    return frozenset(name for error in errors for name in _MARKER.findall(error.text))
