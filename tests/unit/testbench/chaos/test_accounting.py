from __future__ import annotations

import random
from functools import partial
from typing import Any

from destination_testbench.aws.queue import Stored
from destination_testbench.chaos.accounting import Accounting, contacts_of, examined
from destination_testbench.chaos.people import KEY, PeopleGenerator, address_of, key_of, mixed, records_of
from destination_testbench.chaos.traffic import (
    AUDIENCES,
    ORDERING_FIELD,
    EventGenerator,
    Extent,
    Membership,
    ProfileEvent,
    TimeFrom,
)
from destination_testbench.org import SimulatedOrg, record_id, seed
from salesforce_destination.profile.event_time import to_salesforce

START = 1_767_571_200.0
LOYAL, (STATUS, SINCE) = next(iter(AUDIENCES.items()))


def two_events() -> list[ProfileEvent]:
    """Two events of one person, made by the real generator, with one membership each."""
    generator = EventGenerator(Extent(1, 2, 1_000, START), random.Random(1))
    events = [generator.event(number, 1, number * 100, TimeFrom.BODY, {}) for number in (1, 2)]
    return [with_membership(event, status) for event, status in zip(events, ("realized", "exited"), strict=True)]


def with_membership(event: ProfileEvent, status: str) -> ProfileEvent:
    return ProfileEvent(
        event.number,
        event.person,
        event.happened_at,
        event.send_at,
        event.body,
        event.attributes,
        event.values,
        {LOYAL: Membership(status, event.happened_at)},
    )


def org_with(*written: ProfileEvent) -> SimulatedOrg:
    """An org in which these events were written, in this order."""
    org = SimulatedOrg(now=lambda: START, sleep=lambda seconds: None)
    seed(org, contacts=1)
    for event in written:
        membership = event.memberships[LOYAL]
        values: dict[str, Any] = {**event.values, ORDERING_FIELD: event.happened_at}
        values |= {STATUS: membership.status, SINCE: to_salesforce(membership.since).replace("Z", ".000+0000")}
        org.admin.edit("Contact", record_id("003", 1), values)
    return org


def accounting_of(
    org: SimulatedOrg, events: list[ProfileEvent], queued: Any = (), dead_letters: Any = ()
) -> Accounting:
    return examined(events, partial(contacts_of, org), queued, (), dead_letters)


def a_letter(body: str, code: str | None) -> Stored:
    attributes = {"ErrorCode": {"DataType": "String", "StringValue": code}} if code else {}
    return Stored(1, "id", body, attributes, START)


def test_the_newest_values_are_good_however_they_came() -> None:
    first, second = two_events()

    assert accounting_of(org_with(first, second), [first, second]).is_good
    assert accounting_of(org_with(second), [first, second]).is_good


def test_an_older_value_over_a_newer_one_is_stale_even_if_it_was_mended_later() -> None:
    first, second = two_events()

    stale = accounting_of(org_with(second, first), [first, second])
    mended = accounting_of(org_with(second, first, second), [first, second])

    assert any("went back" in line for line in stale.stale)
    assert any("went back" in line for line in mended.stale)
    assert mended.lost == []


def test_a_newest_event_that_never_came_is_lost() -> None:
    first, second = two_events()

    accounting = accounting_of(org_with(first), [first, second])

    assert len(accounting.lost) == 2
    assert all("never reached the time of messages [2]" in line for line in accounting.lost)


def test_a_newer_time_beside_older_values_is_stale() -> None:
    first, second = two_events()
    org = org_with(first, second)
    org.admin.edit("Contact", record_id("003", 1), {"LastName": first.values["LastName"]})

    accounting = accounting_of(org, [first, second])

    assert [line.partition(".")[2] for line in accounting.stale] == [
        "LastName does not hold the value of the newest event"
    ]


def test_a_good_message_is_no_dead_letter_and_a_bad_one_has_its_code() -> None:
    first, second = two_events()
    bad = ProfileEvent(3, 1, 0, 0.0, "{,}", code="NOT_JSON")
    org, events = org_with(second), [first, second, bad]

    assert accounting_of(org, events, dead_letters=[a_letter("{,}", "NOT_JSON")]).is_good
    assert accounting_of(org, events).lost == ["bad message 3 (NOT_JSON) is neither queued nor a dead letter"]
    wrong = [a_letter("{,}", "OTHER"), a_letter(first.body, "NOT_JSON"), a_letter("foreign", None)]
    assert len(accounting_of(org, events, dead_letters=wrong).wrong_dead_letters) == 3


def test_what_is_still_queued_is_lost() -> None:
    first, second = two_events()

    accounting = accounting_of(org_with(second), [first, second], queued=[a_letter(first.body, None)])

    assert accounting.lost == ["message 1 is still queued"]


def test_whoever_has_two_records_or_none_is_found() -> None:
    first, second = two_events()
    org = org_with(first, second)

    twice = examined([first, second], lambda person: contacts_of(org, 1) * 2, (), (), ())
    none = examined([first, second], lambda person: [], (), (), ())

    assert (len(twice.created_twice), twice.lost, twice.is_good) == (1, [], False)
    assert (none.lost, none.is_good) == (["person 1 has no record"], False)


def test_a_record_that_held_something_of_two_people_is_found_even_if_it_was_mended_later() -> None:
    generator = PeopleGenerator(Extent(3, 3, 1_000, START), random.Random(1))
    events = [generator.event(number, number, 100, TimeFrom.BODY, {}) for number in (1, 2, 3)]
    org = SimulatedOrg(now=lambda: START, sleep=lambda seconds: None)
    for event in events:
        org.insert("Lead", record_id("00Q", event.person), {"Company": "C", KEY: key_of(event.person), **event.values})
    assert list(mixed(org, events)) == []

    org.admin.edit("Lead", record_id("00Q", 2), {"FirstName": "First 3"})
    org.admin.edit("Lead", record_id("00Q", 2), {"FirstName": "First 2"})
    org.admin.edit("Lead", record_id("00Q", 3), {"Email": address_of(1)})

    assert [line.rpartition(" people ")[2] for line in mixed(org, events)] == ["[2, 3]", "[1, 3]"]


def test_the_record_of_a_person_is_the_contact_of_the_converted_lead() -> None:
    org = SimulatedOrg(now=lambda: START, sleep=lambda seconds: None)
    org.schema.conversion["Contact"] = {KEY: KEY}
    lead = record_id("00Q", 2)
    org.insert("Lead", lead, {"LastName": "A", "Company": "C", KEY: key_of(2)})
    assert [record.id for record in records_of(org, 2)] == [lead]

    contact = org.admin.convert_lead(lead)
    org.insert("Lead", record_id("00Q", 3), {"LastName": "A", "Company": "C", "Email": address_of(2)})

    assert {record.id for record in records_of(org, 2)} == {contact, record_id("00Q", 3)}
