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
    values: frozenset[str] | None
    """What a restricted picklist takes; None for every other field."""


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
    return ObjectDescription(
        name=str(describe.get("name", "")),
        label=str(describe.get("label", "")),
        createable=describe.get("createable") is True,
        updateable=describe.get("updateable") is True,
        fields={field.name: field for field in fields},
    )


def _field(field: Mapping[str, Json]) -> FieldDescription:
    return FieldDescription(
        name=str(field.get("name", "")),
        label=str(field.get("label", "")),
        type=str(field.get("type", "")),
        length=int(field.get("length") or 0),
        createable=field.get("createable") is True,
        updateable=field.get("updateable") is True,
        nillable=field.get("nillable") is True,
        defaulted=field.get("defaultedOnCreate") is True,
        external_id=field.get("externalId") is True,
        id_lookup=field.get("idLookup") is True,
        unique=field.get("unique") is True,
        case_sensitive=field.get("caseSensitive") is True,
        filterable=field.get("filterable", True) is True,
        precision=int(field.get("precision") or 0),
        scale=int(field.get("scale") or 0),
        values=_values(field) if field.get("restrictedPicklist") is True else None,
    )


def _values(field: Mapping[str, Json]) -> frozenset[str]:
    values = (value for value in field.get("picklistValues") or () if isinstance(value, Mapping))
    return frozenset(str(value.get("value", "")) for value in values if value.get("active", True))
