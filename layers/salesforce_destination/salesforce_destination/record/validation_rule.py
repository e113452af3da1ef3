"""What an org says of its validation rules: whether those that guard against stale values are there and active."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salesforce_destination.record.classification import STALE_MARKER

Json = Any


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """One rule of an sObject; `text` is what it says to whoever is refused."""

    name: str
    active: bool
    text: str

    def guards(self, field: str) -> bool:
        """Whether this is the rule that guards by this field: its text carries the marker, in this spelling."""
        return stale_marker(field) in self.text


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
