"""People whom rules find, on two sObjects: the messages about them, their org, and whose record is whose."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from destination_testbench.chaos.faults import FaultSchedule
from destination_testbench.chaos.settings import HOUR, ChaosSettings
from destination_testbench.chaos.spoiled import DELETED, SPOILED_HERE, STRANGE, STRANGE_CODE
from destination_testbench.chaos.traffic import AUDIENCES, ORDERING_FIELD, EventGenerator, Json, ProfileEvent, TimeFrom
from destination_testbench.org import SimulatedOrg, record_id
from destination_testbench.org.records.store import StoredRecord

KEY = "CDP_Customer_Id__c"
USER = "integration@example.com"
PREFIXES = {"Contact": "003", "Lead": "00Q"}

CONTACT, LEAD, NEW, NO_KEY, LEAD_NO_KEY = "iek", "iek lead", "ek new", "ie", "ie lead"
"""Kinds of people. The letters are the identities that a message may have: an Id, an e-mail address, a key."""

KINDS = (CONTACT, LEAD, NEW, CONTACT, LEAD, NEW, NO_KEY, CONTACT, LEAD, LEAD_NO_KEY)
"""By the last digit of a person's number."""

UNKNOWN_ID, MERGED, OTHER_RECORDS = 13, 17, 900_000
"""Of 30 people the platform has one by an Id that the org never had, and one by that of a merged record."""

HIDDEN, HIDDEN_LEAD, TWIN, OTHER_TWIN, ANOTHER = 3, 4, 5, 6, 7
"""Persons after the last real one, beside DELETED and STRANGE."""

NOT_NOW = ((0.0, 0.02), (0.38, 0.5), (0.68, 0.8), (0.98, 1.0))
"""The shares of a run without conversions: while a field is missing, what is in it would not be taken along."""


def kind_of(person: int) -> str:
    """What the org and the platform know of a person."""
    return KINDS[person % 10]


def sobject_of(person: int) -> str:
    """Where a person's record is at first, or is made."""
    return "Contact" if kind_of(person) in (CONTACT, NO_KEY) else "Lead"


def key_of(person: int) -> str:
    """The key of a person."""
    return f"K{person}"


def address_of(person: int) -> str:
    """The e-mail address of a person, the same for ever."""
    return f"person{person}@example.com"


class PeopleGenerator(EventGenerator):
    """Makes the same events, each with one or several of the identities of its person."""

    def values_of(self, number: int, person: int) -> dict[str, str]:
        """What an event says of its person."""
        found = super().values_of(number, person)
        del found["Email"]
        return found

    def identities_of(self, person: int) -> Json:
        """Some of a person's identities. Whoever is new always has the key, by which nobody is made twice."""
        given, is_new = kind_of(person).partition(" ")[0], kind_of(person) == NEW
        chosen = {each for each in given if self._draw.random() < 0.5} | ({"k"} if is_new else set())
        chosen = chosen or {self._draw.choice(given)}
        is_unknown = person % 30 == UNKNOWN_ID
        number = person + OTHER_RECORDS if is_unknown or person % 30 == MERGED else person
        return identities(
            id=record_id(PREFIXES[sobject_of(person)], number) if "i" in chosen else "",
            key=key_of(person) if "k" in chosen or is_unknown else "",
            address=address_of(person) if "e" in chosen else "",
        )


def identities(*, id: str = "", key: str = "", address: str = "") -> Json:
    """The part of a body that says who it is."""
    body: Json = {"identityMap": {"crmID": [{"id": id}]}} if id else {}
    return body | ({"customer": key} if key else {}) | ({"personalEmail": {"address": address}} if address else {})


def unwritable(generator: PeopleGenerator, draw: random.Random, first: int, count: int) -> Iterator[ProfileEvent]:
    """So many messages that can never succeed, each with the code of its dead letter."""
    people = generator.extent.people
    of_nobody: Sequence[tuple[str, Json]] = (
        ("NO_IDENTITY", {}),
        ("IDENTITY_MALFORMED", identities(id="003ab0000000001AAB")),
        ("ENTITY_IS_DELETED", identities(id=record_id("003", people + DELETED), address=address_of(1))),
        ("ENTITY_IS_DELETED", identities(key=key_of(people + DELETED))),
        (STRANGE_CODE, identities(id=record_id("003", people + STRANGE))),
        ("INSUFFICIENT_ACCESS_OR_READONLY", identities(id=record_id("003", people + HIDDEN))),
        ("NOT_FOUND", identities(address=address_of(people + HIDDEN))),
        ("DUPLICATE_VALUE", identities(key=key_of(people + HIDDEN_LEAD))),
        ("DUPLICATE_EXTERNAL_ID", identities(address=address_of(people + TWIN))),
        ("IDENTITY_CONFLICT", identities(key="nobody's", address=address_of(people + ANOTHER))),
        ("INVALID_CROSS_REFERENCE_KEY", identities(id=record_id("003", people + 1000))),
    )
    of_bodies = [each for each in SPOILED_HERE if each[0] not in ("NO_IDENTITY", "IDENTITY_MALFORMED")]
    for index in range(count):
        sort, second = index % (len(of_nobody) + len(of_bodies)), draw.randrange(generator.extent.seconds)
        event = generator.event(first + index, draw.randint(1, people), second, TimeFrom.BODY, {})
        body = json.loads(event.body)
        if sort < len(of_nobody):
            code, who = of_nobody[sort]
            left = {
                name: value for name, value in body.items() if name not in ("identityMap", "customer", "personalEmail")
            }
            yield replace(event, body=json.dumps(left | who), code=code)
        else:
            code, spoil = of_bodies[sort - len(of_nobody)]
            yield replace(event, body=spoil(body), code=code)


def fill(org: SimulatedOrg, people: int, *, keys_are_unique: bool = True) -> None:
    """Give an org its contacts and leads, some of whom nobody may write."""
    for sobject in PREFIXES:
        field = org.schema.sobjects[sobject].fields[KEY]
        org.schema.put_field(sobject, replace(field, unique=keys_are_unique))
    org.admin.change_user(USER, {"views_all_data": False})
    mapped = (KEY, ORDERING_FIELD, *(name for pair in AUDIENCES.values() for name in pair))
    org.schema.conversion["Contact"] = {name: name for name in mapped}
    for person in range(1, people + 1):
        if kind_of(person) != NEW:
            _put(org, sobject_of(person), person, has_key="k" in kind_of(person).partition(" ")[0])
        if person % 30 == MERGED:
            merged = record_id("003", person + OTHER_RECORDS)
            org.insert("Contact", merged, {"LastName": "Old"})
            org.admin.merge("Contact", record_id("003", person), [merged])
    for number in (DELETED, STRANGE, HIDDEN, HIDDEN_LEAD, TWIN, ANOTHER):
        _put(org, "Lead" if number == HIDDEN_LEAD else "Contact", people + number, has_key=True)
    twin = record_id("003", people + OTHER_TWIN)
    org.insert("Contact", twin, {"LastName": "Old", "Email": address_of(people + TWIN)})
    org.admin.delete("Contact", record_id("003", people + DELETED))
    org.admin.share([record_id("003", people + HIDDEN), record_id("00Q", people + HIDDEN_LEAD)], False)


def _put(org: SimulatedOrg, sobject: str, person: int, *, has_key: bool) -> None:
    values: dict[str, object] = {"LastName": "Old", "Email": address_of(person)}
    values |= ({"Company": "Old"} if sobject == "Lead" else {}) | ({KEY: key_of(person)} if has_key else {})
    org.insert(sobject, record_id(PREFIXES[sobject], person), values)


def plan_conversions(
    schedule: FaultSchedule, org: SimulatedOrg, settings: ChaosSettings, start: float, draw: random.Random
) -> None:
    """Let sales turn most leads into contacts, each at some time of the run."""

    def convert(person: int) -> int:
        leads = [record for record in records_of(org, person) if record.id.startswith(PREFIXES["Lead"])]
        for lead in leads:
            org.admin.convert_lead(lead.id)
        return len(leads)

    for person in range(1, settings.people + 1):
        share = draw.random()
        if sobject_of(person) == "Lead" and not any(begin <= share < end for begin, end in NOT_NOW):
            at = start + share * settings.hours * HOUR
            schedule.plan(at, "lead converted", partial(convert, person))


def records_of(org: SimulatedOrg, person: int) -> list[StoredRecord]:
    """The records of a person that are neither deleted nor converted: there should be one."""
    found = []
    for sobject in PREFIXES:
        schema, table = org.schema.sobjects[sobject], org.records(sobject)
        for name, value in ((KEY, key_of(person)), ("Email", address_of(person))):
            found += [each for each in table.find(schema.fields[name], value) if each.get("IsConverted") is not True]
    return list({record.id: record for record in found}.values())


def mixed(org: SimulatedOrg, events: Sequence[ProfileEvent]) -> Iterator[str]:
    """Each record that ever held something of two people."""
    person_of: Mapping[object, int] = {
        value: event.person
        for event in events
        for value in (*event.values.values(), key_of(event.person), address_of(event.person))
        if value != "Rita"
    }
    for sobject in PREFIXES:
        for record in org.records(sobject).records.values():
            values = [after for change in record.history for _, after in change.fields.values()]
            whose = {person_of[value] for value in values if isinstance(value, str) and value in person_of}
            if len(whose) > 1:
                yield f"{record.id} held values of the people {sorted(whose)}"
