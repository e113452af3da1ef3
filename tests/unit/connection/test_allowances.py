from __future__ import annotations

import pytest
from builders import CONTACTS, a_destination
from salesforce_destination.connection.allowances import (
    audience_room,
    call_room,
    calls_a_day,
    long_text_room,
    requests_a_batch,
)
from salesforce_destination.connection.comparison import OrgFacts, examine
from salesforce_destination.connection.finding import Level
from salesforce_destination.record.classification import ApiCalls
from salesforce_destination.record.description import ObjectDescription, read_description


def long_texts(*lengths: int) -> ObjectDescription:
    fields = [{"name": f"F{n}__c", "type": "textarea", "length": length} for n, length in enumerate(lengths)]
    standard = {"name": "Description", "type": "textarea", "length": 32_000}
    return read_description({"name": "Contact", "fields": [*fields, standard]})


def many_audiences(count: int) -> str:
    return "".join(f'\n[[audiences]]\nid = "a{n}"\nmapping_id = "A{n}__c"\n' for n in range(count))


def test_the_audience_fields_are_counted_and_then_the_long_text() -> None:
    count, long_text = audience_room(a_destination(more=many_audiences(24)), long_texts(32_768), "Enterprise")

    assert (count.level, count.problem) == (Level.NOTE, "25 of 25 audience fields are used.")
    assert "32,768 of" in long_text.problem


@pytest.mark.parametrize(
    ("edition", "room"),
    [
        ("Enterprise", "on Contact 498 of 500 are left, by what the integration user can see."),
        ("Unlimited", "on Contact 798 of 800 are left,"),
        ("", "on Contact 2 are there; 100 to 800 may be,"),
        ("Team", "on Contact 2 are there; 100 to 800 may be,"),
    ],
)
def test_from_the_26th_audience_field_on_the_room_in_the_org_is_told(edition: str, room: str) -> None:
    fields = [{"name": name} for name in ("A__c", "B__c", "acme__C__c", "LastName")]
    contact = read_description({"name": "Contact", "fields": fields})
    file = a_destination(f"max_audience_fields = 30\n{CONTACTS}", many_audiences(25))

    (finding,) = audience_room(file, contact, edition)

    assert finding.level is Level.NOTE
    assert finding.problem.startswith("26 of 30 audience fields are used. Adobe's guide allows 25, Salesforce as many")
    assert room in finding.problem


def test_the_long_text_is_counted_and_neither_short_nor_standard_text() -> None:
    (finding,) = long_text_room(long_texts(131_072, 32_768, 255))

    assert finding.level is Level.NOTE
    assert "163,840 of 1,638,400 characters" in finding.problem


def test_an_org_without_long_text_is_not_bothered_with_it() -> None:
    assert list(long_text_room(long_texts(255))) == []


def test_twelve_of_the_largest_fields_leave_no_room_for_another() -> None:
    (finding,) = long_text_room(long_texts(*[131_072] * 12))

    assert finding.level is Level.WARNING


@pytest.mark.parametrize(
    ("used", "level", "words"),
    [
        (20, Level.NOTE, "99,980 of 100,000 API calls are left"),
        (90_000, Level.WARNING, "10,000 of 100,000"),
        (100_100, Level.ERROR, "0 of 100,000"),
    ],
)
def test_the_api_calls_that_are_left_are_told(used: int, level: Level, words: str) -> None:
    finding = call_room(ApiCalls(used, 100_000))

    assert finding.level is level
    assert words in finding.problem


ID, KEY, MAIL = ('target = "SalesforceId"', 'target = "Key__c"', 'target = "Email"')
CREATES = "create_missing = true"
SECOND = CONTACTS.replace("[identity]", "[[identity]]").replace(
    "\n[[mappings]]", '\n[[identity]]\nsource = "email"\ntarget = "Email"\n\n[[mappings]]', 1
)
IF_EMPTY = '\n[[mappings]]\nsource = "city"\ntarget = "City__c"\nwrite = "if_empty"\n'


def by(target: str, more: str = "") -> str:
    text = CONTACTS.replace(ID, f"{target}\n{more}")
    return text.replace('"Email"\n\n[[aud', '"Mail__c"\n\n[[aud') if target == MAIL else text


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        (CONTACTS, 1),
        (by(KEY), 1),
        (by(MAIL), 2),
        (CONTACTS + IF_EMPTY, 2),
        (by(KEY) + IF_EMPTY, 2),
        (CONTACTS.replace("[identity]", 'unchanged = "skip"\n[identity]'), 2),
        (SECOND, 3),
        (by(KEY, CREATES), 3),
        (SECOND.replace(ID, f"{KEY}\n{CREATES}"), 4),
        (by(KEY).replace('"Contact"', '["Contact", "Lead"]'), 3),
        (by(MAIL).replace('"Contact"', '["Contact", "Lead"]'), 2),
        (CONTACTS.replace('"Contact"', '["Contact", "Lead"]'), 1),
    ],
)
def test_the_requests_of_a_file_are_those_of_the_table_of_calls(text: str, requests: int) -> None:
    fields = [{"name": "Key__c", "externalId": True, "unique": True}, {"name": "Email", "idLookup": True}]
    known = {"contact": read_description({"name": "Contact", "fields": fields})}

    finding = calls_a_day(a_destination(text), known)

    assert requests_a_batch(a_destination(text), known) == requests
    assert f"at most {7_200 * requests:,} API calls a day" in finding.problem
    assert finding.cure == ("" if requests == 1 else f"BatchWindowSeconds = 300 makes it {1_440 * requests:,}.")
    assert requests_a_batch(a_destination(text), {}) == requests


def test_a_file_that_needs_more_calls_than_the_org_has_is_a_warning() -> None:
    assert calls_a_day(a_destination(), {}, ApiCalls(0, 7_200)).level is Level.NOTE
    assert calls_a_day(a_destination(), {}, ApiCalls(0, 5_000)).level is Level.WARNING


def test_what_the_org_does_not_tell_is_left_out() -> None:
    keys = [finding.key for finding in examine(a_destination(), OrgFacts({"contact": long_texts()}, {}))]

    assert "api_calls" not in keys
    assert "max_audience_fields" in keys
