"""Contacts and leads in one file: where each is written, what of the file counts there, and never an older value."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from destination_testbench.org import AccessLevel, SimulatedOrg
from people_table import PEOPLE, Case, Crm, ident, person
from salesforce_destination.outcome import Message
from salesforce_destination.record.guards import guard_formula

K1 = {"CDP_Customer_Id__c": "K1"}
A = {"Email": "a@example.com"}
NEW = {"LastName": "New"}
REQUIRED = ["rejected REQUIRED_VALUE_MISSING"]
WAITS = "deferred FIELD_MISSING_IN_ORG"

ROUTED = (
    PEOPLE.replace('default = "Unknown"', "required = true")
    + """
[[mappings]]
source = "score"
target = { Contact = "Department", Lead = "Title" }

[[mappings]]
source = "title"
target = "Title"
objects = ["Contact"]

[[audiences]]
id = "newsletter"
mapping_id = "CDP_Newsletter__c"
objects = ["Contact"]
"""
)
BY_TABLE = PEOPLE.replace(
    'target = "CDP_Customer_Id__c"', 'target = { Contact = "CDP_Customer_Id__c", Lead = "CDP_Loyalty__c" }'
)
LEADS_FIRST = PEOPLE.replace('["Contact", "Lead"]', '["Lead", "Contact"]')

ROUTES = [
    Case(
        "a field for each",
        [person(id="C1", score="5", title="Dr"), person(id="L1", score="6", title="Dr", company="Acme")],
        {"C1": {}, "L1": {}},
        {"C1": {"Department": "5", "Title": "Dr"}, "L1": {"Department": None, "Title": "6"}},
        file=ROUTED,
    ),
    Case(
        "an audience of contacts",
        [person(id=short, loyal="realized", news="realized", company="Acme") for short in ("C1", "L1")],
        {"C1": {}, "L1": {}},
        {
            "C1": {"CDP_Loyal__c": "realized", "CDP_Newsletter__c": "realized"},
            "L1": {"CDP_Loyal__c": "realized", "CDP_Newsletter__c": None},
        },
        file=ROUTED,
    ),
    Case("what a lead must have, and a contact not", [person(id="C1")], {"C1": {}}, {"C1": NEW}, file=ROUTED),
    Case("by a key", [person(customer="K1")], {"C1": K1}, {"C1": NEW}, file=ROUTED),
    Case("by an address", [person(email="a@example.com")], {"C1": A}, {"C1": NEW}, file=ROUTED, calls="query update"),
    Case(
        "a length of leads",
        [person(customer="K1", phone="12345"), person(customer="K2", phone="12345")],
        {"C1": K1, "L1": {"CDP_Customer_Id__c": "K2"}},
        {"C1": {"Phone": "12345"}},
        outcomes=["delivered", "rejected VALUE_TOO_LONG"],
        calls="update query",
        file=PEOPLE.replace('target = "Phone"', 'target = "Phone"\nobjects = ["Contact"]')
        + '[[mappings]]\nsource = "phone"\ntarget = "Phone"\nobjects = ["Lead"]\nmax_length = 3\n',
    ),
    Case("a lead without it", [person(id="L1")], {"L1": {}}, outcomes=REQUIRED, calls="query", file=ROUTED),
    Case(
        "a lead without it, by a key",
        [person(customer="K1")],
        {"L1": K1},
        outcomes=REQUIRED,
        calls="update query",
        file=ROUTED,
    ),
    Case("a new lead without it", [person(customer="K1")], outcomes=REQUIRED, calls="update query", file=ROUTED),
    Case(
        "a lead without it that became a contact",
        [person(id="L1")],
        {"L1": {}, "C1": {}},
        {"C1": NEW},
        calls="query update",
        file=ROUTED,
        acts=["convert L1 into C1"],
    ),
    Case(
        "one key in two fields",
        [person(customer="K1"), person(customer="K2")],
        {"C1": K1, "L1": {"CDP_Loyalty__c": "K2"}, "L2": K1},
        {"C1": NEW, "L1": NEW},
        calls="update query update",
        file=BY_TABLE,
    ),
    Case(
        "a new lead with the key of leads",
        [person(customer="K9")],
        created=[("Lead", {"CDP_Loyalty__c": "K9", "CDP_Customer_Id__c": None})],
        calls="update query insert",
        file=BY_TABLE,
    ),
    Case(
        "the first object of the file counts",
        [person(email="a@example.com")],
        {"C1": A, "L1": A},
        {"L1": NEW},
        calls="query update",
        file=LEADS_FIRST,
        counts={"leads_beside_contacts": 1},
    ),
]


@pytest.mark.parametrize("case", ROUTES, ids=lambda case: case.name)
def test_each_object_gets_what_the_file_says_of_it(case: Case) -> None:
    case.run()


def test_a_field_that_leads_have_not_lets_no_contact_wait() -> None:
    crm = Crm(ROUTED)
    crm.put({"C1": {}, "L1": {}})
    crm.org.admin.restrict_field("Lead", "Phone", AccessLevel.NONE)
    people = [person(id="C1", phone="1"), person(id="L1", phone="1", company="Acme")]

    assert crm.deliver(people) == ["delivered", WAITS]
    assert (crm.values("C1")["Phone"], crm.values("L1")["LastName"]) == ("1", "New")
    assert crm.deliver([person("Newer", 1, id="C1", phone="2"), people[1]]) == ["delivered", WAITS]
    assert crm.calls == "update"
    crm.org.admin.restrict_field("Lead", "Phone", None)
    crm.time += 400
    assert crm.deliver([people[1]]) == ["delivered"]
    assert crm.values("L1")["Phone"] == "1"


GUARDED = (
    PEOPLE.replace('mapping_id = "CDP_Loyal__c"', 'mapping_id = "CDP_Loyal__c"\nsince_field = "CDP_Loyal_Since__c"')
    + '\n[ordering]\nfield = "CDP_Event_Time__c"\n'
)


def guarded(org: SimulatedOrg) -> None:
    for sobject in ("Contact", "Lead"):
        for field in ("CDP_Event_Time__c", "CDP_Loyal_Since__c"):
            name = f"Guard_{field.removesuffix('__c')}"
            org.admin.add_rule(sobject, name, guard_formula(field), f"[CDP-STALE:{field}]")


def deliver_each(crm: Crm, messages: list[Message], *, is_cold: bool) -> None:
    for message in messages:
        assert crm.deliver([message]) in (["delivered"], ["superseded"])
        if is_cold:
            crm.start_cold()


@pytest.mark.parametrize("is_cold", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_whatever_order_and_by_whatever_rule_the_newest_value_stays(order: tuple[int, ...], is_cold: bool) -> None:
    crm = Crm(GUARDED)
    crm.put({"L1": K1 | A})
    guarded(crm.org)
    messages = [person("0", 0, customer="K1"), person("1", 1, email="a@example.com"), person("2", 2, id="L1")]

    deliver_each(crm, [messages[number] for number in order], is_cold=is_cold)

    assert crm.values("L1")["LastName"] == "2"


@pytest.mark.parametrize("given", [{"id": "L1"}, {"customer": "K1"}, {"email": "a@example.com"}])
@pytest.mark.parametrize("is_cold", [True, False])
def test_a_lead_that_is_converted_between_two_messages_never_gets_an_older_value(
    given: dict[str, Any], is_cold: bool
) -> None:
    crm = Crm(GUARDED)
    crm.put({"L1": K1 | A})
    guarded(crm.org)
    deliver_each(crm, [person("Newer", 2, loyal="realized", customer="K1")], is_cold=is_cold)
    contact = crm.org.admin.convert_lead(ident("L1"))

    assert crm.deliver([person("Older", 1, **given)]) == ["superseded"]
    assert crm.all("Contact")[contact].values["LastName"] == "Newer"
    assert crm.deliver([person("Newest", 3, **given)]) == ["delivered"]
    assert crm.all("Contact")[contact].values["LastName"] == "Newest"


RIDERS = [
    [person("Older", 1, id="L1", phone="1"), person("Newest", 3, id="L1")],
    [person("Older", 1, email="a@example.com", phone="1"), person("Newest", 3, id="L1")],
    [person("Older", 1, customer="K1", phone="1"), person("Newest", 3, email="a@example.com")],
]


@pytest.mark.parametrize("messages", RIDERS)
def test_no_older_value_passes_a_guard_beside_a_newer_events_time(messages: list[Message]) -> None:
    crm = Crm(GUARDED)
    crm.put({"L1": K1 | A})
    guarded(crm.org)
    deliver_each(crm, [person("Middle", 2, id="L1", phone="2")], is_cold=True)

    assert crm.deliver(messages) == ["superseded", "delivered"]
    assert (crm.values("L1")["LastName"], crm.values("L1")["Phone"]) == ("Newest", "2")


def test_where_nothing_is_newer_both_are_written() -> None:
    crm = Crm(GUARDED)
    crm.put({"L1": K1 | A})
    guarded(crm.org)

    assert crm.deliver(RIDERS[0]) == ["delivered"] * 2
    assert (crm.values("L1")["LastName"], crm.values("L1")["Phone"], crm.calls) == ("Newest", "1", "update update")
    assert crm.deliver([person("A", 5, id="L1", phone="5"), person("B", 6, id="L1", phone="6")]) == ["delivered"] * 2
    assert crm.calls == "update"


@pytest.mark.parametrize("file", [PEOPLE, GUARDED])
def test_a_lead_that_is_converted_between_question_and_write_is_followed(file: str) -> None:
    crm = Crm(file)
    crm.put({"L1": A, "C1": {}})
    crm.recorder.before["update"] = lambda: crm.act("convert L1 into C1")

    assert crm.deliver([person(email="a@example.com", loyal="realized")]) == ["delivered"]
    assert (crm.values("C1")["LastName"], crm.values("C1")["CDP_Loyal__c"]) == ("New", "realized")
    assert crm.calls == "query update ask update"


def test_a_record_that_is_deleted_between_question_and_write_is_not_made_again() -> None:
    crm = Crm()
    crm.put({"L1": A})
    before = crm.recorder.before
    before["query"] = lambda: before.update(update=lambda: crm.act("delete L1"))

    assert crm.deliver([person(customer="K1", email="a@example.com")]) == ["rejected ENTITY_IS_DELETED"]
    assert crm.calls == "update query update ask"
    assert not crm.all("Lead")


def test_an_older_value_does_not_pass_beside_an_event_between_it_and_the_newer_value() -> None:
    crm = Crm(GUARDED + '[[mappings]]\nsource = "title"\ntarget = "Title"\n')
    crm.put({"L1": K1 | A})
    guarded(crm.org)
    deliver_each(crm, [person("Middle", 2, id="L1", phone="2")], is_cold=True)
    older, between = person("Older", 1, id="L1", phone="1"), person("Between", 3, id="L1", title="Dr")

    assert crm.deliver([older, between, person("Newest", 4, id="L1", phone="4")]) == ["delivered"] * 3
    (row,) = crm.all("Lead").values()
    assert [change.fields["Phone"][1] for change in row.history if "Phone" in change.fields] == ["2", "4"]
    assert (row.values["LastName"], row.values["Title"]) == ("Newest", "Dr")
