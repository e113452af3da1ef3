"""People found by several rules, on two sObjects, and created with care: the org before and after, and the calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders import LOYAL, a_message, a_profile, an_id
from deliver_function import DeliverStack, error_code
from moto import mock_aws

PEOPLE = """
name = "People"
salesforce_object = ["Contact", "Lead"]

[[identity]]
source = "identityMap.crmID[0].id"
target = "SalesforceId"

[[identity]]
source = "customer"
target = "CDP_Customer_Id__c"
create_missing = "Lead"

[[identity]]
source = "personalEmail.address"
target = "Email"

[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = true

[[mappings]]
source = "personalEmail.address"
target = "Email"
when_refused = "omit"

[[mappings]]
source = "company"
target = "Company"
default = "Unknown"
objects = ["Lead"]

[[mappings]]
constant = "CDP"
target = "LeadSource"
write = "create"
objects = ["Lead"]

[[audiences]]
id = "{audience}"
mapping_id = "CDP_Loyal__c"
"""


@contextmanager
def a_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str = PEOPLE, more: str = ""
) -> Iterator[DeliverStack]:
    file = tmp_path / "destination.toml"
    file.write_text(more + text.replace("{audience}", LOYAL))
    with mock_aws():
        yield DeliverStack(monkeypatch, file, contacts=0)


def a_person(name: str = "Okafor", **identities: str) -> dict[str, Any]:
    profile = a_profile(last_name=name, statuses={LOYAL: "realized"})
    del profile["identityMap"]
    if crm_id := identities.pop("crm", None):
        profile["identityMap"] = {"crmID": [{"id": crm_id}]}
    if email := identities.pop("email", None):
        profile["personalEmail"] = {"address": email}
    return profile | identities


def test_people_are_found_by_rules_and_one_is_created(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with a_stack(monkeypatch, tmp_path) as stack:
        org = stack.org
        org.insert("Contact", an_id(1), {"LastName": "A", "Email": "a@example.com"})
        org.insert("Contact", an_id(2), {"LastName": "B", "CDP_Customer_Id__c": "K2"})
        org.insert("Lead", an_id(101, "00Q"), {"LastName": "C", "Company": "X", "CDP_Customer_Id__c": "K3"})
        org.insert("Lead", an_id(102, "00Q"), {"LastName": "D", "Company": "X", "Email": "d@example.com"})
        people = [
            a_person("A2", email="A@example.com"),
            a_person("B2", customer="K2"),
            a_person("C2", customer="k3"),
            a_person("D2", email="d@example.com"),
            a_person("New", customer="K9", email="new@example.com"),
            a_person("Nobody", email="nobody@example.com"),
        ]
        kept = stack.invoke([a_message(person, number=n) for n, person in enumerate(people)])
        assert (kept, [error_code(letter) for letter in stack.dead_letters()]) == ([], ["NOT_FOUND"])
        assert stack.api_calls() == 2 + 4
