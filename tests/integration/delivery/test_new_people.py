"""Who gets a new record, with what in it, and who does not: the org before and after, and the calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from destination_testbench.org import Fault, FaultKind, SimulatedOrg
from destination_testbench.org.records.duplicates import DuplicateRule
from people_table import CONTACTS, PEOPLE, Case, Crm, person
from salesforce_destination.outcome import Message

K1 = {"CDP_Customer_Id__c": "K1"}
A = {"Email": "a@example.com"}
MADE = "update query insert"
HELD = "deferred CREATIONS_HELD"

RULES = PEOPLE.replace(
    (by_mail := '[[identity]]\nsource = "email"'),
    '[[identity]]\nsource = "loyalty"\ntarget = "CDP_Loyalty__c"\ncreate_missing = "Lead"\n\n' + by_mail,
)
ONLY_NEW = """
[[mappings]]
constant = "CDP"
target = "LeadSource"
write = "create"
objects = ["Lead"]

[[mappings]]
source = "title"
target = "Title"
write = "create"
"""
OPT_OUT = """
[profiles]
only_if = "consents == 'y'"
"""
OUT = PEOPLE + OPT_OUT
CARDS = PEOPLE.replace(
    'source = "id"\ntarget = "SalesforceId"',
    'source = "loyalty"\ntarget = "CDP_Loyalty__c"\ncreate_missing = "Lead"',
)
ASSIGNED = "00500000000000BAAQ"


def consenting(consents: str, at: int = 0) -> Message:
    return person(customer="K1", consents=consents, at=at, loyal="realized")


def change_key(org: SimulatedOrg, **flags: Any) -> None:
    for sobject in ("Contact", "Lead"):
        org.schema.put_field(sobject, replace(org.schema.sobjects[sobject].fields["CDP_Customer_Id__c"], **flags))


NEW_PEOPLE = [
    Case(
        "the keys of all rules, and what only a new record gets",
        [person(customer="K1", loyalty="Y1", email="a@example.com", title="Dr", phone="1")],
        created=[("Lead", K1 | A | {"CDP_Loyalty__c": "Y1", "LeadSource": "CDP", "Title": "Dr", "Phone": "1"})],
        calls=MADE,
        file=RULES + ONLY_NEW,
        counts={"records_created": 1, "records_delivered": 1},
    ),
    Case(
        "what only a new record gets is not written to one that is there",
        [person(customer="K1", title="Dr")],
        {"L1": K1 | {"Title": "Mr", "LeadSource": "Web"}},
        {"L1": {"Title": "Mr", "LeadSource": "Web", "LastName": "New"}},
        calls="update query update",
        file=PEOPLE + ONLY_NEW,
        counts={"records_created": 0},
    ),
    Case(
        "a request of its own",
        [person(customer="K1"), person(email="a@example.com")],
        {"C1": A},
        {"C1": {"LastName": "New"}},
        created=[("Lead", K1)],
        calls="query update insert",
    ),
    Case(
        "a new contact",
        [person(customer="K1", email="a@example.com")],
        created=[("Contact", K1 | A)],
        calls=MADE,
        file=CONTACTS,
    ),
    Case(
        "who has an Id is not made again",
        [person(id="C9", customer="K1")],
        outcomes=["rejected INVALID_CROSS_REFERENCE_KEY"],
        calls="update query",
    ),
    Case(
        "nor who has no key",
        [person(email="a@example.com")],
        outcomes=["rejected NOT_FOUND"],
        calls="query",
    ),
    Case(
        "who opted out is not made",
        [consenting("n")],
        outcomes=["skipped"],
        calls="update query",
        file=PEOPLE + OPT_OUT,
    ),
    Case(
        "nor rejected where nothing tells who it is", [person(consents="n")], calls="", outcomes=["skipped"], file=OUT
    ),
    Case(
        "not by an earlier message either",
        [consenting("y", 1), consenting("n", 2)],
        outcomes=["skipped"] * 2,
        calls="update query",
        file=PEOPLE + OPT_OUT,
    ),
    Case(
        "who consents again is",
        [consenting("n", 1), consenting("y", 2)],
        outcomes=["skipped", "delivered"],
        created=[("Lead", K1 | {"CDP_Loyal__c": "realized"})],
        calls=MADE,
        file=PEOPLE + OPT_OUT,
    ),
    Case(
        "one person by one key in two cases of letters",
        [person("A", 1, customer="K1", phone="1"), person("B", 2, customer="k1")],
        created=[("Lead", {"LastName": "B", "Phone": "1"})],
        calls=MADE,
    ),
    Case(
        "two persons whose keys the org tells apart by their letters alone",
        [person("A", customer="K1"), person("B", customer="k1")],
        created=[("Lead", {"LastName": "A"}), ("Lead", {"LastName": "B"})],
        calls=MADE,
        file=PEOPLE.replace('create_missing = "Lead"', 'create_missing = "Lead"\ncase_sensitive = true'),
        prepare=lambda org: change_key(org, case_sensitive=True),
    ),
    Case(
        "a loyalty card of two new customers is one person's, as its key is unique",
        [
            person("A", 1, customer="K1", loyalty="Y1"),
            person("B", 2, customer="K2", loyalty="Y1"),
            person("C", 3, customer="K1"),
        ],
        created=[("Lead", {"CDP_Loyalty__c": "Y1", "CDP_Customer_Id__c": "K2", "LastName": "B"}), ("Lead", K1)],
        calls=MADE,
        file=CARDS,
    ),
    Case(
        "a number, as a number and as its digits",
        [person("A", customer=7), person("B", customer="8"), person(customer="no number")],
        {"L1": {"CDP_Customer_Id__c": 7.0}},
        {"L1": {"LastName": "A"}},
        created=[("Lead", {"CDP_Customer_Id__c": 8.0})],
        outcomes=["delivered", "delivered", "rejected IDENTITY_MALFORMED"],
        calls="update query update insert",
        prepare=lambda org: change_key(org, type="double", precision=18),
    ),
    Case(
        "a key that is not unique is asked for",
        [person("A", customer="K1"), person(customer="K2")],
        {"L1": K1, "C1": {"CDP_Customer_Id__c": "K2"}, "C2": {"CDP_Customer_Id__c": "K2"}},
        {"L1": {"LastName": "A"}},
        outcomes=["delivered", "rejected DUPLICATE_EXTERNAL_ID"],
        calls="query update",
        file=PEOPLE.replace("create_missing", "# create_missing"),
        prepare=lambda org: change_key(org, unique=False),
    ),
    Case(
        "one person under several identities",
        [
            person("A", 1, customer="K1", loyalty="Y1", phone="1"),
            person("C", 3, loyalty="y1", email="a@example.com"),
            person("B", 2, email="A@example.com"),
        ],
        created=[("Lead", K1 | {"CDP_Loyalty__c": "y1", "LastName": "C", "Phone": "1"})],
        calls="query insert",
        file=RULES,
    ),
    Case(
        "who opted out later, under another identity",
        [
            person("A", 1, customer="K1", loyalty="Y1", consents="y"),
            person("B", 2, loyalty="Y1", consents="n", loyal="realized"),
        ],
        outcomes=["skipped"] * 2,
        calls="update query",
        file=RULES + OPT_OUT,
    ),
    Case(
        "two persons of one address",
        [person("A", customer="K1", email="a@example.com"), person("B", customer="K2", email="a@example.com")],
        created=[("Lead", A | K1), ("Lead", A | {"CDP_Customer_Id__c": "K2"})],
        calls=MADE,
    ),
    Case(
        "a duplicate rule",
        [person(customer="K1", email="a@example.com")],
        {"C1": A | {"CDP_Customer_Id__c": "K9"}},
        outcomes=["rejected DUPLICATES_DETECTED"],
        calls=MADE,
        file=PEOPLE.replace('source = "email"\ntarget = "Email"', 'source = "mail"\ntarget = "Email"')
        + '[[mappings]]\nsource = "email"\ntarget = "Email"\n',
        prepare=lambda org: org.admin.add_duplicate_rule(DuplicateRule("Lead", "Any", ("Email",), against="Contact")),
    ),
    Case(
        "an owner by the org's rules",
        [person(customer="K1"), person("B", customer="K2")],
        {"L2": {"CDP_Customer_Id__c": "K2"}},
        {"L2": {"OwnerId": "005Ab0000000001IAA"}},
        created=[("Lead", {"OwnerId": ASSIGNED})],
        calls="update query update insert",
        file='assignment_rules = "created"\n' + PEOPLE,
        prepare=lambda org: setattr(org.config, "assignment_rule_owner", ASSIGNED),
    ),
    Case(
        "an owner without them",
        [person(customer="K1")],
        created=[("Lead", {"OwnerId": "005Ab0000000001IAA"})],
        calls=MADE,
        prepare=lambda org: setattr(org.config, "assignment_rule_owner", ASSIGNED),
    ),
]

BAD = "no address"
TAKEN_APART = [
    ([person("A", 1, customer="K1"), person("B", 2, customer="K1", email=BAD)], ["delivered", "rejected"], "A"),
    ([person("A", 1, customer="K1", email=BAD), person("B", 2, customer="K1")], ["rejected", "delivered"], "B"),
    (
        [
            person("A", 1, customer="K1"),
            person("B", 2, customer="K1", email=BAD),
            person("C", 3, customer="K1"),
        ],
        ["delivered", "rejected", "delivered"],
        "C",
    ),
]
MAPPED = PEOPLE.replace('source = "email"\ntarget = "Email"', 'source = "mail"\ntarget = "Email"') + (
    '[[mappings]]\nsource = "email"\ntarget = "Email"\n'
)


@pytest.mark.parametrize("case", NEW_PEOPLE, ids=lambda case: case.name)
def test_who_gets_a_record_and_who_does_not(case: Case) -> None:
    case.run()


@pytest.mark.parametrize(("messages", "kinds", "name"), TAKEN_APART)
def test_of_a_new_record_that_is_taken_apart_the_first_event_makes_it_and_the_rest_is_written_to_it(
    messages: list[Message], kinds: list[str], name: str
) -> None:
    crm = Crm(MAPPED)

    assert [what.partition(" ")[0] for what in crm.deliver(messages)] == kinds
    (lead,) = crm.all("Lead").values()
    assert lead.values["LastName"] == name
    assert crm.batch.records_created == 1


def test_a_person_whose_making_was_not_answered_is_found_the_next_time() -> None:
    crm = Crm()
    crm.org.faults.add(Fault(FaultKind.DROP_AFTER, path="/composite", times=1, skip=2))

    assert crm.deliver([person(customer="K1")])[0].startswith("deferred")
    assert crm.calls == MADE
    assert crm.deliver([person("Again", customer="K1", tries=2)]) == ["delivered"]
    (lead,) = crm.all("Lead").values()
    assert lead.values["LastName"] == "Again"


@pytest.mark.parametrize("is_cold", [True, False])
def test_a_person_whom_another_process_makes_first_waits_and_is_found(is_cold: bool) -> None:
    crm = Crm()
    crm.recorder.before["insert"] = lambda: crm.put({"L1": K1})

    assert crm.deliver([person(customer="K1")]) == ["deferred DUPLICATE_VALUE"]
    if is_cold:
        crm.start_cold()
    assert crm.deliver([person(customer="K1", tries=2)]) == ["delivered"]
    assert len(crm.all("Lead")) == 1
    assert crm.values("L1")["LastName"] == "New"


def test_above_the_share_of_new_people_creating_waits() -> None:
    crm = Crm()
    people = [person(customer=f"K{number}") for number in range(12)]

    assert crm.deliver(people) == ["delivered"] * 10 + [HELD] * 2
    assert (crm.batch.records_created, crm.batch.creations_held) == (10, 2)
    assert crm.deliver([person(customer=f"K{number}", tries=2) for number in (10, 11)]) == [HELD] * 2
    known = [person(customer=f"K{number}") for number in range(10)]
    for _ in range(10):
        assert set(crm.deliver(known)) == {"delivered"}
    assert crm.deliver([person(customer=f"K{number}", tries=3) for number in (10, 11)]) == ["delivered", HELD]
    assert len(crm.all("Lead")) == 11
    crm.start_cold()
    assert crm.deliver([person(customer="K11", tries=4)]) == ["delivered"]


def test_assignment_rules_run_for_the_request_that_creates_alone() -> None:
    crm = Crm('assignment_rules = "created"\n' + PEOPLE)
    crm.put({"L2": {"CDP_Customer_Id__c": "K2"}})

    crm.deliver([person(customer="K1"), person("B", customer="K2")])

    sent = zip(crm.recorder.calls, crm.recorder.headers, crm.recorder.bodies, strict=True)
    written = [
        (
            call,
            headers["Sforce-Auto-Assign"],
            {part["httpHeaders"]["Sforce-Auto-Assign"] for part in body["compositeRequest"]},
        )
        for call, headers, body in sent
        if call in ("update", "insert")
    ]
    assert written == [("update", "FALSE", {"FALSE"})] * 2 + [("insert", "TRUE", {"TRUE"})]


def test_for_a_first_load_everybody_is_made() -> None:
    crm = Crm("most_created_percent = 100\n" + PEOPLE)
    people = [person(customer=f"K{number}") for number in range(12)]

    assert crm.deliver(people) == ["delivered"] * 12


def test_an_org_that_makes_records_where_it_must_not_is_left_alone() -> None:
    crm = Crm(facts={"update_only_honoured": False})

    assert crm.deliver([person(customer="K1")]) == ["delivered"]
    assert crm.batch.update_only_ignored
    assert crm.deliver([person(customer="K1"), person(customer="K2")]) == ["deferred UPDATE_ONLY_IGNORED"] * 2
    assert crm.calls == ""
    assert len(crm.all("Contact")) == 1
