"""One refusal for a common cause is told to a person with the right to read it, and to no log."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from builders import a_message, a_profile
from deliver_function import DeliverStack
from destination_testbench.org.faults.faults import Fault, FaultKind
from moto import mock_aws
from salesforce_destination.aws.kept_refusal import read_kept_refusal
from salesforce_destination.outcome import Message

WORDS = "Okafor may not be written on a Monday"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliverStack]:
    with mock_aws():
        stack = DeliverStack(monkeypatch)
        stack.secrets.create_secret(Name="refusal", SecretString="{}")
        stack.environment(REFUSAL_SECRET_ID="refusal")
        stack.org.admin.add_rule("Contact", "Monday", 'LastName = "Okafor"', WORDS)
        yield stack


def told(*numbers: int, count: int = 1, name: str = "Okafor") -> list[Message]:
    now = int(time.time() * 1000)
    return [a_message(a_profile(n, last_name=name), number=n, sent_at=now, receive_count=count) for n in numbers]


def kept(stack: DeliverStack) -> str:
    return str(stack.secrets.get_secret_value(SecretId="refusal")["SecretString"])


def versions(stack: DeliverStack) -> int:
    found = stack.secrets.list_secret_version_ids(SecretId="refusal", IncludeDeprecated=True)
    return len(found["Versions"])


def test_the_text_of_a_common_cause_is_kept_once_in_ten_minutes_and_cleared_at_its_end(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    before = int(time.time() * 1000)
    assert stack.invoke(told(1, 2, 3)) == ["message-1", "message-2", "message-3"]

    found = read_kept_refusal(kept(stack))
    assert found is not None
    assert (found[0].code, found[0].text) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", WORDS)
    assert before <= found[1] <= time.time() * 1000
    written = versions(stack)
    stack.invoke(told(4, 5))
    assert versions(stack) == written
    later = time.monotonic() + 601
    stack.app.started().kept_refusal.clock = lambda: later
    stack.invoke(told(6))
    assert versions(stack) > written

    stack.org.admin.remove_rule("Contact", "Monday")
    assert stack.invoke(told(1, count=2)) == []

    assert kept(stack) == "{}"
    before_it = stack.secrets.get_secret_value(SecretId="refusal", VersionStage="AWSPREVIOUS")
    assert before_it["SecretString"] == "{}"
    assert WORDS not in capsys.readouterr().out


def test_what_is_no_common_cause_is_not_kept(stack: DeliverStack) -> None:
    assert stack.invoke([*told(1), *told(*range(2, 9), name="Good")]) == ["message-1"]

    assert kept(stack) == "{}"


def test_a_secret_that_cannot_be_written_keeps_no_message_from_its_outcome(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.environment(REFUSAL_SECRET_ID="none")

    assert stack.invoke(told(1)) == ["message-1"]

    assert "the text of a refusal cannot be kept" in capsys.readouterr().out


def test_a_letter_has_salesforces_own_text_where_the_whole_request_was_refused(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps([{"message": "Ask Ada Lovelace about this API", "errorCode": "API_CURRENTLY_DISABLED"}])
    stack.org.faults.add(Fault(FaultKind.REPLY, status=403, body=body, path="/composite"))
    message = a_message(a_profile(1), sent_at=int(time.time() * 1000) - 432_000_000)

    assert stack.invoke([message]) == []

    (letter,) = stack.dead_letters()
    assert "Ask Ada Lovelace about this API" in letter["MessageAttributes"]["ErrorMessage"]["StringValue"]
    assert "Lovelace" not in capsys.readouterr().out
