"""Which fields of an sObject facts are tried with, chosen from its describe. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from salesforce_destination.destination.destination import Destination
from salesforce_destination.record.description import FieldDescription, ObjectDescription
from salesforce_destination.record.guards import Guards

TAG_LENGTH = 40
TEXT_LENGTH = 20


class UnfitError(ValueError):
    """No records of this sObject can be made to try with. The text says why."""


@dataclass(frozen=True, slots=True)
class Fields:
    """
    The fields of a stage.

    `tag` tells its records, `required` are filled with the same text, `text` takes any text, `typed` takes no text such
    as "none", `moment` is a Date/Time, `key` a unique external ID, `guards` those of the file by whether the org shows
    them.
    """

    tag: str
    required: tuple[str, ...]
    text: str
    typed: str | None
    moment: str | None
    number: str | None
    key: FieldDescription | None
    guards: dict[str, FieldDescription | None]

    @property
    def writable_guards(self) -> dict[str, FieldDescription]:
        """The guards that this user may write."""
        return {name: field for name, field in self.guards.items() if field and field.updateable}


def choose(description: ObjectDescription, destination: Destination) -> Fields:
    """Choose the fields, or raise UnfitError."""
    fields = description.fields.values()
    required = [f for f in fields if f.createable and not f.nillable and not f.defaulted and f.type != "boolean"]
    unfit = [f.name for f in required if f.type != "string" or f.length < TAG_LENGTH]
    if unfit:
        raise UnfitError(f"{description.name} needs values for {', '.join(unfit)} that this command cannot invent.")
    named = [f for f in fields if f.name == "Name" and f.createable and f.length >= TAG_LENGTH]
    tags = required or named
    if not tags:
        raise UnfitError(f"{description.name} has no field to mark the records of the trial.")
    guards = {guard: description.fields.get(guard) for guard in Guards.of(destination).guard_of.values()}
    free = [f for f in fields if f.updateable and f.name not in guards and f not in tags]
    texts = [f for f in free if f.type == "string" and f.length >= TEXT_LENGTH and not f.unique and not f.external_id]
    if not texts:
        raise UnfitError(f"{description.name} has no text field that this user may write.")
    return Fields(
        tag=tags[0].name,
        required=tuple(f.name for f in tags),
        text=texts[0].name,
        typed=next((f.name for f in free if f.type in ("date", "datetime", "double")), None),
        moment=_moment(description, guards),
        number=_ordering(destination, description),
        key=_key(description, destination),
        guards=guards,
    )


def _moment(description: ObjectDescription, guards: Collection[str]) -> str | None:
    """A Date/Time of the file, else one that an administrator made: a standard one may mean something."""
    custom = [
        f for f in description.fields.values() if f.updateable and f.type == "datetime" and f.name.endswith("__c")
    ]
    return next((f.name for f in sorted(custom, key=lambda field: field.name not in guards)), None)


def _ordering(destination: Destination, description: ObjectDescription) -> str | None:
    field = description.fields.get(destination.ordering.field) if destination.ordering else None
    return field.name if field and field.updateable else None


def _key(description: ObjectDescription, destination: Destination) -> FieldDescription | None:
    """The file's own identity field if it will do, else any external ID that is unique."""
    own = description.fields.get(destination.identity.target)
    others = description.fields.values()
    fitting = (f for f in (own, *others) if f and f.external_id and f.unique and f.createable and f.type == "string")
    return next(fitting, None)
