"""Profiles as Adobe Experience Platform exports them, with invented people in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

AUDIENCES: Mapping[str, str] = {
    "7841ba61-23c1-4bb3-a495-00d3g5fe1e93": "CDP_Loyal__c",
    "59bd2fkd-3c48-4b18-bf56-4f5c5e6967ae": "CDP_Newsletter__c",
    "947c1c46-008d-40b0-92ec-3af86eaf41c1": "CDP_Trial__c",
}
"""The audiences of layers/destinations/contacts.toml, with the fields that their statuses go to."""

UNMAPPED_AUDIENCE = "5114d758-ce71-43ba-b53e-e2a91d67b67f"
STATUSES = ("realized", "existing", "exited")
FIRST_NAMES = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances", "Niklaus", "Radia", "Tony", "Zoë")
LAST_NAMES = (
    "Abara",
    "Böhm",
    "Castro",
    "Dąbrowski",
    "Eriksen",
    "Fontaine",
    "Garcia",
    "Haddad",
    "Ito",
    "O'Neil",
    "Şahin",
)


def expected_fields(number: int) -> dict[str, str]:
    """What the record of the nth profile should hold in the end."""
    statuses = {field: STATUSES[(number + place) % len(STATUSES)] for place, field in enumerate(AUDIENCES.values())}
    return {"FirstName": first_name(number), "LastName": last_name(number), "Email": email(number), **statuses}


def profile(number: int, crm_id: str) -> dict[str, Any]:
    """The nth profile, whose record has this id: about 1.2 kB, with much that nobody asked for."""
    fields = expected_fields(number)
    memberships = {audience: membership(fields[field], number) for audience, field in AUDIENCES.items()}
    return {
        "person": {
            "birthDate": f"19{50 + number % 50}-0{1 + number % 9}-1{number % 10}",
            "name": {"firstName": fields["FirstName"], "lastName": fields["LastName"]},
        },
        "personalEmail": {"address": fields["Email"]},
        "segmentMembership": {"ups": {**memberships, UNMAPPED_AUDIENCE: membership("realized", number)}},
        "identityMap": {
            "crmID": [{"id": crm_id, "authenticatedState": "authenticated", "primary": True}],
            "ecid": [{"id": f"{number:08}75006536349286404619648085736425"}, {"id": f"{number:08}66948186692967"}],
            "email_lc_sha256": [{"id": hashlib.sha256(fields["Email"].lower().encode()).hexdigest()}],
        },
        "consents": {"marketing": {"email": {"val": "y"}}},
    }


def membership(status: str, number: int) -> dict[str, Any]:
    """One audience membership, with the keys that come along."""
    moment = f"2026-01-{1 + number % 28:02}T{number % 24:02}:24:39Z"
    return {
        "lastQualificationTime": moment,
        "status": status,
        "mappingCreatedAt": 1_748_090_281_000 + number,
        "mappingUpdatedAt": 1_748_090_281_000 + number,
        "createdAt": 1_648_553_325_000 + number,
    }


def first_name(number: int) -> str:
    """The nth person's first name."""
    return FIRST_NAMES[number % len(FIRST_NAMES)]


def last_name(number: int) -> str:
    """The nth person's last name."""
    return LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]


def email(number: int) -> str:
    """The nth person's e-mail address."""
    return f"person.{number}@example.com"
