"""What an org has to have: fields, guards and rights, and the metadata words for them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from salesforce_destination.record.guards import guard_formula, stale_marker

_MAKEABLE = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")
_LONGEST_NAME = 43


class FieldKind(StrEnum):
    """The kinds of fields that are made here, by their words on the command line."""

    TEXT = "text"
    CHECKBOX = "checkbox"
    DATE_TIME = "date-time"
    MULTI_SELECT = "multi-select"
    LONG_TEXT = "long-text"
    NUMBER = "number"


WORDS: Mapping[FieldKind, str] = {
    FieldKind.TEXT: "Text",
    FieldKind.CHECKBOX: "Checkbox",
    FieldKind.DATE_TIME: "Date/Time",
    FieldKind.MULTI_SELECT: "Picklist (Multi-Select)",
    FieldKind.LONG_TEXT: "Text Area (Long), 256",
    FieldKind.NUMBER: "Number (18, 0)",
}
DESCRIBED_AS: Mapping[FieldKind, str] = {
    FieldKind.TEXT: "string",
    FieldKind.CHECKBOX: "boolean",
    FieldKind.DATE_TIME: "datetime",
    FieldKind.MULTI_SELECT: "multipicklist",
    FieldKind.LONG_TEXT: "textarea",
    FieldKind.NUMBER: "double",
}
"""How a describe names each kind."""

AUDIENCE_KINDS = tuple(kind for kind in FieldKind if kind is not FieldKind.NUMBER)


@dataclass(frozen=True, slots=True)
class WantedField:
    """
    One field. `takes` are the types, as a describe names them, that do as well where it is there already.

    One that `finds_records` is a unique external ID.
    """

    key: str
    name: str
    label: str
    kind: FieldKind
    takes: frozenset[str]
    description: str
    length: int = 0
    values: tuple[str, ...] = ()
    finds_records: bool = False
    case_sensitive: bool = False

    @property
    def can_be_made(self) -> bool:
        """Whether the name is one that a custom field may get."""
        return bool(_MAKEABLE.fullmatch(self.name)) and len(self.name) <= _LONGEST_NAME


@dataclass(frozen=True, slots=True)
class WantedRule:
    """The validation rule that keeps an older time from being written over a newer one."""

    name: str
    field: str

    @property
    def marker(self) -> str:
        """What the deliver function knows the rule by."""
        return stale_marker(self.field)

    @property
    def message(self) -> str:
        """The rule's error text."""
        return f"A newer value is there already. {self.marker}"

    @property
    def formula(self) -> str:
        """True of a write that the rule refuses. Equal times pass, and so does whoever holds the exemption."""
        return guard_formula(self.field)


@dataclass(frozen=True, slots=True)
class WantedSet:
    """A permission set: rights on the records of the sObject, and on fields of it."""

    name: str
    label: str
    description: str
    rights: frozenset[str]
    fields: tuple[str, ...]
    edit: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that an org has to have. `given` are fields that the file writes and that are not made here."""

    sobject: str
    api_version: str
    fields: tuple[WantedField, ...]
    given: tuple[tuple[str, str], ...]
    rules: tuple[WantedRule, ...]
    integration: WantedSet
    sales: WantedSet

    @property
    def sets(self) -> tuple[WantedSet, WantedSet]:
        """Both permission sets."""
        return self.integration, self.sales
