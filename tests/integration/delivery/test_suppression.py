"""Nothing is written of people who asked to be erased: the list in the bucket, as the deliver function reads it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from builders import LOYAL, a_message, a_profile, an_id
from deliver_function import DeliverStack
from destination_testbench.aws.clients import SimulatedSecrets
from destination_testbench.local.places import ROOT
from moto import mock_aws
from salesforce_destination.aws.suppression import OBJECT, UNAVAILABLE, SuppressionList
from salesforce_destination.outcome import DELIVERED, SUPPRESSED, Message, OutcomeKind, WaitingParts

BUCKET, KEY = "suppressed-people", "a key"


class Counting:
    """S3, and what it was asked."""

    def __init__(self) -> None:
        self.client, self.asked = boto3.client("s3"), list[str]()

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self.client, name)


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliverStack]:
    with mock_aws():
        stack = DeliverStack(monkeypatch)
        stack.secrets.create_secret(Name="key", SecretString=KEY)
        boto3.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": boto3.client("s3").meta.region_name}
        )
        stack.environment(SUPPRESSION_BUCKET=BUCKET, OUTCOME_KEY_SECRET_ID="key")
        yield stack


def a_list(s3: Any = None, now: Callable[[], float] = time.time) -> SuppressionList:
    secrets = SimulatedSecrets({"key": KEY})
    return SuppressionList(lambda: s3 or boto3.client("s3"), BUCKET, lambda: secrets, "key", now)


def suppress(*keys: str) -> None:
    listed = a_list()
    listed.read()
    listed.write([*listed.people, {"at": 1, "hashes": [listed.hash(key) for key in keys]}])


def told(*numbers: int, **more: Any) -> list[Message]:
    now = int(time.time() * 1000)
    return [a_message(a_profile(n, last_name="Okafor", **more), number=n, sent_at=now) for n in numbers]


def name(stack: DeliverStack, number: int) -> Any:
    return stack.contact(an_id(number))["LastName"]


def test_nothing_is_written_of_who_is_on_the_list_and_the_log_and_a_metric_say_so(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    suppress(an_id(1), "another of hers")
    before = name(stack, 1)

    assert stack.invoke(told(1, 2)) == []

    assert (name(stack, 1), name(stack, 2)) == (before, "Okafor")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (said,) = [line for line in lines if line.get("message") == "batch delivered"]
    assert [*said["profiles_by_outcome"]] == ["delivered", "skipped SUPPRESSED"]
    assert said["reasons"] == {"SUPPRESSED": 1}
    (counts,) = [line for line in lines if "ProfilesSuppressed" in line]
    assert (counts["ProfilesSuppressed"], counts["ProfilesSkipped"], counts["RecordsDelivered"]) == ([1], [1], [1])


def test_a_refused_profile_of_who_is_on_the_list_becomes_no_dead_letter(stack: DeliverStack) -> None:
    suppress(an_id(1))
    now = int(time.time() * 1000)
    no_name = [a_message({**a_profile(n), "person": {}}, number=n, sent_at=now) for n in (1, 2)]

    assert stack.invoke(no_name) == []

    assert [letter["MessageAttributes"]["ErrorCode"]["StringValue"] for letter in stack.dead_letters()] == [
        "REQUIRED_VALUE_MISSING"
    ]


def test_a_person_is_known_by_every_rule_of_the_file(stack: DeliverStack, tmp_path: Path) -> None:
    file = tmp_path / "people.toml"
    text = (ROOT / "layers" / "destinations" / "contacts.toml").read_text(encoding="utf-8")
    rule = '[[identity]]\nsource = "identityMap.crmID[0].id"\ntarget = "SalesforceId"\n'
    more = '[[identity]]\nsource = "personalEmail.address"\ntarget = "Email"\n'
    start, end = text.index("[identity]"), text.index("[[mappings]]")
    file.write_text(text[:start] + rule + more + text[end:], encoding="utf-8")
    stack.environment(DESTINATION_FILE=str(file))
    suppress("Email:amara@example.com")
    before = name(stack, 1)

    stack.invoke(told(1, personalEmail={"address": "Amara@Example.com"}))
    stack.invoke(told(2, personalEmail={"address": "another@example.com"}))

    assert (name(stack, 1), name(stack, 2)) == (before, "Okafor")


def test_who_is_lifted_from_the_list_is_written_again(stack: DeliverStack) -> None:
    suppress(an_id(1))
    stack.invoke(told(1))
    listed = a_list()
    listed.read()
    listed.write([])
    stack.start_cold()

    stack.invoke(told(1))

    assert name(stack, 1) == "Okafor"


@pytest.mark.parametrize("broken", ["{", "[]", '{"people": [{}]}', '{"people": [{"at": 1, "hashes": ["a"]}]}'])
def test_a_list_that_nobody_can_read_lets_the_batch_wait(
    stack: DeliverStack, broken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    s3, before = boto3.client("s3"), name(stack, 1)
    s3.put_object(Bucket=BUCKET, Key=OBJECT, Body=broken)

    assert stack.invoke(told(1, 2)) == ["message-1", "message-2"]

    assert name(stack, 1) == before
    assert f'"reasons":{{"{UNAVAILABLE}":2}}' in capsys.readouterr().out
    s3.delete_object(Bucket=BUCKET, Key=OBJECT)
    assert stack.invoke(told(1)) == []
    assert name(stack, 1) == "Okafor"


def test_a_list_by_another_key_is_one_that_nobody_can_read(stack: DeliverStack) -> None:
    suppress(an_id(1))
    stack.secrets.put_secret_value(SecretId="key", SecretString="another key")

    assert stack.invoke(told(1)) == ["message-1"]


def test_another_key_is_taken_up_with_the_list_that_was_made_with_it(stack: DeliverStack) -> None:
    secrets, clock = SimulatedSecrets({"key": "old"}), Clock()
    known = SuppressionList(lambda: boto3.client("s3"), BUCKET, lambda: secrets, "key", clock)
    known.refreshed()
    known.write([{"at": 1, "hashes": [known.hash("a")]}])

    secrets.values["key"] = "new"
    other = SuppressionList(lambda: boto3.client("s3"), BUCKET, lambda: secrets, "key", clock)
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=OBJECT)
    other.read()
    other.write([{"at": 2, "hashes": [other.hash("a")]}])
    clock.now += 300

    holds = known.refreshed()
    assert holds is not None
    assert holds({"a"})


def test_the_list_is_asked_for_by_its_tag_after_four_minutes_and_holds_for_five(stack: DeliverStack) -> None:
    suppress(an_id(1))
    s3, clock = Counting(), Clock()
    known = a_list(s3, clock)
    start = clock.now

    assert known.refreshed()
    clock.now = start + 239
    assert known.refreshed()
    assert s3.asked == ["get_object"]
    clock.now = start + 241
    assert known.refreshed()  # 304: the same
    assert s3.asked == ["get_object"] * 2
    suppress(an_id(2))
    clock.now += 241
    assert known.refreshed()
    assert known.holds({an_id(2)})
    boto3.client("s3").put_object(Bucket=BUCKET, Key=OBJECT, Body="broken")
    clock.now += 299
    assert known.refreshed()
    assert known.holds({"nobody", an_id(1)})
    clock.now += 1
    with pytest.raises(Exception, match=UNAVAILABLE):
        known.refreshed()
    clock.now = start - 3_600  # a clock that was set back tells no age
    with pytest.raises(Exception, match=UNAVAILABLE):
        known.refreshed()


def test_two_people_do_not_overwrite_each_others_list(stack: DeliverStack) -> None:
    first, second = a_list(), a_list()
    first.read()
    second.read()
    first.write([{"at": 1, "hashes": [first.hash("a")]}])

    with pytest.raises(Exception, match="PreconditionFailed"):
        second.write([])
    second.read()
    second.write([])
    with pytest.raises(Exception, match="PreconditionFailed"):
        first.write([])


def test_without_a_bucket_nobody_is_asked(stack: DeliverStack) -> None:
    suppress(an_id(1))
    stack.environment(SUPPRESSION_BUCKET="")

    assert stack.invoke(told(1)) == []

    assert name(stack, 1) == "Okafor"


def test_the_second_form_of_a_message_is_left_out_too(stack: DeliverStack) -> None:
    suppress(an_id(1))
    form = {"identity": {"SalesforceId": an_id(1)}, "memberships": {LOYAL: {"status": "realized"}}}
    other = {**form, "identity": {"SalesforceId": an_id(2)}}
    now = int(time.time() * 1000)
    messages = [a_message(body, number=n, sent_at=now) for n, body in enumerate((form, other), 1)]
    for message in messages:
        message.is_memberships = True
    function = stack.app.started()
    function.begin(100)

    batch = function.deliverer.deliver(messages, now)

    assert [delivery.outcome for delivery in batch.deliveries] == [SUPPRESSED, DELIVERED]
    written = [stack.contact(an_id(number)).get("CDP_Loyal__c") for number in (1, 2)]
    assert written == [None, "realized"]


def test_no_row_is_written_either_nor_one_that_has_waited(stack: DeliverStack, tmp_path: Path) -> None:
    file = tmp_path / "rows.toml"
    columns = 'key = "CDP_Key__c"\nperson = "Contact__c"\naudience = "Audience__c"\nstatus = "Status__c"\n'
    rows = f'[memberships]\nobject = "CDP_Membership__c"\n{columns}since = "Since_Ms__c"\n'
    text = (ROOT / "layers" / "destinations" / "contacts.toml").read_text(encoding="utf-8")
    file.write_text(f"{text}\n{rows}", encoding="utf-8")
    stack.environment(DESTINATION_FILE=str(file))
    suppress(an_id(1))
    waiting = told(1, 2, statuses={LOYAL: "realized"})
    for message in waiting:
        message.parts = WaitingParts({0: (f"row {LOYAL}",)}, message.sent_at, 1)
    function = stack.app.started()
    function.begin(100)

    for messages in (told(1, 2, statuses={LOYAL: "realized"}), waiting):
        batch = function.deliverer.deliver(messages, messages[0].sent_at)
        assert [delivery.outcome.kind for delivery in batch.deliveries] == [OutcomeKind.SKIPPED, OutcomeKind.DELIVERED]

    assert {row.get("Contact__c") for row in stack.org.records("CDP_Membership__c")} == {an_id(2)}
