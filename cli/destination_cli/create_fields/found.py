"""What an administrator finds in an org, as far as a destination file needs it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FoundField:
    """
    A field of the sObject.

    `type` is as a describe names it. `rights_of` is the field whose permission decides over it: itself, the address it
    is a part of, or None where everyone has it. `metadata` is there only where the administrator had to look it up.
    """

    name: str
    type: str
    rights_of: str | None
    record_id: str | None = None
    values: frozenset[str] = frozenset()
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FoundRule:
    """A validation rule whose text holds a guard's marker, or that has a guard's name."""

    record_id: str
    name: str
    active: bool
    message: str
    formula: str


@dataclass(frozen=True, slots=True)
class FoundSet:
    """A permission set: rights by sObject, rights by field (true: may edit), each with the id of its record."""

    record_id: str
    rights: Mapping[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    assigned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """One org, before anything is changed. Field names are found in any case, as Salesforce finds them."""

    fields: Mapping[str, FoundField]
    rules: tuple[FoundRule, ...] = ()
    has_permission: bool = False
    sets: Mapping[str, FoundSet] = field(default_factory=dict)

    def field_named(self, name: str) -> FoundField | None:
        """A field by its name in any case."""
        return self.fields.get(name.lower())


EVERYONE_HAS = frozenset(
    {"lastname", "firstname", "middlename", "suffix", "salutation", "name", "company", "status", "ownerid"}
)
"""Standard fields of people's objects whose rights are the object's: a permission set that names one is refused."""

_ADDRESS_PARTS = (
    "Street",
    "City",
    "State",
    "PostalCode",
    "Country",
    "StateCode",
    "CountryCode",
    "Latitude",
    "Longitude",
)


def assumed(names: Iterable[str]) -> Found:
    """An org that nobody has looked at: it has these standard and foreign fields, and nothing that can be made here."""
    return Found({name.lower(): FoundField(name, "", _rights_of(name)) for name in names})


def _rights_of(name: str) -> str | None:
    if name.lower() in EVERYONE_HAS:
        return None
    part = next((part for part in _ADDRESS_PARTS if name.endswith(part) and not name.endswith("__c")), None)
    return name.removesuffix(part) + "Address" if part else name
