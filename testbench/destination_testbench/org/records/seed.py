"""Contacts and leads for a new org: the same ones in every run, with invented names."""

from __future__ import annotations

from collections.abc import Sequence

from destination_testbench.org.org import SimulatedOrg
from destination_testbench.org.records.record_id import record_id

FIRST_NAMES = (
    "Ada", "Amara", "Bea", "Chidi", "Dara", "Elif", "Farid", "Greta", "Hana", "Ines", "Jonas", "Kofi", "Lena", "Mateo",
    "Noor", "Oskar", "Priya", "Quentin", "Rosa", "Sven", "Tariq", "Uma", "Vera", "Wanda", "Xenia", "Yusuf", "Zofia",
)  # fmt: skip
LAST_NAMES = (
    "Abara", "Berg", "Castro", "Dietz", "Eriksen", "Fontaine", "Garcia", "Haddad", "Ito", "Jansen", "Kowalski", "Lind",
    "Moreau", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Sato", "Tanaka", "Ueda", "Varga", "Weber", "Yilmaz",
)  # fmt: skip
COMPANIES = ("Alder Works", "Birch & Sons", "Cedar Labs", "Dune Travel", "Elm Foods", "Fjord Energy", "Gale Motors")


def seed(org: SimulatedOrg, contacts: int = 0, leads: int = 0, campaigns: Sequence[str] = ()) -> None:
    """Fill an org with records number 1 to n of each kind, as if they had been there for long; campaigns by name."""
    for number, name in enumerate(campaigns, 1):
        org.admin.add_campaign(name, campaign_id=record_id("701", number))
    for number in range(1, contacts + 1):
        org.insert("Contact", record_id("003", number), person(number))
    for number in range(1, leads + 1):
        company = COMPANIES[number % len(COMPANIES)]
        org.insert("Lead", record_id("00Q", number), {**person(number, "lead"), "Company": company})


def person(number: int, kind: str = "contact") -> dict[str, object]:
    """The nth invented person."""
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    last = LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]
    email = f"{first}.{last}.{kind}{number}@example.com".lower()
    return {"FirstName": first, "LastName": last, "Email": email}
