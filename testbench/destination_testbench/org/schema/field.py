"""One field of an sObject, with the properties that decide what may be written to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
)
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
    """A field as describe tells it. `values` holds (value, label) pairs of a picklist."""

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
    default: object = None

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
        """
        Whether permission sets speak of it: not of what everyone has, nor of the parts of a name or an address.

        The rights on an address are those on the compound field (MailingAddress), the rights on a name the object's.
        """
        own = self.type == "id" or self.name in SYSTEM_FIELDS or self.compound is not None
        return not own and self.name != "Name" and (self.nillable or self.type == "boolean")

    @property
    def indexed(self) -> bool:
        """Records can be found by it: the target of an upsert, or a unique field."""
        return (self.unique or self.external_id or self.id_lookup) and self.type != "id"

    @property
    def filterable(self) -> bool:
        """Long text areas cannot stand in a WHERE clause."""
        return not (self.type == "textarea" and self.length > 255) and self.type != "address"
