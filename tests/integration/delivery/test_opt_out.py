"""Who takes the consent away leaves the audiences, and never becomes a record for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import LOYAL, a_message, a_profile
from deliver_function import DeliverStack
from moto import mock_aws

CREATING = f"""
name = "Contacts by key"
salesforce_object = "Contact"

[profiles]
only_if = "consent == 'y'"

[identity]
source = "identityMap.crmID[0].id"
target = "CDP_Customer_Id__c"
create_missing = true

[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = true

[[audiences]]
id = "{LOYAL}"
mapping_id = "CDP_Loyal__c"
"""


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DeliverStack]:
    file = tmp_path / "creating.toml"
    file.write_text(CREATING)
    with mock_aws():
        yield DeliverStack(monkeypatch, file, contacts=0)


def invoke(stack: DeliverStack, consent: str) -> list[str]:
    profile = a_profile(crm_id="K-1", statuses={LOYAL: "realized"}, consent=consent)
    return stack.invoke([a_message(profile, sent_at=int(time.time() * 1000))])


def test_who_consents_becomes_a_record_and_leaves_its_audience_when_the_consent_goes(stack: DeliverStack) -> None:
    states = []
    for consent in "yn":
        assert invoke(stack, consent) == []
        (contact,) = stack.org.records("Contact")
        states.append(contact.values["CDP_Loyal__c"])

    assert states == ["realized", "exited"]


def test_who_never_consented_becomes_no_record_and_no_dead_letter(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(stack, "n") == []
    assert list(stack.org.records("Contact")) == []
    assert stack.dead_letters() == []
    told = capsys.readouterr().out
    assert '"outcomes":{"skipped":1}' in told
    assert '"ProfilesReceived":[1.0]' in told
    assert '"ProfilesNotPermitted":[1.0]' in told
