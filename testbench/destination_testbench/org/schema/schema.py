"""The schema of an org: its sObjects and their fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from pydantic_core import from_json

from destination_testbench.org.faults.failure import not_simulated

TEMPLATE = "CDP_Membership__c"
FLAGS = (
    "nillable",
    "createable",
    "updateable",
    "defaulted",
    "unique",
    "external_id",
    "id_lookup",
    "case_sensitive",
    "restricted",
    "open",
    "name_field",
    "cascade",
)
NEVER_GROUPED = {"double", "currency", "percent", "datetime", "address", "multipicklist"}
SYSTEM_FIELDS = {
    "IsDeleted",
    "MasterRecordId",
    "OwnerId",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field as describe tells it. `values` holds (value, label) pairs of a picklist; `inactive` those values that
    nobody can choose any more.

    `open`: no permission set speaks of it, though of others of its kind they do. `cascade`: it is the master of a
    master-detail relationship, which takes its details along when it is deleted.
    """

    name: str
    label: str
    type: str
    length: int = 0
    nillable: bool = False
    createable: bool = False
    updateable: bool = False
    defaulted: bool = False
    unique: bool = False
    external_id: bool = False
    id_lookup: bool = False
    case_sensitive: bool = False
    restricted: bool = False
    precision: int = 0
    scale: int = 0
    digits: int = 0
    extra: str | None = None
    compound: str | None = None
    relationship: str | None = None
    reference_to: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    inactive: tuple[str, ...] = ()
    default: object = None
    open: bool = False
    name_field: bool = False
    cascade: bool = False

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Field:
        """Read one field of a data file, where the flags are one text and a picklist value may stand alone."""
        rest = dict(data)
        flags: dict[str, Any] = dict.fromkeys(rest.pop("flags", "").split(), True)
        pairs = [(value, value) if isinstance(value, str) else tuple(value) for value in rest.pop("values", ())]
        references = tuple(rest.pop("reference_to", ()))
        return cls(**rest, **flags, values=tuple(pairs), reference_to=references)

    @property
    def custom(self) -> bool:
        """Made by an admin of this org."""
        return self.name.endswith(("__c", "__pc"))

    @property
    def required(self) -> bool:
        """Must be given by whoever creates a record."""
        return self.createable and not self.nillable and not self.defaulted

    @property
    def permissionable(self) -> bool:
        """What describe says of permission sets: that they speak of it.

        The recorded describes say so of the parts of an address too, though only the rights on the whole address
        (MailingAddress) can be given; the rights on a name are the object's.
        """
        own = self.open or self.type == "id" or self.name in SYSTEM_FIELDS or self.compound == "Name"
        return not own and self.name != "Name" and (self.nillable or self.type == "boolean")

    @property
    def indexed(self) -> bool:
        """Records can be found by it: a key, or a reference that somebody made or that takes details along."""
        return self.keyed or (self.type == "reference" and (self.custom or self.cascade))

    @property
    def keyed(self) -> bool:
        """Its value names a record: the target of an upsert, or a unique field."""
        return (self.unique or self.external_id or self.id_lookup) and self.type != "id"

    @property
    def filterable(self) -> bool:
        """Long text areas cannot stand in a WHERE clause."""
        return not (self.type == "textarea" and self.length > 255)

    @property
    def groupable(self) -> bool:
        """Whether a query may group by it."""
        return self.filterable and self.type not in NEVER_GROUPED


class SObject:
    """One sObject: its fields by name, found in any case, as Salesforce finds them.

    `partial`: Salesforce's has more standard fields than are here.
    """

    def __init__(
        self, name: str, label: str, plural: str, prefix: str, setup: bool = False, partial: bool = False
    ) -> None:
        self.name, self.label, self.plural, self.prefix, self.setup = name, label, plural, prefix, setup
        self.partial, self.unbuilt = partial, set[str]()
        self.fields: dict[str, Field] = {}
        self._removed: dict[str, Field] = {}
        self._names: dict[str, str] = {}

    @property
    def custom(self) -> bool:
        """Made by an admin of this org."""
        return self.name.endswith("__c")

    def find(self, name: str) -> Field | None:
        """A field by its name in any case."""
        return self.fields.get(self._names.get(name.lower(), ""))

    def asked(self, name: str) -> Field | None:
        """A field that a request names; NOT_SIMULATED where Salesforce has it, or may have it, and this org has not."""
        found = self.find(name)
        missing = found is None and self.partial and not name.lower().endswith(("__c", "__r"))
        if missing or (found and found.name in self.unbuilt):
            raise not_simulated(f"the field {self.name}.{name}")
        return found

    def by_relationship(self, name: str) -> Field | None:
        """The reference field behind a relationship name such as Account."""
        wanted = name.lower()
        return next((f for f in self.fields.values() if f.relationship and f.relationship.lower() == wanted), None)

    def put(self, field: Field) -> None:
        """Add a field, or replace it. A deleted one of the same name can no longer be restored."""
        self._removed.pop(field.name, None)
        self.fields[field.name] = field
        self._names[field.name.lower()] = field.name

    def remove(self, name: str) -> None:
        """Delete a custom field. Its values stay where they are, as they do in the recycle bin of fields."""
        self._removed[name] = self.fields.pop(name)
        del self._names[name.lower()]

    def restore(self, name: str) -> None:
        """Undelete a field, with its values."""
        self.put(self._removed.pop(name))


class Schema:
    """Every sObject of the org.

    `version` counts the changes, for whoever keeps something derived from it; `followers` are told of each field's.
    `conversion`: which custom field of an sObject takes over which of a converted lead's.
    """

    def __init__(self) -> None:
        self.sobjects: dict[str, SObject] = {}
        self.version = 0
        self.hidden: set[str] = set()
        self.unbuilt: frozenset[str] = frozenset()
        self.conversion: dict[str, dict[str, str]] = {}
        self.followers: list[Callable[[str, str], None]] = []
        self._names: dict[str, str] = {}

    def find(self, name: object) -> SObject | None:
        """An sObject by its name in any case, unless it is hidden from everyone."""
        found = self.sobjects.get(self._names.get(name.lower(), "")) if isinstance(name, str) else None
        return None if found and found.name in self.hidden else found

    def asked(self, name: object) -> SObject | None:
        """An sObject that a request names; NOT_SIMULATED where Salesforce has it and this org has not."""
        found = self.find(name)
        if found is None and isinstance(name, str) and name.lower() in self.unbuilt:
            raise not_simulated(f"the sObject {name}")
        return found

    def add(self, sobject: SObject) -> None:
        """Add an sObject."""
        self.sobjects[sobject.name] = sobject
        self._names[sobject.name.lower()] = sobject.name
        self.version += 1

    def add_custom(self, name: str, label: str, plural: str) -> SObject:
        """Add an sObject that an administrator makes, with the fields that each has from the start."""
        known = standard_schema().sobjects[TEMPLATE]
        taken = {sobject.prefix for sobject in self.sobjects.values()}
        prefix = next(text for number in range(100) if (text := f"a{number:02d}") not in taken)
        made = SObject(name, label, plural, prefix)
        for field in known.fields.values():
            if not field.custom:
                made.put(replace(field, label=f"{label} Name") if field.name == "Name" else field)
        self.add(made)
        return made

    def remove(self, name: str) -> None:
        """Delete an sObject."""
        del self.sobjects[name], self._names[name.lower()]
        self.version += 1

    def put_field(self, sobject: str, field: Field) -> None:
        """Add or replace a field of an sObject."""
        self.sobjects[sobject].put(field)
        self._changed(sobject, field.name)

    def remove_field(self, sobject: str, name: str) -> None:
        """Delete a field: from now on no record knows it."""
        self.sobjects[sobject].remove(name)
        self._changed(sobject, name)

    def restore_field(self, sobject: str, name: str) -> None:
        """Undelete a field."""
        self.sobjects[sobject].restore(name)
        self._changed(sobject, name)

    def _changed(self, sobject: str, field: str) -> None:
        for follow in self.followers:
            follow(sobject, field)
        self.version += 1


def sobject_from_text(text: str) -> SObject:
    """Read one data file."""
    data, fields = _read(text)
    sobject = SObject(**data)
    for field in fields:
        sobject.put(field)
    return sobject


@cache
def _read(text: str) -> tuple[dict[str, Any], tuple[Field, ...]]:
    data = from_json(text)
    return data, tuple(map(Field.from_data, data.pop("fields")))


def standard_schema() -> Schema:
    """The sObjects that every org of this kind starts with."""
    schema = Schema()
    for file in sorted(resources.files(f"{__package__}.data").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json"):
            schema.add(sobject_from_text(file.read_text(encoding="utf-8")))
    schema.unbuilt = not_built("data")
    return schema


def not_built(api: str) -> frozenset[str]:
    """The names, in small letters, of the sObjects that Salesforce has in an API and this org has not."""
    names = from_json(resources.files(__package__).joinpath("not_built.json").read_bytes())
    return frozenset(name.lower() for name in names[api])


def person_fields() -> list[Field]:
    """The fields that Account has once person accounts are switched on."""
    found = from_json(resources.files(__package__).joinpath("person_account.json").read_bytes())
    return [Field.from_data(field) for field in found["fields"]]
