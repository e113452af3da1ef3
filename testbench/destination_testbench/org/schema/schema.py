"""The sObjects of an org and their fields, read from data files and changed while it runs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

from pydantic_core import from_json

from destination_testbench.org.schema.field import Field


class SObject:
    """One sObject: its fields by name, found in any case, as Salesforce finds them."""

    def __init__(self, name: str, label: str, plural: str, prefix: str, setup: bool = False) -> None:
        self.name, self.label, self.plural, self.prefix, self.setup = name, label, plural, prefix, setup
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
    """
    Every sObject of the org.

    `version` counts the changes, for whoever keeps something derived from it; `followers` are told of each field's.
    """

    def __init__(self) -> None:
        self.sobjects: dict[str, SObject] = {}
        self.version = 0
        self.hidden: set[str] = set()
        self.followers: list[Callable[[str, str], None]] = []
        self._names: dict[str, str] = {}

    def find(self, name: object) -> SObject | None:
        """An sObject by its name in any case, unless it is hidden from everyone."""
        found = self.sobjects.get(self._names.get(name.lower(), "")) if isinstance(name, str) else None
        return None if found and found.name in self.hidden else found

    def add(self, sobject: SObject) -> None:
        """Add an sObject."""
        self.sobjects[sobject.name] = sobject
        self._names[sobject.name.lower()] = sobject.name
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
    data = from_json(text)
    fields = data.pop("fields")
    sobject = SObject(**data)
    for field in fields:
        sobject.put(Field.from_data(field))
    return sobject


def standard_schema() -> Schema:
    """The sObjects that every org of this kind starts with."""
    schema = Schema()
    for file in sorted(resources.files(f"{__package__}.data").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json"):
            schema.add(sobject_from_text(file.read_text(encoding="utf-8")))
    return schema
