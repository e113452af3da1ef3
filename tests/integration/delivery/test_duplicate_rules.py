"""Duplicate rules of the org, obeyed or allowed, with a real delivery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders import CONTACTS, LOYAL, a_message, a_profile, an_id
from deliver_function import DeliverStack, error_code
from destination_testbench.org import DuplicateRule
from moto import mock_aws

TEXT = "Somebody of that name and address is there already."


@contextmanager
def a_stack(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, allow: bool = False, blocks: bool = False, by_id: bool = True
) -> Iterator[DeliverStack]:
    text = 'duplicate_rules = "allow"\n' + CONTACTS if allow else CONTACTS
    if not by_id:
        text = text.replace('target = "SalesforceId"', 'target = "CDP_Customer_Id__c"\ncreate_missing = true')
    file = folder / "destination.toml"
    file.write_text(text)
    with mock_aws():
        stack = DeliverStack(monkeypatch, file)
        stack.org.insert("Contact", an_id(2), {"LastName": "Twin", "Email": "twin@example.com"})
        rule = DuplicateRule("Contact", "Twins", ("LastName", "Email"), blocks, TEXT)
        stack.org.admin.add_duplicate_rule(rule)
        yield stack


def a_twin(**more: Any) -> dict[str, Any]:
    return a_profile(last_name="twin", email="Twin@example.com", statuses={LOYAL: "realized"}, **more)


def the_letter(stack: DeliverStack) -> tuple[str, str]:
    (letter,) = stack.dead_letters()
    return error_code(letter), letter["MessageAttributes"]["ErrorMessage"]["StringValue"]


def test_a_record_that_a_rule_alerts_about_is_rejected_with_the_rules_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path) as stack:
        assert stack.invoke([a_message(a_twin()), a_message(a_profile(3, last_name="Alone"), number=2)]) == []

        assert the_letter(stack) == ("DUPLICATES_DETECTED", TEXT)
        assert "CDP_Loyal__c" not in stack.contact(an_id(1))
        assert stack.contact(an_id(3))["LastName"] == "Alone"


def test_an_alert_lets_the_record_pass_where_the_file_allows_duplicates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with a_stack(monkeypatch, tmp_path, allow=True) as stack:
        assert stack.invoke([a_message(a_twin())]) == []

        assert (stack.contact(an_id(1))["LastName"], stack.contact(an_id(1))["CDP_Loyal__c"]) == ("twin", "realized")
        assert stack.dead_letters() == []


@pytest.mark.parametrize("allow", [False, True])
def test_a_rule_that_blocks_is_obeyed_in_any_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, allow: bool) -> None:
    with a_stack(monkeypatch, tmp_path, allow=allow, blocks=True) as stack:
        assert stack.invoke([a_message(a_twin())]) == []

        assert the_letter(stack) == ("DUPLICATES_DETECTED", TEXT)
        assert stack.contact(an_id(1))["LastName"] != "twin"


@pytest.mark.parametrize("inherits", [False, True])
@pytest.mark.parametrize("allow", [False, True])
def test_a_new_record_is_created_beside_its_twin_only_where_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, allow: bool, inherits: bool
) -> None:
    with a_stack(monkeypatch, tmp_path, allow=allow, by_id=False) as stack:
        stack.org.admin.set_fact("composite_inherits_headers", inherits)

        assert stack.invoke([a_message(a_twin(crm_id="K-1"))]) == []

        twins = [contact for contact in stack.org.records("Contact") if contact.get("CDP_Customer_Id__c") == "K-1"]
        assert len(twins) == (1 if allow else 0)
        assert len(stack.dead_letters()) == (0 if allow else 1)
