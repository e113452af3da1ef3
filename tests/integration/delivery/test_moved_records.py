"""Leads that became contacts, records that were merged away, fields that Salesforce refuses: with a real delivery."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders import LOYAL, a_message, a_profile, an_id
from deliver_function import DeliverStack, error_code
from destination_testbench.org import Fault, FaultKind
from moto import mock_aws

CONTACT = """
name = "Contacts"
salesforce_object = "Contact"
{options}

[identity]
source = "identityMap.crmID[0].id"
target = "{target}"

[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = true

[[mappings]]
source = "personalEmail.address"
target = "Email"
when_refused = "omit"

[[audiences]]
id = "{audience}"
mapping_id = "CDP_Loyal__c"
"""

LEAD = (
    CONTACT.replace('"Contact"', '"Lead"')
    + """
[[mappings]]
source = "b2b.companyName"
target = "Company"
required = true
"""
)


@contextmanager
def a_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, options: str = "", target: str = "SalesforceId"
) -> Iterator[DeliverStack]:
    file = tmp_path / "destination.toml"
    file.write_text(text.format(options=options, target=target, audience=LOYAL))
    with mock_aws():
        yield DeliverStack(monkeypatch, file)


def a_lead(number: int = 1, **more: Any) -> dict[str, Any]:
    return a_profile(crm_id=an_id(number, "00Q"), b2b={"companyName": "Acme"}, **more)


def test_one_bad_address_does_not_keep_an_audience_status_from_the_sales_team(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with a_stack(monkeypatch, tmp_path, CONTACT) as stack:
        profile = a_profile(1, last_name="Good", email="no address", statuses={LOYAL: "realized"})

        assert stack.invoke([a_message(profile), a_message(a_profile(2), number=2)]) == []

        contact = stack.contact(an_id(1))
        assert (contact["LastName"], contact["CDP_Loyal__c"]) == ("Good", "realized")
        assert contact["Email"] != "no address"
        assert stack.dead_letters() == []
        assert stack.api_calls() == 2 + 1  # the describe, once in an environment
        output = capsys.readouterr().out
        assert '"fields_omitted":{"Email":1}' in output
        assert '"FieldsOmitted":[1.0]' in output
        assert "no address" not in output


def test_a_refused_field_that_may_not_be_omitted_rejects_the_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path, CONTACT) as stack:
        stack.org.faults.add(Fault(FaultKind.RECORD_ERROR, code="STRING_TOO_LONG", fields=("LastName",)))

        assert stack.invoke([a_message()]) == []
        assert [error_code(letter) for letter in stack.dead_letters()] == ["STRING_TOO_LONG"]


def test_a_converted_lead_is_rejected_with_that_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with a_stack(monkeypatch, tmp_path, LEAD) as stack:
        stack.org.admin.convert_lead(an_id(1, "00Q"))

        assert stack.invoke([a_message(a_lead())]) == []
        assert [error_code(letter) for letter in stack.dead_letters()] == ["CANNOT_UPDATE_CONVERTED_LEAD"]


def test_a_converted_leads_update_goes_to_its_contact_without_what_a_contact_has_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path, LEAD, 'converted_leads = "contact"') as stack:
        contact_id = stack.org.admin.convert_lead(an_id(1, "00Q"))
        profiles = [a_lead(1, last_name="Newer", statuses={LOYAL: "realized"}), a_lead(2, last_name="Still a lead")]

        assert stack.invoke([a_message(profile, number=n) for n, profile in enumerate(profiles)]) == []

        contact = stack.contact(contact_id)
        assert (contact["LastName"], contact["CDP_Loyal__c"]) == ("Newer", "realized")
        assert "Company" not in contact
        assert stack.org.records("Lead").records[an_id(2, "00Q")].values["LastName"] == "Still a lead"
        assert stack.dead_letters() == []


def test_a_converted_lead_is_followed_from_its_external_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with a_stack(monkeypatch, tmp_path, LEAD, 'converted_leads = "contact"', "CDP_Customer_Id__c") as stack:
        stack.org.insert("Lead", an_id(77, "00Q"), {"LastName": "L", "Company": "C", "CDP_Customer_Id__c": "Kunde-7"})
        contact_id = stack.org.admin.convert_lead(an_id(77, "00Q"))
        profile = a_profile(crm_id="KUNDE-7", last_name="Followed", b2b={"companyName": "Acme"})

        assert stack.invoke([a_message(profile)]) == []
        assert stack.contact(contact_id)["LastName"] == "Followed"


@pytest.mark.parametrize("options", ["", 'merged_records = "follow"'])
def test_a_record_that_is_gone_for_good_is_rejected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: str
) -> None:
    with a_stack(monkeypatch, tmp_path, CONTACT, options) as stack:
        stack.org.admin.delete("Contact", an_id(1))

        assert stack.invoke([a_message()]) == []
        assert [error_code(letter) for letter in stack.dead_letters()] == ["ENTITY_IS_DELETED"]


def test_the_reason_of_a_merged_record_names_the_survivor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with a_stack(monkeypatch, tmp_path, CONTACT) as stack:
        stack.org.admin.merge("Contact", an_id(2), [an_id(1)])

        assert stack.invoke([a_message()]) == []

        (letter,) = stack.dead_letters()
        assert error_code(letter) == "RECORD_MERGED"
        assert an_id(2) in letter["MessageAttributes"]["ErrorMessage"]["StringValue"]


def test_a_merged_records_update_goes_to_the_survivor_through_a_chain_of_merges(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path, CONTACT, 'merged_records = "follow"') as stack:
        stack.org.admin.merge("Contact", an_id(2), [an_id(1)])
        stack.org.admin.merge("Contact", an_id(3), [an_id(2)])

        assert stack.invoke([a_message(a_profile(1, last_name="Survived"))]) == []
        assert stack.contact(an_id(3))["LastName"] == "Survived"


def test_what_is_newer_on_the_survivor_is_not_undone_by_the_merged_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path, CONTACT, 'merged_records = "follow"') as stack:
        stack.org.admin.merge("Contact", an_id(2), [an_id(1)])
        older = a_message(a_profile(1, last_name="Older", email="only@example.com"), number=1)
        newer = a_message(a_profile(2, last_name="Newer"), number=2, sent_at=older.sent_at + 1)

        assert stack.invoke([newer, older]) == []

        survivor = stack.contact(an_id(2))
        assert (survivor["LastName"], survivor["Email"]) == ("Newer", "only@example.com")


def test_two_records_merged_into_one_are_written_to_it_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with a_stack(monkeypatch, tmp_path, CONTACT, 'merged_records = "follow"') as stack:
        stack.org.admin.merge("Contact", an_id(3), [an_id(1), an_id(2)])
        first = a_message(a_profile(1, last_name="First"), number=1)
        second = a_message(a_profile(2, last_name="Second"), number=2, sent_at=first.sent_at + 1)

        assert stack.invoke([second, first]) == []
        assert stack.contact(an_id(3))["LastName"] == "Second"


def test_while_salesforce_cannot_say_where_a_record_went_it_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path, CONTACT, 'merged_records = "follow"') as stack:
        stack.org.admin.merge("Contact", an_id(2), [an_id(1)])
        stack.org.faults.add(Fault(FaultKind.OUTAGE, path="/queryAll"))

        assert stack.invoke([a_message(sent_at=int(time.time() * 1000))]) == ["message-1"]
        assert stack.dead_letters() == []


def test_several_records_behind_one_address_are_rejected_with_their_ids(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = CONTACT.replace(
        '[[mappings]]\nsource = "personalEmail.address"\ntarget = "Email"\nwhen_refused = "omit"\n', ""
    )
    with a_stack(monkeypatch, tmp_path, text, target="Email") as stack:
        for number in (1, 2):
            stack.org.insert("Contact", an_id(number), {"LastName": "Twin", "Email": "twin@example.com"})

        assert stack.invoke([a_message(a_profile(crm_id="Twin@Example.com"))]) == []

        (letter,) = stack.dead_letters()
        text = letter["MessageAttributes"]["ErrorMessage"]["StringValue"]
        assert error_code(letter) == "DUPLICATE_EXTERNAL_ID"
        assert an_id(1) in text
        assert an_id(2) in text
