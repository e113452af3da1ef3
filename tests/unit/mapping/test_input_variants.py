from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import a_destination, a_message, an_id
from salesforce_destination.destination.destination import Destination
from salesforce_destination.outcome import Delivery, Message, OutcomeKind
from scripted_org import ScriptedOrg, deliver

FIXTURES = Path(__file__).parents[2] / "fixtures" / "profiles"
AT = "2024-03-05T08:09:10Z"
BEFORE = 1_709_626_150_000 + 60_000

FILE = """
name = "Every variant"
salesforce_object = "Contact"

[profiles]
select = "Message && powertools_json(Message) || detail || @"

[identity]
source = 'identityMap.crmID[0].id || identityMap."https://ids.example.com/namespace/4"[0].id'
target = "SalesforceId"

[[mappings]]
source = "person.name.lastName || attributes.lastName.value || attributes.lastName"
target = "LastName"
required = true

[[mappings]]
source = "person.name.firstName"
target = "FirstName"

[[mappings]]
source = "attributes.firstName"
target = "Salutation"

[[mappings]]
source = "personalEmail.address"
target = "Email"

[[mappings]]
source = "attributes.email.value"
target = "Second_Email__c"

[[audiences]]
id = "b7d1c0aa-0001-4a6e-9c11-00zz00000001"
namespace = "ups"
mapping_id = "Loyal__c"
since_field = "Loyal_Since__c"

[[audiences]]
id = "b7d1c0aa-0002-4a6e-9c11-00zz00000002"
namespace = "ups"
mapping_id = "Newsletter__c"

[[audiences]]
id = "b7d1c0aa-0003-4a6e-9c11-000000000003"
mapping_id = "Trial__c"

[[audiences]]
id = "26 to 35"
namespace = "AAM"
mapping_id = "Age__c"

[[audiences]]
id = "list@example.com"
namespace = "email"
mapping_id = "List__c"
"""

Fields = dict[str, Any]


def name(first: str | None, last: str, email: str | None) -> Fields:
    return {"LastName": last, "FirstName": first, "Email": email}


def row(number: int, **fields: Any) -> Fields:
    return {"attributes": {"type": "Contact"}, "id": an_id(number), **fields}


ACCEPTED: dict[str, list[Fields]] = {
    "attributes-as-xdm-paths": [
        row(
            1,
            **name("Amara", "Okafor", "amara.okafor@example.com"),
            Loyal__c="exited",
            Loyal_Since__c=AT,
            Newsletter__c="realized",
        )
    ],
    "status-existing": [
        row(
            2,
            **name("Bruno", "Lindqvist", "bruno@example.com"),
            Loyal__c="existing",
            Loyal_Since__c=AT,
            Newsletter__c="existing",
            Trial__c="realized",
        )
    ],
    "extra-keys": [
        row(3, **name("Chidi", "Haugen", "chidi@example.com"), Loyal__c="realized", Loyal_Since__c=AT),
    ],
    "attributes-plain": [row(4, LastName="Mensah", Salutation="Dede", Trial__c="realized")],
    "attributes-with-value": [
        row(
            5,
            LastName="Ivanova",
            Second_Email__c="elena@example.com",
            Loyal__c="realized",
            Loyal_Since__c=AT,
            Newsletter__c="realized",
            Trial__c="exited",
        )
    ],
    "prefixed-keys": [row(6, LastName="Novak", FirstName="Farid", Age__c="realized", List__c="exited")],
    "time-under-another-key": [
        row(7, **name("Greta", "Silva", "greta@example.com"), Loyal__c="realized", Loyal_Since__c=AT)
    ],
    "namespace-as-uri": [row(8, **name("Hugo", "Tanaka", "hugo@example.com"), Newsletter__c="realized")],
    "namespaces-in-other-case": [
        row(9, **name("Ines", "Dubois", "ines@example.com"), Newsletter__c="exited", Age__c="exited")
    ],
    "primary-identity": [row(10, **name("Jonas", "Berg", "jonas@example.com"))],
    "several-profiles": [
        row(11, **name("Kofi", "Adeyemi", "kofi@example.com"), Loyal__c="realized", Loyal_Since__c=AT),
        row(12, LastName="Laine", Loyal__c="exited", Loyal_Since__c=AT),
    ],
    "list-of-profiles": [row(13, **name("Mira", "Costa", "mira@example.com"))],
    "null-clears": [row(14, **name(None, "Nguyen", None))],
    "nothing-mapped": [row(15, LastName="Olsen")],
    "sns": [row(16, **name("Petra", "Kaya", "petra@example.com"), Trial__c="exited")],
    "event-bridge": [row(17, **name("Quentin", "Rossi", "quentin@example.com"), Trial__c="realized")],
}

REFUSED: dict[str, tuple[str, str]] = {
    "unknown-status": ("STATUS_UNKNOWN", "'lapsed'"),
    "no-identity": ("NO_IDENTITY", "identityMap.crmID[0].id"),
    "trailing-comma": ("NOT_JSON", "trailing comma at line 4 column 1"),
}


@pytest.fixture
def destination() -> Destination:
    return a_destination(FILE)


def a_fixture(variant: str, number: int = 1) -> Message:
    return a_message((FIXTURES / f"{variant}.json").read_text(), number=number, sent_at=BEFORE)


def reason(delivery: Delivery) -> tuple[str, str]:
    assert delivery.outcome.reason is not None
    return delivery.outcome.reason.code, delivery.outcome.reason.text


def test_every_fixture_is_tried_here() -> None:
    assert {file.stem for file in FIXTURES.glob("*.json")} == ACCEPTED.keys() | REFUSED.keys()


@pytest.mark.parametrize("variant", ACCEPTED)
def test_every_variant_of_the_input_becomes_its_record(variant: str, destination: Destination) -> None:
    org = ScriptedOrg(destination)

    (delivery,) = deliver(destination, org, [a_fixture(variant)])

    assert delivery.outcome.kind is OutcomeKind.DELIVERED
    assert org.rows == ACCEPTED[variant]


@pytest.mark.parametrize("variant", REFUSED)
def test_what_cannot_be_used_is_rejected_with_the_reason(variant: str, destination: Destination) -> None:
    org = ScriptedOrg(destination)

    (delivery,) = deliver(destination, org, [a_fixture(variant)])

    code, text = reason(delivery)
    assert delivery.outcome.kind is OutcomeKind.REJECTED
    assert (code, REFUSED[variant][1] in text) == (REFUSED[variant][0], True)
    assert org.requests == []


def test_all_variants_may_come_in_one_batch(destination: Destination) -> None:
    org = ScriptedOrg(destination)
    variants = sorted(ACCEPTED.keys() | REFUSED.keys())

    deliveries = deliver(destination, org, [a_fixture(variant, n) for n, variant in enumerate(variants)])

    outcomes = {variant: delivery.outcome.kind for variant, delivery in zip(variants, deliveries, strict=True)}
    assert {variant for variant in variants if outcomes[variant] is OutcomeKind.DELIVERED} == ACCEPTED.keys()
    assert {variant for variant in variants if outcomes[variant] is OutcomeKind.REJECTED} == REFUSED.keys()
    assert len(org.requests) == 1
    assert org.rows == [row for variant in variants for row in ACCEPTED.get(variant, [])]


ENVELOPES = [("powertools_json(Message)", "sns"), ("detail", "event-bridge"), ("@", "several-profiles")]


@pytest.mark.parametrize(("select", "variant"), ENVELOPES)
def test_select_opens_one_kind_of_envelope(select: str, variant: str) -> None:
    destination = a_destination(FILE.replace("Message && powertools_json(Message) || detail || @", select))
    org = ScriptedOrg(destination)

    deliver(destination, org, [a_fixture(variant)])

    assert org.rows == ACCEPTED[variant]


@pytest.mark.parametrize(("select", "variant"), [("powertools_json(Message)", "event-bridge"), ("detail", "sns")])
def test_a_message_without_the_envelope_is_rejected(select: str, variant: str) -> None:
    destination = a_destination(FILE.replace("Message && powertools_json(Message) || detail || @", select))

    (delivery,) = deliver(destination, ScriptedOrg(destination), [a_fixture(variant)])

    assert reason(delivery)[0] == "NO_PROFILE"
