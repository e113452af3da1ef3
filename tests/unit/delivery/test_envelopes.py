"""Bodies that hold a profile in something else: the reason says what it is, and the `select` that it gives works."""

from __future__ import annotations

import json
from base64 import b64encode
from gzip import compress
from typing import Any

import pytest
from builders import CONTACTS, SENT_AT, a_destination, a_message, a_profile
from salesforce_destination.outcome import Delivery, OutcomeKind
from scripted_org import ScriptedOrg, a_deliverer, deliver

TEXT = json.dumps(a_profile(1))
CODED = b64encode(TEXT.encode()).decode()
ZIPPED = b64encode(compress(TEXT.encode())).decode()

ENVELOPES: dict[str, tuple[str, Any]] = {
    "an SNS notification": ("powertools_json(Message)", {"TopicArn": "arn:aws:sns:x", "Message": TEXT}),
    "an EventBridge event": ("detail", {"detail-type": "Changed", "detail": a_profile(1)}),
    "a CloudEvent in base64": (
        "powertools_json(powertools_base64(data_base64))",
        {"specversion": "1.0", "data_base64": CODED},
    ),
    "a CloudEvent": ("data", {"specversion": "1.0", "data": a_profile(1)}),
    "a Kinesis record": ("powertools_json(powertools_base64(data))", {"kinesisSchemaVersion": "1.0", "data": CODED}),
    "a Kinesis event": (
        "Records[].kinesis.powertools_json(powertools_base64(data))",
        {"Records": [{"kinesis": {"data": CODED}}]},
    ),
    "an SNS event": ("Records[].Sns.powertools_json(Message)", {"Records": [{"Sns": {"Message": TEXT}}]}),
    "an SQS event": ("Records[].powertools_json(body)", {"Records": [{"messageId": "1", "body": TEXT}]}),
    "JSON as text": ("powertools_json(@)", TEXT),
    "JSON in base64": ("powertools_json(powertools_base64(@))", CODED),
    "gzip in base64": ("powertools_json(powertools_base64_gzip(@))", ZIPPED),
}


def delivered(body: str, select: str = "", only_if: str = "", event_time: str | None = None) -> Delivery:
    profiles = f"select = '{select}'\n" if select else ""
    profiles += f"only_if = '{only_if}'\n" if only_if else ""
    destination = a_destination(CONTACTS, f"\n[profiles]\n{profiles}")
    message = a_message(body, event_time=event_time)
    (delivery,) = a_deliverer(destination, ScriptedOrg(destination)).deliver([message], SENT_AT).deliveries
    return delivery


def problem(body: str, **more: str) -> str:
    delivery = delivered(body, **more)
    assert delivery.outcome.kind is OutcomeKind.REJECTED
    assert delivery.outcome.reason
    assert delivery.outcome.reason.code in ("NO_PROFILE", "NOT_JSON")
    return delivery.outcome.reason.text


@pytest.mark.parametrize("kind", ENVELOPES)
@pytest.mark.parametrize("only_if", ["", "consent"])
def test_an_envelope_is_named_with_the_select_that_takes_it(kind: str, only_if: str) -> None:
    select, body = ENVELOPES[kind]

    said = problem(json.dumps(body), only_if=only_if)

    assert said == f"The body is {kind}, not a profile. Set profiles.select = '{select}'."
    assert delivered(json.dumps(body), select).outcome.kind is OutcomeKind.DELIVERED


@pytest.mark.parametrize("name", ["body", "my-key"])
def test_any_key_may_hold_the_profile_as_text(name: str) -> None:
    said = problem(json.dumps({"version": 2, name: TEXT}))

    select = said.partition("'")[2].rpartition("'")[0]
    assert delivered(json.dumps({name: TEXT}), select).outcome.kind is OutcomeKind.DELIVERED


@pytest.mark.parametrize("code", [CODED, ZIPPED])
def test_a_code_without_quotes_is_named_too(code: str) -> None:
    assert "in base64. Put it in double quotes, and set profiles.select = 'powertools_json(" in problem(code)


@pytest.mark.parametrize(
    "body",
    [
        ["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": "bucket", "s3Key": "key"}],
        ["com.amazon.sqs.javamessaging.MessageS3Pointer", {"s3BucketName": "bucket", "s3Key": "key"}],
        {"S3Payload": {"Bucket": "bucket", "Key": "key"}},
        {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "key"}}}]},
        {"detail-type": "Object Created", "source": "aws.s3", "detail": {"object": {"key": "key"}}},
    ],
)
def test_what_names_an_object_in_s3_is_said_to_within_a_notification_too(body: Any) -> None:
    notified = json.dumps({"TopicArn": "x", "Message": json.dumps(body)})

    for said in (problem(json.dumps(body)), problem(notified, select="powertools_json(Message)")):
        assert said.endswith("names an object in S3, which is not read. Send the profile itself.")


def test_a_profile_that_is_refused_for_itself_is_no_envelope() -> None:
    wrong = {**a_profile(1, last_name=None), "details": '{"city": "Bergen"}'}

    reason = delivered(json.dumps(wrong)).outcome.reason

    assert reason
    assert reason.code == "REQUIRED_VALUE_MISSING"
    assert delivered(json.dumps({"city": "Bergen"}), only_if="consent").outcome.kind is OutcomeKind.SKIPPED


def test_a_time_beside_a_profile_in_an_envelope_is_not_its_own() -> None:
    body = {"detail-type": "Changed", "timestamp": SENT_AT - 5, "detail": a_profile(1)}
    destination = a_destination(CONTACTS, '\n[ordering]\nfield = "CDP_Event_Time__c"\nsource = "timestamp"\n')

    (delivery,) = deliver(destination, ScriptedOrg(destination), [a_message(body)])

    assert (delivery.outcome.kind, delivery.event_time) == (OutcomeKind.REJECTED, None)


def test_a_byte_order_mark_is_no_part_of_the_body() -> None:
    assert delivered(f"\ufeff{TEXT}").outcome.kind is OutcomeKind.DELIVERED


def test_a_notification_gives_its_event_time_to_its_message() -> None:
    event_time = {"EventTime": {"Type": "Number", "Value": str(SENT_AT - 5)}}
    body = json.dumps({"TopicArn": "x", "Message": TEXT, "MessageAttributes": event_time})
    select = "powertools_json(Message)"

    assert delivered(body, select).event_time == SENT_AT - 5
    assert delivered(body, select, event_time=str(SENT_AT - 7)).event_time == SENT_AT - 7
    assert delivered(body).message.event_time == str(SENT_AT - 5)
    late = delivered(body.replace(str(SENT_AT - 5), str(SENT_AT + 300_001)), select).outcome.reason
    assert late
    assert late.code == "EVENT_TIME_INVALID"
