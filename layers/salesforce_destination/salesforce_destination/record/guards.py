"""The guards against stale values: which field of the org keeps an older event from overwriting a newer one.

Each guard is a field that holds a time and a validation rule that refuses an older one. What stands under a guard is
written together with it or not at all, so that a time never stands beside another event's values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesforce_destination.record.classification import STALE_MARKER, RecordError

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

GUARD_EXEMPT = "CDP_Guard_Exempt"
"""The custom permission whose holders no guard refuses."""

_MARKER = re.compile(r"\[CDP-STALE:(\w+)\]")


@dataclass(frozen=True, slots=True)
class Guards:
    """Which guard each field stands under; a guard stands under itself, and a field that is not named under none."""

    guard_of: Mapping[str, str]

    @classmethod
    def of(cls, destination: Destination) -> Guards:
        """The guards of a destination file.

        With partial memberships an older message can hold a membership that no newer one repeats, so that audiences
        stand under their own `since_field` only; where messages hold all memberships, the ordering field guards the
        audiences without one too.
        """
        if len(destination.objects) > 1:
            files = map(cls.of, destination.by_object)
            return cls({field: guard for file in files for field, guard in file.guard_of.items()})
        guard_of: dict[str, str] = {}
        if destination.ordering:
            field = destination.ordering.field
            guard_of[field] = field
            guard_of.update((mapping.target, field) for mapping in destination.mappings)
            if destination.profiles.memberships == "all":
                guard_of.update(
                    (audience.mapping_id, field) for audience in destination.audiences if audience.mapping_id
                )
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


Json = Any


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """One rule of an sObject; `text` is what it says to whoever is refused."""

    name: str
    active: bool
    text: str

    def guards(self, field: str) -> bool:
        """Whether this is the rule that guards by this field: its text carries the marker, in any case of letters."""
        return stale_marker(field).lower() in self.text.lower()


def guard_formula(field: str) -> str:
    """The formula of a guard's rule, true of a write that it refuses. Equal times and who is exempt pass."""
    prior = f"PRIORVALUE({field})"
    conditions = f"NOT(ISNEW()), NOT(ISBLANK({field})), NOT(ISBLANK({prior})), {field} < {prior}"
    return f"AND(NOT($Permission.{GUARD_EXEMPT}), {conditions})"


def stale_marker(field: str) -> str:
    """What the error text of a guard's rule has to contain, so that a refusal by it is known for what it is."""
    return f"{STALE_MARKER}{field}]"


def rules_query(sobject: str) -> str:
    """The query to the Tooling API for an sObject's rules (`Metadata` could be asked for one rule at a time only)."""
    # An sObject's name in a destination file has letters, digits and underscores only.
    columns = "ValidationName, Active, ErrorMessage"
    return f"SELECT {columns} FROM ValidationRule WHERE EntityDefinition.QualifiedApiName = '{sobject}'"  # noqa: S608  # nosec B608


def read_rules(answer: Mapping[str, Json]) -> tuple[ValidationRule, ...]:
    """Read the answer to `rules_query`."""
    rows = (row for row in answer.get("records") or () if isinstance(row, Mapping))
    return tuple(
        ValidationRule(
            str(row.get("ValidationName", "")), row.get("Active") is True, str(row.get("ErrorMessage") or "")
        )
        for row in rows
    )
