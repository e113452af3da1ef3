from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from builders import a_message, a_profile, an_id
from deliver_function import DeliverStack
from moto import mock_aws
from salesforce_destination.aws.outcome_log import IN_LINE, hasher

KEY = "the key of a test"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliverStack]:
    with mock_aws():
        stack = DeliverStack(monkeypatch)
        stack.secrets.create_secret(Name="outcome-key", SecretString=KEY)
        stack.environment(OUTCOME_KEY_SECRET_ID="outcome-key")
        yield stack


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_function_logs_what_became_of_each_profile_without_naming_anybody(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = [a_message(a_profile(1)), a_message(a_profile(999)), a_message("nonsense")]

    stack.invoke(batch)

    logged = lines(capsys)
    (outcomes,) = [line[IN_LINE] for line in logged if IN_LINE in line]
    assert isinstance(outcomes, dict)
    assert set(outcomes) == {"delivered", "rejected INVALID_CROSS_REFERENCE_KEY"}
    assert outcomes["delivered"][0].startswith(hasher(KEY.encode())(an_id(1)))
    assert not any(identity in json.dumps(logged) for identity in (an_id(1), an_id(999), an_id(1)[:15]))


def test_a_key_that_cannot_be_read_keeps_no_profile_from_its_record(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.secrets.delete_secret(SecretId="outcome-key", RecoveryWindowInDays=7)

    kept = stack.invoke([a_message(a_profile(1))])

    assert kept == []
    assert stack.contact(an_id(1))["LastName"] == "Okafor"
    assert [line["code"] for line in lines(capsys) if "no outcomes" in str(line.get("message"))] == [
        "SECRETS_UNAVAILABLE"
    ]
