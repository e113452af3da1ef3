"""Objects other than Contact and Lead, and records found otherwise than by their Id: with a real delivery."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders import LOYAL, a_message, a_profile, an_id
from deliver_function import DeliverStack, error_code
from destination_testbench.org import Facts, OrgConfig, SimulatedOrg
from destination_testbench.org.schema.schema import Field
from moto import mock_aws

HEAD = """
name = "Any sObject"
salesforce_object = "{sobject}"

[identity]
source = "identityMap.crmID[0].id"
target = "{target}"
create_missing = {create}
"""

MEMBERS = (
    HEAD
    + """
[[mappings]]
source = "person.name.lastName"
target = "Name"

[[mappings]]
source = "loyalty.tier"
target = "Tier__c"

[[audiences]]
id = "{audience}"
mapping_id = "CDP_Loyal__c"
"""
)

PERSONS = (
    HEAD
    + """
[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = true

[[mappings]]
source = "person.name.firstName"
target = "FirstName"

[[mappings]]
source = "person.name.fullName"
target = "Name"

[[audiences]]
id = "{audience}"
mapping_id = "CDP_Loyal__pc"
"""
)

MEMBER, PERSON, BUSINESS = an_id(1, "a00"), an_id(1, "001"), an_id(2, "001")


@contextmanager
def a_stack(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    text: str,
    *,
    sobject: str = "Loyalty_Member__c",
    target: str = "Member_Number__c",
    create_missing: bool = False,
) -> Iterator[DeliverStack]:
    file = folder / "destination.toml"
    file.write_text(text.format(sobject=sobject, target=target, create=str(create_missing).lower(), audience=LOYAL))
    with mock_aws():
        yield DeliverStack(monkeypatch, file, an_org_of_persons())


def an_org_of_persons() -> SimulatedOrg:
    org = SimulatedOrg(OrgConfig(person_accounts=True, facts=Facts(person_email_is_id_lookup=True)))
    key = Field("Customer_Id__c", "Customer Id", "string", 32, True, True, True, unique=True, external_id=True)
    org.schema.put_field("Account", key)
    org.insert("Loyalty_Member__c", MEMBER, {"Member_Number__c": "M-1", "Name": "Member"})
    org.insert("Account", PERSON, {"LastName": "Person", "PersonEmail": "p@example.com", "Customer_Id__c": "K-1"})
    org.insert("Account", BUSINESS, {"Name": "Alder Works", "Customer_Id__c": "K-2"})
    return org


def now() -> int:
    """So that a message that has to wait is not given up for its age."""
    return int(time.time() * 1000)


def values_of(stack: DeliverStack, sobject: str, record_id: str) -> dict[str, Any]:
    return stack.org.records(sobject).records[record_id].values


def test_a_record_of_a_custom_object_is_found_by_its_external_id(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path, MEMBERS) as stack:
        profile = a_profile(crm_id="m-1", last_name="Ada", statuses={LOYAL: "realized"}, loyalty={"tier": "Gold"})

        assert stack.invoke([a_message(profile)]) == []

        member = values_of(stack, "Loyalty_Member__c", MEMBER)
        assert (member["Name"], member["Tier__c"], member["CDP_Loyal__c"]) == ("Ada", "Gold", "realized")


def test_a_missing_record_is_not_created_unless_the_file_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path, MEMBERS) as stack:
        assert stack.invoke([a_message(a_profile(crm_id="M-2"), sent_at=now())]) == []

        assert [error_code(letter) for letter in stack.dead_letters()] == ["NOT_FOUND"]
        assert len(stack.org.records("Loyalty_Member__c")) == 1


def test_a_missing_record_is_created_where_the_file_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with a_stack(monkeypatch, tmp_path, MEMBERS, create_missing=True) as stack:
        profile = a_profile(crm_id="M-2", last_name="Bea", statuses={LOYAL: "realized"})

        assert stack.invoke([a_message(profile)]) == []

        names = {m.get("Member_Number__c"): m.get("Name") for m in stack.org.records("Loyalty_Member__c")}
        assert names == {"M-1": "Member", "M-2": "Bea"}
        assert stack.dead_letters() == []


def test_values_are_written_as_the_describe_has_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = MEMBERS + '[[mappings]]\nsource = "vip"\ntarget = "Vip__c"\n'
    with a_stack(monkeypatch, tmp_path, text, create_missing=True, target="No__c") as stack:
        for field in (
            Field("No__c", "No", "double", 0, True, True, True, unique=True, external_id=True, precision=18),
            Field("Vip__c", "Vip", "boolean", 0, False, True, True, defaulted=True),
        ):
            stack.org.schema.put_field("Loyalty_Member__c", field)
        named = [(7, "Ada"), ("007", 4711), ("7.0", 4711.0)]
        profiles = [
            {**a_profile(vip=None), "identityMap": {"crmID": [{"id": no}]}, "person": {"name": {"lastName": name}}}
            for no, name in named
        ]

        assert stack.invoke([a_message(each, number=n) for n, each in enumerate(profiles)]) == []

        (made,) = [m for m in stack.org.records("Loyalty_Member__c") if m.id != MEMBER]
        assert (str(made.get("No__c")), made.get("Name"), bool(made.get("Vip__c"))) == ("7.0", "4711", False)
        assert stack.dead_letters() == []


def test_a_restricted_picklist_gets_its_own_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    more = """values = {{ realized = "In", exited = "Out" }}

[[mappings]]
source = "rank"
target = "Rank__c"
values = {{ 1 = "First", 2 = "Second" }}
"""
    with a_stack(monkeypatch, tmp_path, MEMBERS + more) as stack:
        for name, words in (("CDP_Loyal__c", ("In", "Out")), ("Rank__c", ("First", "Second"))):
            values = tuple((word, word) for word in words)
            field = Field(name, name, "picklist", 40, True, True, True, restricted=True, values=values)
            stack.org.schema.put_field("Loyalty_Member__c", field)
        profiles = [
            a_profile(crm_id="M-1", statuses={LOYAL: status}, rank=rank)
            for status, rank in (("existing", 1.0), ("exited", "2"), ("realized", 3))
        ]

        assert stack.invoke([a_message(each, number=n) for n, each in enumerate(profiles)]) == []

        member = values_of(stack, "Loyalty_Member__c", MEMBER)
        assert (member["CDP_Loyal__c"], member["Rank__c"]) == ("Out", "Second")
        assert [error_code(letter) for letter in stack.dead_letters()] == ["VALUE_NOT_LISTED"]


def test_messages_whose_keys_differ_in_case_alone_are_one_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path, MEMBERS, create_missing=True) as stack:
        older = a_message(a_profile(crm_id="New-1", last_name="Older", loyalty={"tier": "Gold"}), number=1)
        newer = a_message(a_profile(crm_id="NEW-1", last_name="Newer"), number=2, sent_at=older.sent_at + 1)

        assert stack.invoke([newer, older]) == []

        (made,) = [m for m in stack.org.records("Loyalty_Member__c") if m.id != MEMBER]
        assert (made.get("Name"), made.get("Tier__c")) == ("Newer", "Gold")
        assert stack.dead_letters() == []
        assert stack.api_calls() == 1 + 3  # the describe, once in an environment; tried, looked up, created


def test_a_field_that_tells_case_keeps_two_records_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = MEMBERS.replace("create_missing", "case_sensitive = true\ncreate_missing")
    with a_stack(monkeypatch, tmp_path, text, create_missing=True) as stack:
        sobject = stack.org.schema.sobjects["Loyalty_Member__c"]
        data = {"name": "Member_Number__c", "label": "Member Number", "type": "string", "length": 32}
        flags = "nillable createable updateable unique external_id id_lookup case_sensitive"
        stack.org.schema.put_field(sobject.name, Field.from_data({**data, "flags": flags}))
        profiles = [a_profile(crm_id=key, last_name=key) for key in ("m-1", "M-1")]

        assert stack.invoke([a_message(p, number=n) for n, p in enumerate(profiles)]) == []

        assert {m.get("Member_Number__c"): m.get("Name") for m in stack.org.records(sobject.name)} == {
            "M-1": "M-1",
            "m-1": "m-1",
        }


def test_a_contact_is_found_by_its_address_in_any_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = MEMBERS.replace('"Name"', '"LastName"').replace('"Tier__c"', '"Title"')
    with a_stack(monkeypatch, tmp_path, text, sobject="Contact", target="Email") as stack:
        address = str(stack.contact(an_id(1))["Email"])
        profiles = [
            a_profile(crm_id=address.upper(), last_name="By address", statuses={LOYAL: "realized"}),
            a_profile(crm_id="nobody@example.com"),
        ]

        assert stack.invoke([a_message(p, number=n) for n, p in enumerate(profiles)]) == []

        contact = stack.contact(an_id(1))
        assert (contact["LastName"], contact["CDP_Loyal__c"]) == ("By address", "realized")
        assert [error_code(letter) for letter in stack.dead_letters()] == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("target", "identity"), [("SalesforceId", PERSON), ("Customer_Id__c", "k-1"), ("PersonEmail", "P@example.com")]
)
def test_a_person_account_takes_its_name_and_its_statuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, target: str, identity: str
) -> None:
    with a_stack(monkeypatch, tmp_path, PERSONS, sobject="Account", target=target) as stack:
        profile = a_profile(crm_id=identity, first_name="Ada", last_name="Lind", statuses={LOYAL: "exited"})

        assert stack.invoke([a_message(profile)]) == []

        account = values_of(stack, "Account", PERSON)
        assert (account["FirstName"], account["LastName"], account["CDP_Loyal__pc"]) == ("Ada", "Lind", "exited")
        assert stack.dead_letters() == []


def test_a_missing_person_account_is_created(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options: dict[str, Any] = {"sobject": "Account", "target": "Customer_Id__c", "create_missing": True}
    with a_stack(monkeypatch, tmp_path, PERSONS, **options) as stack:
        assert stack.invoke([a_message(a_profile(crm_id="K-3", last_name="New", statuses={LOYAL: "realized"}))]) == []

        (made,) = [a for a in stack.org.records("Account") if a.get("Customer_Id__c") == "K-3"]
        assert (made.get("IsPersonAccount"), made.get("CDP_Loyal__pc")) == (True, "realized")


def test_a_business_behind_a_persons_key_is_rejected_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with a_stack(monkeypatch, tmp_path, PERSONS, sobject="Account", target="Customer_Id__c") as stack:
        profiles = [a_profile(crm_id=key, last_name="Lind") for key in ("K-2", "K-1")]

        assert stack.invoke([a_message(p, number=n, sent_at=now()) for n, p in enumerate(profiles)]) == []

        (letter,) = stack.dead_letters()
        assert error_code(letter) == "INVALID_FIELD_FOR_INSERT_UPDATE"
        assert "LastName" in letter["MessageAttributes"]["ErrorFields"]["StringValue"]
        assert values_of(stack, "Account", PERSON)["LastName"] == "Lind"
        assert "LastName" not in values_of(stack, "Account", BUSINESS)


def test_a_persons_name_as_one_field_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with a_stack(monkeypatch, tmp_path, PERSONS, sobject="Account", target="SalesforceId") as stack:
        profile = a_profile(crm_id=PERSON) | {"person": {"name": {"lastName": "Lind", "fullName": "Ada Lind"}}}

        assert stack.invoke([a_message(profile)]) == []

        assert [error_code(letter) for letter in stack.dead_letters()] == ["INVALID_FIELD_FOR_INSERT_UPDATE"]
