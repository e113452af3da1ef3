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
    deletable: bool
    key_prefix: str
    """The three characters with which the Ids of its records begin."""
    fields: Mapping[str, FieldDescription]
    relationships: Mapping[str, tuple[str, tuple[str, ...]]]
    """By relationship name in lower case: the field that holds the parent's Id, and what the parent can be."""
    record_types: Mapping[str, str]
    """By developer name: the Ids of the record types that this user can give a record."""

    @property
    def writable(self) -> frozenset[str]:
        """The fields that an update may hold."""
        return frozenset(name for name, field in self.fields.items() if field.updateable)

    def takes(self, target: str, *, is_new: bool = False) -> bool:
        """Whether an update, or a new record, may hold this field, or name a parent by this relationship."""
        relationship = target.partition(".")[0].partition(":")[0].lower()
        name = self.relationships.get(relationship, ("",))[0] if "." in target else target
        field = self.fields.get(name)
        return field is not None and (field.createable if is_new else field.updateable)

    def spelled_as(self, names: Iterable[str]) -> ObjectDescription:
        """The same, with these spellings of the fields' names: Salesforce does not heed the case of their letters."""
        spelling = {name.lower(): name for name in names}
        fields = {spelling.get(name.lower(), name): field for name, field in self.fields.items()}
        found = self.relationships.items()
        relationships = {key: (spelling.get(name.lower(), name), parents) for key, (name, parents) in found}
        return replace(self, fields=fields, relationships=relationships)

    @property
    def has_person_accounts(self) -> bool:
        """Whether some accounts of the org are persons: its Account and Contact have a field more then."""
        return "IsPersonAccount" in self.fields


def read_description(describe: Mapping[str, Json]) -> ObjectDescription:
    """Read `sobjects/{name}/describe`; what is not there is taken as no."""
    fields = [field for field in describe.get("fields") or () if isinstance(field, Mapping)]
    kinds = [kind for kind in describe.get("recordTypeInfos") or () if isinstance(kind, Mapping)]
    usable = [kind for kind in kinds if kind.get("active") and kind.get("available") and not kind.get("master")]
    return ObjectDescription(
        name=str(describe.get("name", "")),
        label=str(describe.get("label", "")),
        createable=describe.get("createable") is True,
        updateable=describe.get("updateable") is True,
        deletable=describe.get("deletable") is True,
        key_prefix=str(describe.get("keyPrefix") or ""),
        fields={field.name: field for field in map(_field, fields)},
        relationships={
            str(name).lower(): (str(field.get("name", "")), tuple(map(str, field.get("referenceTo") or ())))
            for field in fields
            if (name := field.get("relationshipName"))
        },
        record_types={str(kind.get("developerName")): str(kind.get("recordTypeId")) for kind in usable},
    )


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
