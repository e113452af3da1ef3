from __future__ import annotations

from typing import Any

import pytest
from destination_cli.org_api import OrgError
from destination_cli.prove.stage import choose
from guarded_org import GUARDED
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.record.description import ObjectDescription, read_description

CONTACTS = read_destination(GUARDED)


def a_field(name: str, kind: str = "string", **changes: Any) -> dict[str, Any]:
    flags = {"createable": True, "updateable": True, "nillable": True, "length": 80}
    return {"name": name, "label": name, "type": kind, **flags, **changes}


def an_object(*fields: dict[str, Any]) -> ObjectDescription:
    return read_description({"name": "Contact", "fields": list(fields)})


LAST_NAME = a_field("LastName", nillable=False)


def test_the_required_text_tells_the_records_and_another_is_written() -> None:
    chosen = choose(an_object(LAST_NAME, a_field("Title"), a_field("Birthdate", "date")), CONTACTS)

    assert (chosen.tag, chosen.required, chosen.text, chosen.typed) == ("LastName", ("LastName",), "Title", "Birthdate")
    assert (chosen.key, chosen.moment, chosen.number) == (None, None, None)
    assert chosen.guards == dict.fromkeys(("CDP_Event_Time__c", "CDP_Loyal_Since__c", "CDP_Newsletter_Since__c"))


def test_an_object_without_required_fields_is_told_by_its_name() -> None:
    assert choose(an_object(a_field("Name"), a_field("Color__c")), CONTACTS).tag == "Name"


def test_accounts_are_persons_where_there_are_person_accounts() -> None:
    fields = [a_field("Name"), a_field("LastName"), a_field("FirstName"), a_field("IsPersonAccount", "boolean")]

    def tag(*described: dict[str, Any]) -> str:
        return choose(read_description({"name": "Account", "fields": described}), CONTACTS).tag

    assert (tag(*fields), tag(*fields[:-1])) == ("LastName", "Name")


def test_times_are_tried_with_fields_that_were_made_for_it() -> None:
    fields = [a_field(name, "datetime") for name in ("EmailBouncedDate", "Other__c", "CDP_Loyal_Since__c")]

    assert choose(an_object(LAST_NAME, a_field("Title"), *fields), CONTACTS).moment == "CDP_Loyal_Since__c"
    assert choose(an_object(LAST_NAME, a_field("Title"), *fields[:1]), CONTACTS).moment is None


@pytest.mark.parametrize(
    ("changes", "is_key"),
    [({}, True), ({"unique": False}, False), ({"externalId": False}, False), ({"createable": False}, False)],
)
def test_records_are_found_by_a_unique_external_id_only(changes: dict[str, Any], is_key: bool) -> None:
    key = a_field("Key__c", **{"externalId": True, "unique": True, **changes})

    assert (choose(an_object(LAST_NAME, a_field("Title"), key), CONTACTS).key is not None) is is_key


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ([LAST_NAME, a_field("Parent__c", "reference", nillable=False), a_field("Title")], "Parent__c"),
        ([a_field("Color__c")], "no field to mark"),
        ([LAST_NAME, a_field("Title", updateable=False)], "no text field"),
    ],
)
def test_an_object_that_no_records_can_be_made_of_is_refused_with_the_reason(
    fields: list[dict[str, Any]], word: str
) -> None:
    with pytest.raises(OrgError, match=word):
        choose(an_object(*fields), CONTACTS)
