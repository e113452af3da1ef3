"""Every file in events/ is fed to the function it is for, so that none of them rots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from builders import an_id
from deliver_function import ROOT, Context, DeliverStack, error_code
from destination_testbench.org import Fault, FaultKind
from destination_testbench.org.records.seed import person
from logins import TOKEN, TokenEndpoint
from moto import mock_aws
from refresh_function import Stack

EVENTS = ROOT / "events"
CONTACTS = ROOT / "layers" / "destinations" / "contacts.toml"
LEADS = ROOT / "layers" / "destinations" / "leads.toml"
PEOPLE = ROOT / "layers" / "destinations" / "people.toml"

Fields = dict[str, Any]


@dataclass(frozen=True)
class Expected:
    """What a sample event of the deliver function must come to: records by Id, and codes of dead letters."""

    records: dict[str, Fields] = field(default_factory=dict)
    dead_letters: tuple[str, ...] = ()
    destination: Path = CONTACTS


DELIVERED = {
    "deliver.json": Expected(
        {
            an_id(1): {
                "FirstName": "Amara",
                "LastName": "Okafor",
                "Email": "amara.okafor@example.com",
                "CDP_Loyal__c": "realized",
                "CDP_Newsletter__c": "existing",
                "CDP_Trial__c": "exited",
            },
            an_id(2): {"LastName": "Lind", "CDP_Loyal__c": None, "CDP_Newsletter__c": "realized", "CDP_Trial__c": None},
            an_id(3): {"LastName": "Novak", "CDP_Newsletter__c": None, "CDP_Trial__c": "realized"},
        },
        ("NOT_JSON",),
    ),
    "deliver-leads.json": Expected(
        {an_id(1, "00Q"): {"LastName": "Petrov", "Company": "Fjord Energy", "CDP_Trial__c": "realized"}},
        ("REQUIRED_VALUE_MISSING",),
        LEADS,
    ),
    "deliver-people.json": Expected(
        {
            an_id(9): {"FirstName": "Jonas", "LastName": "Lind", "CDP_Loyal__c": "realized"},
            an_id(3, "00Q"): {"LastName": "Abara", "Company": "Elm Foods", "CDP_Newsletter__c": "realized"},
        },
        ("NOT_FOUND",),
        PEOPLE,
    ),
    "deliver-adobe.json": Expected(
        {
            an_id(5): {
                "FirstName": "Ines",
                "LastName": "Weber",
                "Email": "ines.weber@example.com",
                "CDP_Loyal__c": "realized",
                "CDP_Newsletter__c": "existing",
                "CDP_Trial__c": "exited",
            },
            an_id(6): {
                "FirstName": "Jonas",
                "LastName": "Jansen",
                "Email": "jonas.jansen@example.com",
                "CDP_Loyal__c": "exited",
                "CDP_Newsletter__c": "realized",
                "CDP_Trial__c": None,
            },
            an_id(7): {
                "FirstName": "Greta",
                "LastName": "Kowalski",
                "Email": "zofia.kowalski@example.com",
                "CDP_Loyal__c": "realized",
                "CDP_Trial__c": "realized",
            },
        }
    ),
    "deliver-same-record.json": Expected(
        {
            an_id(8): {
                "FirstName": "Older",
                "LastName": "Newer",
                "CDP_Loyal__c": "exited",
                "CDP_Newsletter__c": "realized",
            }
        }
    ),
    "deliver-refused.json": Expected(
        {an_id(13): {"LastName": "Yilmaz", "Email": person(13)["Email"]}},
        (
            "NO_IDENTITY",
            "IDENTITY_MALFORMED",
            "REQUIRED_VALUE_MISSING",
            "VALUE_TOO_LONG",
            "STATUS_UNKNOWN",
            "INVALID_CROSS_REFERENCE_KEY",
        ),
    ),
}
REFRESHED = ("refresh_token.json",)
CHECKED = ("check_connection.json",)


def read_event(name: str) -> dict[str, Any]:
    return dict(json.loads((EVENTS / name).read_text(encoding="utf-8")))


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def test_every_event_is_tried_and_each_function_has_some() -> None:
    assert {file.name for file in EVENTS.iterdir()} == {*DELIVERED, *REFRESHED, *CHECKED}
    assert len(DELIVERED) >= 3
    assert len(REFRESHED) >= 1
    assert len(CHECKED) >= 1


@pytest.mark.parametrize("name", DELIVERED)
def test_the_deliver_function_does_with_each_event_what_it_is_a_sample_of(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    expected = DELIVERED[name]
    stack = DeliverStack(monkeypatch, expected.destination)

    answer = stack.app.lambda_handler(read_event(name), Context())

    letters = sorted(error_code(letter) for letter in stack.dead_letters())
    assert answer == {"batchItemFailures": []}
    assert letters == sorted(expected.dead_letters)
    assert {id_: record_of(stack, id_, fields) for id_, fields in expected.records.items()} == expected.records


def record_of(stack: DeliverStack, record_id: str, fields: Fields) -> Fields:
    values = stack.org.records("Lead" if record_id.startswith("00Q") else "Contact").records[record_id].values
    return {name: values.get(name) for name in fields}


@pytest.mark.parametrize("name", REFRESHED)
def test_the_refresh_token_function_stores_a_token_for_each_event(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    stack = Stack(monkeypatch)
    app = stack.function(TokenEndpoint())

    answer = app.lambda_handler(read_event(name), Context())

    token = stack.stored_token()
    assert answer == {"batchItemFailures": []}
    assert token is not None
    assert token.value == TOKEN


@pytest.mark.parametrize("destination", [CONTACTS, LEADS, PEOPLE])
@pytest.mark.parametrize("name", CHECKED)
def test_the_check_connection_function_finds_the_shipped_files_connected(
    monkeypatch: pytest.MonkeyPatch, name: str, destination: Path
) -> None:
    stack = DeliverStack(monkeypatch, destination, function=ROOT / "functions" / "check_connection" / "app.py")

    report = stack.app.lambda_handler(read_event(name), Context())

    assert (report["connected"], report["problems"]) == (True, 0)


def test_adobes_messages_have_the_size_of_real_ones() -> None:
    sizes = [len(record["body"].encode()) for record in read_event("deliver-adobe.json")["Records"]]

    assert len(sizes) == 3
    assert all(1_000 <= size <= 1_500 for size in sizes), sizes


def test_the_samples_are_so_old_that_what_would_wait_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = DeliverStack(monkeypatch)
    stack.org.faults.add(Fault(FaultKind.OUTAGE, path="/composite"))

    answer = stack.app.lambda_handler(read_event("deliver.json"), Context())

    texts = [letter["MessageAttributes"]["ErrorMessage"]["StringValue"] for letter in stack.dead_letters()]
    assert answer == {"batchItemFailures": []}
    assert len(texts) == 3
    assert sum(text.startswith("Given up after 1 tries.") for text in texts) == 2
