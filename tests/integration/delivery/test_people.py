"""Whose record a person's is: each rule, alone and after others, with the org before and after, and the calls."""

from __future__ import annotations

from dataclasses import replace

import pytest
from destination_testbench.org import Fault, FaultKind
from people_table import CONTACTS, PEOPLE, Case, Crm, ident, person

OWNER = """
[[mappings]]
source = "owner"
target = "OwnerId"
"""
FOLLOW = 'merged_records = "follow"\n'
K1, K2 = {"CDP_Customer_Id__c": "K1"}, {"CDP_Customer_Id__c": "K2"}
A, B = {"Email": "a@example.com"}, {"Email": "b@example.com"}
NEW = {"LastName": "New"}
NOBODY = ["rejected NOT_FOUND"]
WRONG_ID = ["rejected INVALID_CROSS_REFERENCE_KEY"]
DELETED = ["rejected ENTITY_IS_DELETED"]
NO_OWNER = "005000000000000AAA"

RULES = [
    Case("an Id of a contact", [person(id="C1")], {"C1": {}}, {"C1": NEW}),
    Case("an Id of a lead", [person(id="L1")], {"L1": {}}, {"L1": NEW}),
    Case("an Id of 15 characters", [person(id=ident("C1")[:15])], {"C1": {}}, {"C1": NEW}),
    Case("a key of a contact", [person(customer="k1")], {"C1": K1}, {"C1": NEW}),
    Case("a key of a lead", [person(customer="K1")], {"L1": K1}, {"L1": NEW}, calls="update query update"),
    Case("an e-mail address", [person(email="A@example.com")], {"C1": A}, {"C1": NEW}, calls="query update"),
    Case("of a lead", [person(email="A@example.com")], {"L1": A}, {"L1": NEW}, calls="query update"),
    Case(
        "the first rule with a value decides",
        [person(id="C1", customer="K2", email="a@example.com")],
        {"C1": {}, "C2": K2, "L1": A},
        {"C1": NEW},
    ),
    Case(
        "the key before the address",
        [person(customer="K2", email="a@example.com")],
        {"C2": K2, "C1": A},
        {"C2": NEW},
    ),
    Case(
        "an unknown Id, then the key",
        [person(id="C9", customer="K1")],
        {"C1": K1},
        {"C1": NEW},
        calls="update query update",
    ),
    Case(
        "an unknown Id, an unknown key, then the address",
        [person(id="C9", customer="K9", email="a@example.com")],
        {"L1": A},
        {"L1": NEW},
        calls="update query update",
    ),
    Case(
        "an unknown key, then the address",
        [person(customer="K9", email="a@example.com")],
        {"C1": A},
        {"C1": NEW},
        calls="update query update",
    ),
    Case("an unknown Id", [person(id="C9")], outcomes=WRONG_ID, calls="update query"),
    Case("an unknown address", [person(email="a@example.com")], outcomes=NOBODY, calls="query"),
    Case(
        "what is no Id is passed over",
        [person(id="damaged", customer="K1")],
        {"C1": K1},
        {"C1": NEW},
        counts={"passed_over": 1},
    ),
    Case(
        "the Id of an account is passed over",
        [person(id=ident("A1"), email="a@example.com")],
        {"C1": A},
        {"C1": NEW},
        calls="query update",
        counts={"passed_over": 1},
    ),
    Case(
        "a word for nothing is no value, and is not counted",
        [person(id=" null ", customer="", email="a@example.com")],
        {"C1": A},
        {"C1": NEW},
        calls="query update",
        counts={"passed_over": 0},
    ),
    Case("what is no Id, alone", [person(id=ident("A1"))], outcomes=["rejected IDENTITY_MALFORMED"], calls=""),
    Case(
        "no value", [person()], outcomes=["rejected NO_IDENTITY"], calls="", text="any of these: id, customer, email."
    ),
]

NOT_FOUND = [
    Case(
        "a wrong owner is not an unknown Id",
        [person(id="C1", customer="K9", email="b@example.com", owner=NO_OWNER)],
        {"C1": {}, "L1": B},
        outcomes=WRONG_ID,
        calls="update query",
        file=PEOPLE + OWNER,
    ),
    Case(
        "nor an unknown key",
        [person(customer="K1", email="b@example.com", owner=NO_OWNER)],
        {"C1": K1, "L1": B},
        outcomes=WRONG_ID,
        file=PEOPLE + OWNER,
    ),
    Case(
        "a purged record's Id, then the key",
        [person(id="C1", customer="K2")],
        {"C1": {}, "C2": K2},
        {"C2": NEW},
        acts=["purge C1"],
        calls="update query update",
    ),
    Case(
        "a purged record is not made again",
        [person(id="C1", customer="K9")],
        {"C1": {}},
        outcomes=WRONG_ID,
        acts=["purge C1"],
        calls="update query",
    ),
    Case(
        "a deleted record's Id ends the rules",
        [person(id="C1", customer="K2")],
        {"C1": {}, "C2": K2},
        outcomes=DELETED,
        acts=["delete C1"],
        calls="update ask",
    ),
    Case(
        "a deleted record's key too",
        [person(customer="K1", email="b@example.com")],
        {"C1": K1, "C2": B},
        outcomes=DELETED,
        acts=["delete C1"],
        calls="update query ask",
    ),
    Case(
        "a deleted lead's key",
        [person(customer="K1")],
        {"L1": K1},
        outcomes=DELETED,
        acts=["delete L1"],
        calls="update query ask",
    ),
    Case(
        "a deleted record's address",
        [person(email="a@example.com")],
        {"L1": A},
        outcomes=DELETED,
        acts=["delete L1"],
        calls="query ask",
    ),
    Case(
        "a deleted contact beside a lead",
        [person(email="a@example.com")],
        {"C1": A, "L1": A},
        {"L1": NEW},
        acts=["delete C1"],
        calls="query update",
    ),
    Case(
        "a deleted one beside a live one",
        [person(email="a@example.com")],
        {"C1": A, "C2": A},
        {"C2": NEW},
        acts=["delete C1"],
        calls="query update",
    ),
    Case(
        "merged, by its Id",
        [person(id="C1")],
        {"C1": {}, "C2": {}},
        outcomes=["rejected RECORD_MERGED"],
        acts=["merge C1 into C2"],
        calls="update ask ask",
        text=ident("C2"),
    ),
    Case(
        "merged, by its key",
        [person(customer="K1")],
        {"C1": K1, "C2": {}},
        outcomes=["rejected RECORD_MERGED"],
        acts=["merge C1 into C2"],
        calls="update query ask ask",
    ),
    Case(
        "a merged one is followed by its Id",
        [person(id="C1")],
        {"C1": {}, "C2": {}},
        {"C2": NEW},
        acts=["merge C1 into C2"],
        calls="update ask ask update",
        file=FOLLOW + PEOPLE,
    ),
    Case(
        "a merged one is followed by its key",
        [person(customer="K1")],
        {"C1": K1, "C2": {}},
        {"C2": NEW},
        acts=["merge C1 into C2"],
        calls="update query ask ask update",
        file=FOLLOW + PEOPLE,
    ),
    Case(
        "a merged one is followed by its address",
        [person(email="a@example.com")],
        {"L1": A, "L2": B},
        {"L2": NEW},
        acts=["merge L1 into L2"],
        calls="query ask ask update",
        file=FOLLOW + PEOPLE,
    ),
]

CODES = (
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "INVALID_CROSS_REFERENCE_KEY",
    "NOT_FOUND",
)


@pytest.mark.parametrize("case", RULES + NOT_FOUND, ids=lambda case: case.name)
def test_whose_record_a_persons_is(case: Case) -> None:
    case.run()


@pytest.mark.parametrize("hidden_key_missed", [True, False])
@pytest.mark.parametrize("code", CODES)
def test_who_is_hidden_by_sharing_is_not_made_again(code: str, hidden_key_missed: bool) -> None:
    facts = {"hidden_record": (code, "no access"), "hidden_key_missed": hidden_key_missed}
    is_right = code.startswith("INSUFFICIENT")
    by_id = f"deferred {code}" if is_right else f"rejected {code}"
    is_missed = hidden_key_missed or code == "NOT_FOUND"
    people = [person(id="C1", customer="K1"), person(customer="K2"), person(email="b@example.com")]
    before = {"C1": K1, "C2": K2 | B}
    by_key = "deferred DUPLICATE_VALUE" if is_missed else by_id
    calls = "update query insert" if is_missed else "update query"
    case = Case(code, people, before, outcomes=[by_id, by_key, *NOBODY], calls=calls, file=CONTACTS, facts=facts)
    replace(case, acts=["hide C1", "hide C2"]).run()


def test_a_hidden_lead_is_not_made_again() -> None:
    waits = ["deferred DUPLICATE_VALUE"]
    Case("", [person(customer="K1")], {"L1": K1}, outcomes=waits, calls="update query insert", acts=["hide L1"]).run()


def test_a_query_that_fails_makes_nobody() -> None:
    crm = Crm()
    crm.put({"L1": K1})
    crm.org.faults.add(Fault(FaultKind.OUTAGE, path="/composite", times=1, skip=1))

    assert crm.deliver([person(customer="K1"), person(id="C9")]) == ["deferred SERVER_UNAVAILABLE"] * 2
    assert (crm.calls, len(crm.all("Lead"))) == ("update query", 1)


def test_a_hidden_contact_gets_a_lead_beside_it_so_that_the_right_to_view_all_is_demanded() -> None:
    before, made = {"C1": K1}, [("Lead", NEW | K1)]
    Case("", [person(customer="K1")], before, created=made, calls="update query insert", acts=["hide C1"]).run()
