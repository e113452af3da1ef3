"""One thing that is done in an org, as it is shown to a person before it happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any

from destination_cli.create_fields.wanted import WORDS, WantedField, WantedRule, WantedSet


@dataclass(frozen=True, slots=True)
class MakePermission:
    """Make the custom permission that guards let pass."""

    name: str

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "custom permission", self.name, "for repairs by hand; assigned to nobody"


@dataclass(frozen=True, slots=True)
class MakeField:
    """Make a custom field."""

    sobject: str
    field: WantedField

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        kind = WORDS[self.field.kind]
        length = f", {self.field.length}" if self.field.kind == "text" else ""
        more = ", external ID, unique" if self.field.finds_records else ""
        values = f": {'; '.join(self.field.values)}" if self.field.values else ""
        return "field", f"{self.sobject}.{self.field.name}", f"{kind}{length}{more}{values}"


@dataclass(frozen=True, slots=True)
class AddValues:
    """Add values to a picklist."""

    sobject: str
    field: str
    record_id: str
    values: tuple[str, ...]
    metadata: Mapping[str, Any] = member(repr=False)

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "values", f"{self.sobject}.{self.field}", f"add {'; '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class MakeRule:
    """Make the validation rule of a guard."""

    sobject: str
    rule: WantedRule

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return (
            "validation rule",
            f"{self.sobject}.{self.rule.name}",
            f"refuses an older {self.rule.field} after a newer one",
        )


@dataclass(frozen=True, slots=True)
class MendRule:
    """Make a guard's rule what it has to be."""

    sobject: str
    rule: WantedRule
    record_id: str
    name: str
    difference: str

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "validation rule", f"{self.sobject}.{self.name}", f"repair it: it {self.difference}"


@dataclass(frozen=True, slots=True)
class MakeSet:
    """Make a permission set."""

    wanted: WantedSet

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "permission set", self.wanted.name, self.wanted.label


@dataclass(frozen=True, slots=True)
class GiveRights:
    """Let a permission set do these things with records. `known` are the ids of permissions that are there."""

    set_name: str
    rights: Mapping[str, frozenset[str]]
    known: Mapping[str, str]

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        order = ("Read", "Create", "Edit", "Delete")
        each = (
            f"{name}: {', '.join(right.lower() for right in order if right in given)}"
            for name, given in self.rights.items()
        )
        return "rights on records", self.set_name, "; ".join(each)


@dataclass(frozen=True, slots=True)
class GiveFields:
    """Let a permission set read fields, or edit them (true). `known` are the ids of permissions that are there."""

    set_name: str
    sobject: str
    fields: Mapping[str, bool]
    known: Mapping[str, str]

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        verb = "edit" if any(self.fields.values()) else "read"
        return "rights on fields", self.set_name, f"{verb} {', '.join(self.fields)}"


@dataclass(frozen=True, slots=True)
class AssignSet:
    """Give a permission set to a user."""

    set_name: str
    user: str

    def shown(self) -> tuple[str, str, str]:
        """What it is, its name, and more about it."""
        return "assignment", self.set_name, f"to the integration user {self.user}"


Step = MakePermission | MakeField | AddValues | MakeRule | MendRule | MakeSet | GiveRights | GiveFields | AssignSet
