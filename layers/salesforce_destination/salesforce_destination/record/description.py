"""What an org says of one of its sObjects: the answer of its describe, as far as anything here looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Json = Any

TEXT_TYPES = frozenset({"string", "textarea", "picklist", "multipicklist", "combobox", "email", "phone", "url"})
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent", "long"})


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """One field of an sObject."""

    name: str
    label: str
    type: str
    length: int
    createable: bool
    updateable: bool
    nillable: bool
    defaulted: bool
    external_id: bool
    id_lookup: bool
    unique: bool
    case_sensitive: bool
    filterable: bool
    precision: int
    scale: int
    restricted: bool
    """Whether it is a picklist that takes its active values only."""
    active: frozenset[str]
    inactive: frozenset[str]
    """The values of a picklist: those that users can choose, and those that they could before."""

    @property
    def values(self) -> frozenset[str] | None:
        """What a restricted picklist takes; None for every other field."""
        return self.active if self.restricted else None


@dataclass(frozen=True, slots=True)
class ObjectDescription:
    """One sObject and its fields by API name. A field that the user may not see is not there."""

    name: str
    label: str
    createable: bool
    updateable: bool
    fields: Mapping[str, FieldDescription]

    @property
    def writable(self) -> frozenset[str]:
        """The fields that an update may hold."""
        return frozenset(name for name, field in self.fields.items() if field.updateable)

    def spelled_as(self, names: Iterable[str]) -> ObjectDescription:
        """The same, with these spellings of the fields' names: Salesforce does not heed the case of their letters."""
        spelling = {name.lower(): name for name in names}
        return replace(self, fields={spelling.get(name.lower(), name): field for name, field in self.fields.items()})

    @property
    def has_person_accounts(self) -> bool:
        """Whether some accounts of the org are persons: its Account and Contact have a field more then."""
        return "IsPersonAccount" in self.fields


def read_description(describe: Mapping[str, Json]) -> ObjectDescription:
    """Read `sobjects/{name}/describe`; what is not there is taken as no."""
    fields = (_field(field) for field in describe.get("fields") or () if isinstance(field, Mapping))
    name, label = str(describe.get("name", "")), str(describe.get("label", ""))
    createable, updateable = describe.get("createable") is True, describe.get("updateable") is True
    return ObjectDescription(name, label, createable, updateable, {field.name: field for field in fields})


_YES_OR_NO = {
    **{name: name for name in ("createable", "updateable", "nillable", "unique")},
    "defaulted": "defaultedOnCreate",
    "external_id": "externalId",
    "id_lookup": "idLookup",
    "case_sensitive": "caseSensitive",
    "restricted": "restrictedPicklist",
}


def _field(field: Mapping[str, Json]) -> FieldDescription:
    values = [value for value in field.get("picklistValues") or () if isinstance(value, Mapping)]
    active = frozenset(str(value.get("value", "")) for value in values if value.get("active", True))
    known: dict[str, Any] = {
        **{name: str(field.get(name, "")) for name in ("name", "label", "type")},
        **{name: int(field.get(name) or 0) for name in ("length", "precision", "scale")},
        **{name: field.get(key) is True for name, key in _YES_OR_NO.items()},
        "filterable": field.get("filterable", True) is True,
        "active": active,
        "inactive": frozenset(str(value.get("value", "")) for value in values) - active,
    }
    return FieldDescription(**known)
