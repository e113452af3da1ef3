"""Several records for one person, and several messages for one record: who is written, and with whose values."""

from __future__ import annotations

import pytest
from people_table import LEADS, PEOPLE, Case, ident, person

K1, K2 = {"CDP_Customer_Id__c": "K1"}, {"CDP_Customer_Id__c": "K2"}
A, B = {"Email": "a@example.com"}, {"Email": "b@example.com"}
NEW = {"LastName": "New"}
BY_MAIL = person(email="a@example.com")
SEVERAL = ["rejected DUPLICATE_EXTERNAL_ID"]
CARDS = PEOPLE.replace('source = "id"\ntarget = "SalesforceId"', 'source = "loyalty"\ntarget = "CDP_Loyalty__c"')
BOTH = {"C1": {"LastName": "Newer", "Phone": "1"}}

MATCHES = [
    Case(
        "two contacts of one address",
        [BY_MAIL],
        {"C1": A, "C2": A},
        outcomes=SEVERAL,
        calls="query",
        text=f"{ident('C1')}, {ident('C2')}",
    ),
    Case("two leads", [BY_MAIL], {"L1": A, "L2": A}, outcomes=SEVERAL, calls="query", text=ident("L2")),
    Case(
        "two leads beside a contact",
        [BY_MAIL],
        {"C1": A, "L1": A, "L2": A},
        {"C1": NEW},
        calls="query update",
        counts={"leads_beside_contacts": 1},
    ),
    Case("a lead whose address the contact has not", [BY_MAIL], {"C1": B, "L1": A}, {"L1": NEW}, calls="query update"),
    Case(
        "a converted lead beside a live one",
        [BY_MAIL],
        {"C1": {}, "L1": A, "L2": A},
        {"L2": NEW},
        acts=["convert L1 into C1"],
        calls="query update",
    ),
    Case(
        "a converted lead, by its address",
        [BY_MAIL],
        {"C1": {}, "L1": A},
        {"C1": NEW},
        acts=["convert L1 into C1"],
        calls="query update",
    ),
    Case(
        "by its Id",
        [person(id="L1")],
        {"C1": {}, "L1": A},
        {"C1": NEW},
        acts=["convert L1 into C1"],
        calls="update ask update",
    ),
    Case(
        "by a key that went along",
        [person(customer="K1")],
        {"C1": B, "L1": K1},
        {"C1": NEW},
        acts=["convert L1 into C1"],
    ),
    Case(
        "by a key that did not",
        [person(customer="K1")],
        {"C1": {}, "L1": K1},
        {"C1": NEW},
        acts=["convert L1 into C1"],
        calls="update query update",
        prepare=lambda org: org.schema.conversion.clear(),
    ),
    Case(
        "two leads that became one contact",
        [BY_MAIL],
        {"C1": {}, "L1": A, "L2": A},
        {"C1": NEW},
        acts=["convert L1 into C1", "convert L2 into C1"],
        calls="query update",
    ),
    Case(
        "and two contacts",
        [BY_MAIL],
        {"C1": {}, "C2": {}, "L1": A, "L2": A},
        outcomes=SEVERAL,
        acts=["convert L1 into C1", "convert L2 into C2"],
        calls="query",
    ),
    Case(
        "a converted lead that is not followed",
        [BY_MAIL],
        {"C1": {}, "L1": A},
        outcomes=["rejected CANNOT_UPDATE_CONVERTED_LEAD"],
        file='converted_leads = "reject"\n' + PEOPLE,
        acts=["convert L1 into C1"],
        calls="query",
    ),
    Case(
        "a converted lead whose contact was deleted",
        [BY_MAIL],
        {"C1": {}, "L1": A},
        outcomes=["rejected ENTITY_IS_DELETED"],
        acts=["convert L1 into C1", "delete C1"],
        calls="query update",
    ),
    *(
        Case(
            f"a converted lead of a file for leads, {number}",
            [given],
            {"C1": {}, "L1": A | K1},
            {"C1": NEW},
            acts=["convert L1 into C1"],
            calls=calls,
            file='converted_leads = "contact"\n' + LEADS,
        )
        for number, (given, calls) in enumerate(
            (
                (person(id="L1"), "update ask update"),
                (person(customer="K1"), "update ask update"),
                (BY_MAIL, "query update"),
            )
        )
    ),
    Case(
        "two contacts on two pages of an answer",
        [BY_MAIL],
        {"C1": A, "C2": A},
        outcomes=SEVERAL,
        calls="query ask",
        prepare=lambda org: setattr(org.config, "query_page", 1),
    ),
    Case(
        "a household's address",
        [person(customer="K1", email="a@example.com")],
        {"C1": A | K2},
        outcomes=["rejected IDENTITY_CONFLICT"],
        calls="update query",
        text=ident("C1"),
    ),
    Case(
        "the address of a record without a key, which it does not get",
        [person(customer="K1", email="a@example.com")],
        {"C1": A},
        {"C1": NEW | {"CDP_Customer_Id__c": None}},
        calls="update query update",
    ),
]

MEETINGS = [
    Case(
        "an Id and a key",
        [person("Older", 1, id="C1", phone="1"), person("Newer", 2, customer="K1")],
        {"C1": K1},
        BOTH,
        calls="update update",
    ),
    Case(
        "the newer by its Id",
        [person("Newer", 2, id="C1", phone="1"), person("Older", 1, customer="K1", phone="2")],
        {"C1": K1},
        BOTH,
        calls="update update",
    ),
    Case(
        "the key first",
        [person("Older", 1, customer="K1", phone="1"), person("Newer", 2, id="C1")],
        {"C1": K1},
        BOTH,
        calls="update update",
    ),
    Case(
        "a key of a lead, and its Id",
        [person("Older", 1, id="L1", phone="1"), person("Newer", 2, customer="K1")],
        {"L1": K1},
        {"L1": BOTH["C1"]},
        calls="update query update",
    ),
    Case(
        "a key and an address",
        [person("Older", 1, customer="K1", phone="1"), person("Newer", 2, email="a@example.com")],
        {"C1": A | K1},
        BOTH,
        calls="query update",
    ),
    Case(
        "the older by its address",
        [person("Newer", 2, customer="K1", phone="1"), person("Older", 1, email="a@example.com", phone="2")],
        {"C1": A | K1},
        BOTH,
        calls="query update",
    ),
    Case(
        "the older by its address, the newer by its Id",
        [person("Newer", 2, id="C1", phone="1"), person("Older", 1, email="a@example.com", phone="2")],
        {"C1": A},
        BOTH,
        calls="update query update",
    ),
    Case(
        "both by their address",
        [person("Newer", 2, id="C9", email="a@example.com", phone="1"), person("Older", 1, email="a@example.com")],
        {"C1": A},
        BOTH,
        calls="update query update",
    ),
    Case(
        "two of one household, who have no keys",
        [person("Older", 1, email="a@example.com", phone="1"), person("Newer", 2, email="A@example.com")],
        {"C1": A},
        BOTH,
        calls="query update",
    ),
    Case(
        "three",
        [person("B", 2, id="C1"), person("Newer", 3, email="a@example.com"), person("A", 1, customer="K1", phone="1")],
        {"C1": A | K1},
        BOTH,
        calls="update update query update",
    ),
    Case(
        "two customers who share a loyalty card that no record has",
        [person("A", customer="K1", loyalty="Y1"), person("B", customer="K2", loyalty="Y1")],
        {"C1": K1, "L2": K2},
        {"C1": {"LastName": "A"}, "L2": {"LastName": "B"}},
        calls="update query update",
        file=CARDS,
    ),
    Case(
        "and that one of them has",
        [person("A", 1, customer="K1", loyalty="Y1", phone="1"), person("B", 2, customer="K2", loyalty="Y1")],
        {"C1": {"CDP_Loyalty__c": "Y1"}, "L2": K2},
        {"C1": {"LastName": "B", "Phone": "1"}},
        file=CARDS,
    ),
    Case(
        "a converted lead and its contact",
        [person("Newer", 2, id="C1", phone="1"), person("Older", 1, id="L1", phone="2")],
        {"C1": {}, "L1": {}},
        BOTH,
        acts=["convert L1 into C1"],
        calls="update ask update",
    ),
]


@pytest.mark.parametrize("case", MATCHES + MEETINGS, ids=lambda case: case.name)
def test_one_record_is_written_with_the_newest_values(case: Case) -> None:
    case.run()
