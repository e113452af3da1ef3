"""The promised calls for 1,000 people, describes apart: the table of the reference, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from members_and_rows import ROWS, STATUSES, a_crm
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


def following(count: int, at: int = 0) -> list[Message]:
    """1,000 people, each in so many audiences."""
    since = {"status": "realized", "lastQualificationTime": "2023-11-14T22:00:00Z"}
    memberships = {"ups": {AUDIENCE.format(number): since for number in range(count)}}
    return [person(id=f"C{n}", phone="1", at=at, segmentMembership=memberships) for n in range(1000)]


AUDIENCE = "audience-{}"
CAMPAIGN = """
[[audiences]]
id = "audience-{0}"
campaign = "70100000000000{0}AAA"
member_status = {{ realized = "Sent", exited = "Left" }}
"""


@pytest.mark.parametrize(
    ("parts", "file", "calls"),
    [
        (3, f'{PEOPLE}{ROWS}audiences = "all"\nat_most = 50\n', 4),
        (20, f'{PEOPLE}{ROWS}audiences = "all"\nat_most = 50\n', 21),
        (1, PEOPLE + CAMPAIGN.format(0), 3),
        (3, PEOPLE + "".join(map(CAMPAIGN.format, range(3))), 7),
    ],
    ids=["three rows", "twenty rows", "one campaign", "three campaigns"],
)
def test_the_promised_calls_of_what_follows(parts: int, file: str, calls: int) -> None:
    crm = a_crm(file)
    crm.put({f"C{n}": {} for n in range(1000)})
    for number in range(3):
        crm.org.admin.add_campaign(f"Campaign {number}", STATUSES, f"70100000000000{number}AAA")
    crm.deliver([person(id="C0"), following(parts)[0]])  # the campaigns are known from here on

    found = Counter(crm.deliver(following(parts, 1)))

    assert (found, len(crm.calls.split())) == ({"delivered": 1000}, calls)
    written = crm.all("CampaignMember") or crm.all("CDP_Membership__c")
    assert len(written) == parts * 1000
