"""What is written beside what the org holds: fields for empty ones, unchanged records, parents and record types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from destination_testbench.org import AccessLevel, SimulatedOrg
from people_table import CONTACTS, PEOPLE, Case, Crm, Fields, ident, person

K1 = {"CDP_Customer_Id__c": "K1"}
A = {"Email": "a@example.com"}
NEW = {"LastName": "New"}
WAITS = "deferred FIELD_MISSING_IN_ORG"


def mapping(source: str, target: str, more: str = "") -> str:
    return f'\n[[mappings]]\nsource = "{source}"\ntarget = "{target}"\n{more}\n'


def keeps(*fields: str) -> str:
    return CONTACTS + "".join(mapping(field.lower(), field, 'write = "if_empty"') for field in fields)


EMPTY_ONLY = keeps("Title", "CDP_Event_Time__c", "CDP_Vip__c")
IN_ORDER = '\n[ordering]\nfield = "CDP_Event_Time__c"\n'
TITLE: dict[str, Any] = {"title": "Dr"}
ALONE = EMPTY_ONLY.replace(mapping("name", "LastName", "required = true"), "").replace("create_missing = true", "")

IF_EMPTY = [
    Case(
        "filled",
        [person(id="C1", **TITLE)],
        {"C1": {"Title": "Mr"}},
        {"C1": NEW | {"Title": "Mr"}},
        calls="read update",
    ),
    Case("empty", [person(id="C1", **TITLE)], {"C1": {}}, {"C1": NEW | {"Title": "Dr"}}, calls="read update"),
    Case("by a key", [person(customer="K1", **TITLE)], {"C1": K1}, {"C1": {"Title": "Dr"}}, calls="query update"),
    Case(
        "filled, by a key",
        [person(customer="K1", **TITLE)],
        {"C1": K1 | {"Title": "Mr"}},
        {"C1": NEW | {"Title": "Mr"}},
        calls="query update",
    ),
    Case(
        "by an address",
        [person(email="a@example.com", **TITLE)],
        {"C1": A},
        {"C1": {"Title": "Dr"}},
        calls="query update",
    ),
    Case(
        "0 is not empty",
        [person(id="C1", cdp_event_time__c=5)],
        {"C1": {"CDP_Event_Time__c": 0}},
        {"C1": {"CDP_Event_Time__c": 0}},
        calls="read update",
    ),
    Case(
        "nor is no",
        [person(id="C1", cdp_vip__c=True)],
        {"C1": {"CDP_Vip__c": False}},
        {"C1": {"CDP_Vip__c": False}},
        calls="read update",
    ),
    Case("nobody reads for who has no value", [person(id="C1")], {"C1": {}}, {"C1": NEW}),
    Case(
        "a new record",
        [person(customer="K1", **TITLE)],
        created=[("Contact", K1 | {"Title": "Dr"})],
        calls="query insert",
    ),
    Case(
        "an unknown Id, then the key",
        [person(id="C9", customer="K1", **TITLE)],
        {"C1": K1 | {"Title": "Mr"}},
        {"C1": NEW | {"Title": "Mr"}},
        calls="read update query update",
    ),
    Case(
        "of the newer of two events that are not written together",
        [person("Older", 1, id="C1", phone="1"), person(at=2, id="C1", **TITLE)],
        {"C1": {"Title": "Mr"}},
        {"C1": NEW | {"Phone": "1", "Title": "Mr"}},
        calls="read update update",
        file=keeps("Title") + IN_ORDER,
    ),
    Case(
        "of a contact outside the file, which a lead became",
        [person(id="L1", **TITLE)],
        {"C1": {"Title": "Mr"}, "L1": {}},
        {"C1": NEW | {"Title": "Mr"}},
        calls="read update",
        acts=["convert L1 into C1"],
        file='converted_leads = "contact"\n'
        + keeps("Title").replace('"Contact"', '"Lead"').replace("= true\n\n", "= false\n\n"),
    ),
    Case(
        "nothing else is to be written",
        [person(id="C1", **TITLE)],
        {"C1": {"Title": "Mr"}},
        calls="read",
        file=ALONE,
        counts={"records_unchanged": 1},
    ),
    Case(
        "a field that is not seen",
        [person(id="C1", **TITLE)],
        {"C1": {"Title": "Mr"}},
        {"C1": NEW},
        outcomes=[WAITS],
        prepare=lambda org: org.admin.restrict_field("Contact", "Title", AccessLevel.NONE),
    ),
]

SKIPS = (
    'unchanged = "skip"\n'
    + CONTACTS.replace('mapping_id = "CDP_Loyal__c"', 'mapping_id = "CDP_Loyal__c"\nsince_field = "CDP_Loyal_Since__c"')
    + mapping("score", "CDP_Event_Time__c")
    + mapping("vip", "CDP_Vip__c")
    + mapping("title", "Title", 'when_absent = "clear"')
)
SINCE = {"CDP_Loyal__c": "realized", "CDP_Loyal_Since__c": "2022-01-11T21:24:39.000+0000"}
ORDERED = SKIPS.replace(mapping("score", "CDP_Event_Time__c"), "") + IN_ORDER
UNCHANGED = [
    Case(
        "by its Id",
        [person("Old", id="C1", vip=False)],
        {"C1": {}},
        calls="read",
        counts={"records_unchanged": 1, "records_delivered": 0},
    ),
    Case("by its key", [person("Old", customer="K1")], {"C1": K1}, calls="query"),
    Case("by its address", [person("Old", email="a@example.com")], {"C1": A}, calls="query"),
    Case("a time", [person("Old", id="C1", loyal="realized")], {"C1": SINCE}, calls="read"),
    Case("a number", [person("Old", id="C1", score="5")], {"C1": {"CDP_Event_Time__c": 5.0}}, calls="read"),
    Case("a changed name", [person(id="C1", loyal="realized")], {"C1": SINCE}, {"C1": NEW}, calls="read update"),
    Case(
        "a changed number",
        [person("Old", id="C1", score=6)],
        {"C1": {"CDP_Event_Time__c": 5.0}},
        {"C1": {"CDP_Event_Time__c": 6.0}},
        calls="read update",
    ),
    Case(
        "a field to clear",
        [person("Old", id="C1")],
        {"C1": {"Title": "Mr"}},
        {"C1": {"Title": None}},
        calls="read update",
    ),
    Case(
        "another case of letters",
        [person("OLD", id="C1")],
        {"C1": {}},
        {"C1": {"LastName": "OLD"}},
        calls="read update",
    ),
    Case(
        "an older event, which another one undid",
        [person("Old", 2, id="C1"), person("Newer", 1, id="C1")],
        {"C1": {}},
        calls="read",
        counts={"records_unchanged": 1},
    ),
    Case(
        "the event's time is a value",
        [person("Old", id="C1")],
        {"C1": {}},
        {"C1": {"LastName": "Old"}},
        calls="read update",
        file=ORDERED,
    ),
]

ACCOUNT = mapping("account", "Account.CDP_Customer__c", 'when_absent = "clear"')
HAS_ACCOUNTS = CONTACTS + ACCOUNT
STRICT = CONTACTS + mapping("account", "Account.CDP_Customer__c", 'when_refused = "reject"')
PARENT = {"A1": {"Name": "Acme", "CDP_Customer__c": "P1"}}
OWNED = PEOPLE + mapping("owner", "Owner:User.FederationIdentifier", 'objects = ["Lead"]')
OWNER = "005Ab0000000002IAA"
PARENTS = [
    Case("there", [person(id="C1", account="P1")], PARENT | {"C1": {}}, {"C1": {"AccountId": "A1"}}, file=HAS_ACCOUNTS),
    Case(
        "of a new record",
        [person(customer="K1", account="P1")],
        PARENT,
        created=[("Contact", {"AccountId": ident("A1")})],
        calls="update query insert",
        file=HAS_ACCOUNTS,
    ),
    Case(
        "cleared",
        [person(id="C1")],
        PARENT | {"C1": {"AccountId": "A1"}},
        {"C1": {"AccountId": None}},
        file=HAS_ACCOUNTS,
    ),
    Case(
        "set, and cleared later",
        [person("A", 1, id="C1", account="P1"), person("B", 2, id="C1")],
        PARENT | {"C1": {}},
        {"C1": {"LastName": "B", "AccountId": None}},
        file=HAS_ACCOUNTS,
    ),
    Case(
        "cleared, and set later",
        [person("A", 1, id="C1"), person("B", 2, id="C1", account="P1")],
        PARENT | {"C1": {}},
        {"C1": {"LastName": "B", "AccountId": "A1"}},
        file=HAS_ACCOUNTS,
    ),
    Case(
        "not there yet",
        [person(id="C1", account="P9", tries=3)],
        PARENT | {"C1": {}},
        outcomes=["deferred PARENT_NOT_FOUND"],
        file=HAS_ACCOUNTS,
    ),
    Case(
        "not there at the fourth try",
        [person(id="C1", account="P9", tries=4)],
        PARENT | {"C1": {}},
        {"C1": NEW | {"AccountId": None}},
        calls="update update",
        file=HAS_ACCOUNTS,
        counts={"omitted": {"Account.CDP_Customer__c": 1}},
    ),
    Case(
        "not there, and not left out",
        [person(id="C1", account="P9", tries=4)],
        PARENT | {"C1": {}},
        outcomes=["rejected INVALID_FIELD"],
        file=STRICT,
    ),
    Case(
        "a relationship that is none",
        [person(id="C1", account="P1")],
        PARENT | {"C1": {}},
        {"C1": NEW},
        outcomes=[WAITS],
        file=CONTACTS + mapping("account", "Acount.CDP_Customer__c"),
    ),
    Case(
        "a parent's field that is none",
        [person(id="C1", account="P1")],
        PARENT | {"C1": {}},
        {"C1": NEW},
        outcomes=[WAITS],
        calls="update update",
        file=CONTACTS + mapping("account", "Account.Nothing__c"),
    ),
    Case(
        "an owner of two kinds",
        [person(id="L1", owner="ada")],
        {"L1": {}},
        {"L1": {"OwnerId": OWNER}},
        file=OWNED,
        prepare=lambda org: org.admin.edit("User", OWNER, {"FederationIdentifier": "ada"}),
    ),
]


@pytest.mark.parametrize(
    "case",
    [replace(case, file=EMPTY_ONLY) if case.file == PEOPLE else case for case in IF_EMPTY],
    ids=lambda case: case.name,
)
def test_what_is_for_empty_fields_leaves_a_filled_one_alone(case: Case) -> None:
    case.run()


@pytest.mark.parametrize(
    "case",
    [replace(case, file=SKIPS) if case.file == PEOPLE else case for case in UNCHANGED],
    ids=lambda case: case.name,
)
def test_what_the_org_holds_already_is_not_written(case: Case) -> None:
    case.run()


@pytest.mark.parametrize("case", PARENTS, ids=lambda case: case.name)
def test_a_parent_is_named_by_its_key(case: Case) -> None:
    crm = case.run()
    assert crm.recorder.calls.count("describe") == len(crm.deliverer.mapper.destination.objects)


TYPED = PEOPLE + mapping("type", "RecordType.DeveloperName")


def with_types(org: SimulatedOrg) -> None:
    for sobject in ("Contact", "Lead"):
        org.admin.add_record_type(sobject, "Partner")
        org.admin.add_record_type(sobject, "Old", active=False)
        org.admin.add_record_type(sobject, "Secret", available=False)


def test_a_record_type_is_that_of_its_object_and_one_that_cannot_be_given_is_left_out() -> None:
    given = {"C1": "Partner", "L1": "Partner", "C2": "Old", "C3": "Secret", "L2": "Unknown"}
    before: dict[str, Fields] = {short: {} for short in given}
    messages = [person(id=short, type=name) for short, name in given.items()]
    crm = Case("", messages, before, dict.fromkeys(given, NEW), file=TYPED, prepare=with_types).run()

    names = {record.id: record.values["DeveloperName"] for record in crm.org.records("RecordType").records.values()}
    objects = {record.id: record.values["SobjectType"] for record in crm.org.records("RecordType").records.values()}
    found = {short: str(crm.values(short).get("RecordTypeId", "")) for short in given}
    assert {short: names.get(type_) for short, type_ in found.items()} == dict.fromkeys(given) | {
        "C1": "Partner",
        "L1": "Partner",
    }
    assert (objects[found["C1"]], objects[found["L1"]]) == ("Contact", "Lead")
    assert crm.batch.omitted == {"RecordTypeId": 3}


def test_the_children_of_one_parent_stand_together() -> None:
    crm = Crm(HAS_ACCOUNTS)
    crm.put({"A1": {"CDP_Customer__c": "P1"}, "A2": {"CDP_Customer__c": "P2"}} | {f"C{n}": {} for n in range(1, 7)})

    crm.deliver([person(id=f"C{n}", account=f"P{1 + n % 2}") for n in range(1, 7)])

    (part,) = crm.recorder.bodies[-1]["compositeRequest"]
    assert [row["Account"]["CDP_Customer__c"] for row in part["body"]["records"]] == ["P1"] * 3 + ["P2"] * 3
