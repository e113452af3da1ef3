"""The promised calls for 1,000 people, describes apart: the table of the reference, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from people_table import CONTACTS, PEOPLE, Crm, person
from salesforce_destination.outcome import Message

HELD = "deferred CREATIONS_HELD"
SEVERAL = "rejected DUPLICATE_EXTERNAL_ID"
KEEPS = CONTACTS.replace('target = "Phone"', 'target = "Phone"\nwrite = "if_empty"')
SKIPS = 'unchanged = "skip"\n' + CONTACTS
EVERYBODY = "most_created_percent = 100\n" + PEOPLE
BY_ID = [person(id=f"C{n}", phone="1") for n in range(1000)]
BY_KEY = [person(customer=f"K{n}", phone="1") for n in range(1000)]
BY_ADDRESS = [person(email=f"someone.{n}@example.com") for n in range(500)] + [
    person(email=f"lead.{n}@example.com") for n in range(500)
]
MIXED = [
    *BY_ID[:900],
    *(person(customer=f"M{n}") for n in range(60)),
    *(person(customer=f"N{n}", email=f"new.{n}@example.com") for n in range(30)),
    *(person(email=f"family.{n}@example.com") for n in range(10)),
]
TWICE = [person(customer="N1", email="n@example.com"), *BY_ID[:998], person("Twice", 1, customer="N1")]


@pytest.fixture(scope="module")
def crms() -> dict[str, Crm]:
    """A delivery for each file."""
    return {}


@pytest.mark.parametrize(
    ("file", "messages", "calls", "outcomes"),
    [
        (PEOPLE, BY_ID, "update", {"delivered": 1000}),
        (PEOPLE, BY_KEY, "update", {"delivered": 1000}),
        (PEOPLE, MIXED, "update query update insert", {"delivered": 990, SEVERAL: 10}),
        (PEOPLE, BY_ADDRESS, "query query update", {"delivered": 1000}),
        (KEEPS, BY_ID, "read update", {"delivered": 1000}),
        (KEEPS, BY_KEY, "query update", {"delivered": 1000}),
        (SKIPS, BY_ID, "read update", {"delivered": 1000}),
        (SKIPS, BY_KEY, "query update", {"delivered": 1000}),
        (PEOPLE, TWICE, "update update query insert", {"delivered": 1000}),
        (
            PEOPLE,
            [person(customer=f"new {n}") for n in range(1000)],
            "update query query insert",
            {"delivered": 100, HELD: 900},
        ),
        (
            EVERYBODY,
            [person(customer=f"new {n}") for n in range(1000)],
            "update query query insert",
            {"delivered": 1000},
        ),
    ],
    ids=[
        "Ids",
        "keys",
        "Ids, keys, new and several",
        "addresses",
        "if_empty by Id",
        "if_empty by key",
        "unchanged by Id",
        "unchanged by key",
        "one new person twice",
        "all are new",
        "a first load",
    ],
)
def test_the_promised_calls(file: str, messages: Sequence[Message], calls: str, outcomes: dict[str, int]) -> None:
    crm = Crm(file)
    crm.put(
        {f"C{n}": {"CDP_Customer_Id__c": f"K{n}", "Email": f"someone.{n}@example.com"} for n in range(1000)}
        | {f"L{n}": {"Email": f"lead.{n}@example.com"} for n in range(500)}
        | {f"L{500 + n}": {"CDP_Customer_Id__c": f"M{n}"} for n in range(60)}
        | {f"C{2000 + n}": {"Email": f"family.{n // 2}@example.com"} for n in range(20)}
    )

    found = Counter(crm.deliver(messages))

    assert (crm.calls, found) == (calls, outcomes)
