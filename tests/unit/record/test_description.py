from __future__ import annotations

from typing import Any

import pytest
from salesforce_destination.record.description import FieldDescription, read_description

FLAGS = [
    ("createable", "createable"),
    ("updateable", "updateable"),
    ("nillable", "nillable"),
    ("defaultedOnCreate", "defaulted"),
    ("externalId", "external_id"),
    ("idLookup", "id_lookup"),
    ("unique", "unique"),
    ("caseSensitive", "case_sensitive"),
    ("filterable", "filterable"),
]


def a_field(**said: Any) -> FieldDescription:
    (field,) = read_description({"fields": [{"name": "A__c", **said}]}).fields.values()
    return field


@pytest.mark.parametrize(("said", "name"), FLAGS)
def test_each_flag_is_read_from_its_word_and_only_true_is_yes(said: str, name: str) -> None:
    assert [getattr(a_field(**{said: value}), name) for value in (True, False, "true", 1)] == [
        True,
        False,
        False,
        False,
    ]
    assert [other for _, other in FLAGS if getattr(a_field(**{said: True, "filterable": True}), other)] == (
        ["filterable"] if name == "filterable" else [name, "filterable"]
    )


def test_what_is_not_said_is_no_but_for_filterable() -> None:
    field = a_field()

    assert [name for _, name in FLAGS if getattr(field, name)] == ["filterable"]
    assert (field.label, field.type, field.length, field.precision, field.scale, field.values) == (
        "",
        "",
        0,
        0,
        0,
        None,
    )


def test_an_object_and_its_fields_are_read() -> None:
    said = {"name": "Contact", "label": "Person", "createable": True, "updateable": False}
    fields = [
        {"name": "A__c", "label": "A", "type": "string", "length": 80, "updateable": True},
        {"name": "B__c", "type": "double", "precision": 18, "scale": 2},
        "no field",
    ]

    described = read_description({**said, "fields": fields})

    assert (described.name, described.label) == ("Contact", "Person")
    assert (described.createable, described.updateable) == (True, False)
    a, b = described.fields["A__c"], described.fields["B__c"]
    assert (a.label, a.type, a.length, b.precision, b.scale) == ("A", "string", 80, 18, 2)
    assert described.writable == {"A__c"}
    assert not described.has_person_accounts


def test_an_account_that_may_be_a_person_says_so_by_a_field() -> None:
    assert read_description({"fields": [{"name": "IsPersonAccount"}]}).has_person_accounts


def test_an_object_that_says_nothing_has_nothing() -> None:
    described = read_description({"fields": None})

    assert (described.name, described.createable, described.updateable, described.fields) == ("", False, False, {})


def test_its_ids_its_parents_and_its_record_types_are_read() -> None:
    said = {
        "keyPrefix": "00Q",
        "fields": [
            {"name": "OwnerId", "relationshipName": "Owner", "referenceTo": ["Group", "User"]},
            {"name": "Level__c", "relationshipName": "Level__r", "referenceTo": ["Level__c"]},
            {"name": "JigsawContactId", "relationshipName": "JigsawContact", "referenceTo": None},
            {"name": "LastName", "relationshipName": None, "referenceTo": []},
        ],
        "recordTypeInfos": [
            {"developerName": "Customer", "recordTypeId": "012A", "active": True, "available": True, "master": False},
            {"developerName": "Hidden", "recordTypeId": "012B", "active": True, "available": False},
            {"developerName": "Old", "recordTypeId": "012C", "active": False, "available": True},
            {"developerName": "Master", "recordTypeId": "012D", "active": True, "available": True, "master": True},
            "no record type",
        ],
    }

    described = read_description(said)

    assert described.key_prefix == "00Q"
    assert described.relationships == {
        "owner": ("OwnerId", ("Group", "User")),
        "level__r": ("Level__c", ("Level__c",)),
        "jigsawcontact": ("JigsawContactId", ()),
    }
    assert described.record_types == {"Customer": "012A"}
    spelled = described.spelled_as(["ownerid", "Level__c"])
    assert spelled.relationships["owner"] == ("ownerid", ("Group", "User"))
    nothing = read_description({"keyPrefix": None, "recordTypeInfos": None})
    assert (nothing.key_prefix, nothing.relationships, nothing.record_types) == ("", {}, {})


def test_a_restricted_picklist_has_the_values_that_are_active() -> None:
    listed = [{"value": "a", "active": True}, {"value": "b", "active": False}, {"value": "c"}, "no value"]

    assert a_field(restrictedPicklist=True, picklistValues=listed).values == frozenset("ac")
    assert a_field(restrictedPicklist=False, picklistValues=listed).values is None
    assert a_field(restrictedPicklist=True).values == frozenset()
    for restricted in (True, False):
        field = a_field(restrictedPicklist=restricted, picklistValues=[*listed, {"value": "a", "active": False}])
        assert (field.active, field.inactive) == (frozenset("ac"), frozenset("b"))


def test_its_fields_can_be_spelled_as_a_file_does() -> None:
    fields = [{"name": name, "updateable": True} for name in ("LastName", "CDP_Loyal__c")]

    spelled = read_description({"name": "Contact", "fields": fields}).spelled_as(["cdp_loyal__C", "Nowhere__c"])

    assert spelled.writable == {"LastName", "cdp_loyal__C"}
