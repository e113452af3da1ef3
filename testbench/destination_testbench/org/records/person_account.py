"""Person accounts: an Account that is a human being, with a contact's fields under names of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from destination_testbench.org.facts import Facts
from destination_testbench.org.faults.failure import SaveError, required
from destination_testbench.org.records.record_id import record_id
from destination_testbench.org.records.store import StoredRecord
from destination_testbench.org.schema.schema import Field, Schema, SObject, person_fields

BUSINESS_TYPE, PERSON_TYPE = record_id("012", 1), record_id("012", 2)
KIND = "IsPersonAccount"
OWN_NAMES = ("Salutation", "FirstName", "LastName")
# The contact behind a person is not there, nor is anything that only other features fill.
UNBUILT = {"PersonContactId", "PersonIndividualId"}
MARRYING = "Cannot specify any additional fields when marrying or separating a Person-Account"


class PersonAccounts:
    """Gives the Account of a schema the fields of persons, and keeps them in step with those of the Contact."""

    def __init__(self, schema: Schema, facts: Facts) -> None:
        self._schema, self._facts = schema, facts

    def enable(self) -> None:
        """Switch them on, if they are not on; as with Salesforce there is no way back."""
        if has_persons(self._schema.sobjects["Account"]):
            return
        account, contact = self._schema.sobjects["Account"], self._schema.sobjects["Contact"]
        for field in person_fields():
            keyed = field.name == "PersonEmail" and self._facts.person_email_is_id_lookup
            account.put(replace(field, id_lookup=keyed))
        account.unbuilt |= UNBUILT
        for name in [name for name in contact.fields if name.endswith("__c")]:
            self._follow("Contact", name)
        self._schema.followers.append(self._follow)
        self._schema.version += 1

    def _follow(self, sobject: str, name: str) -> None:
        """Do to the Account what was done to a custom field of the Contact."""
        if sobject != "Contact":
            return
        account, found = self._schema.sobjects["Account"], self._schema.sobjects["Contact"].fields.get(name)
        mirrored = f"{name.removesuffix('__c')}__pc"
        if found:
            account.put(self._of_a_person(found, mirrored))
        elif mirrored in account.fields:
            account.remove(mirrored)

    def _of_a_person(self, field: Field, name: str) -> Field:
        keyed = self._facts.person_external_ids
        lookup, external = keyed and field.id_lookup, keyed and field.external_id
        return replace(field, name=name, id_lookup=lookup, external_id=external, compound=None)


def has_persons(sobject: SObject) -> bool:
    """Whether some records of an sObject are persons and others are not."""
    return KIND in sobject.fields


def kind_of(sobject: SObject, values: Mapping[str, object]) -> dict[str, object]:
    """What a new record's values make it: a person by a last name or by its record type."""
    if not has_persons(sobject):
        return {}
    person = values.get("LastName") is not None or values.get("RecordTypeId") == PERSON_TYPE
    return {KIND: person, "RecordTypeId": values.get("RecordTypeId") or (PERSON_TYPE if person else BUSINESS_TYPE)}


def missing_fields(sobject: SObject, given: Mapping[str, object]) -> list[str]:
    """The fields without which a record cannot be created, and that it has not: a person has a last name for a name."""
    wanted = [field.name for field in sobject.fields.values() if field.required]
    if has_persons(sobject):
        wanted.append("LastName" if kind_of(sobject, given).get(KIND) else "Name")
    return [name for name in wanted if name not in given]


def person_errors(
    sobject: SObject, record: StoredRecord | None, values: Mapping[str, object], facts: Facts
) -> list[SaveError]:
    """What is refused of a person's name, and of a business's person fields; of a new record only what has a value."""
    if not has_persons(sobject):
        return []
    person = (record.values if record else kind_of(sobject, values)).get(KIND)
    misplaced = [name for name in values if (name == "Name" if person else of_persons(name))]
    if misplaced:
        text = (facts.person_name_text if person else facts.person_field_text).format(fields=", ".join(misplaced))
        return [SaveError("INVALID_FIELD_FOR_INSERT_UPDATE", text, tuple(misplaced))]
    type_ = values.get("RecordTypeId")
    if record and type_ in (BUSINESS_TYPE, PERSON_TYPE) and type_ != record.get("RecordTypeId"):
        return [SaveError("INVALID_FIELD_FOR_INSERT_UPDATE", MARRYING)]
    name = "LastName" if person else "Name"
    return [required([name])] if record is not None and values.get(name, "") is None else []


def of_persons(name: str) -> bool:
    """Whether an account's field is only for persons."""
    return name in OWN_NAMES or name.endswith("__pc") or (name.startswith("Person") and not name.endswith("__c"))


def of_contact(name: str) -> str:
    """The Contact's field behind a person's field of Account."""
    return f"{name.removesuffix('__pc')}__c" if name.endswith("__pc") else name.removeprefix("Person")
