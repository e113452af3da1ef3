"""What `destination reconcile` puts on the queue, delivered: the guards keep what came after the list was made."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest
from builders import LOYAL, a_message, a_profile, an_id
from deliver_function import Context, DeliverStack
from destination_cli.org_api import OrgApi
from destination_cli.reconcile import Mirror
from destination_cli.target import Target, destination_in
from destination_testbench.org import serve
from guarded_org import a_guarded_file, a_guarded_org
from moto import mock_aws
from org_target import a_target

NOW = int(time.time() * 1000)
AS_OF = NOW - 60_000


def membership(status: str, since: int) -> dict[str, Any]:
    since_text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since / 1000))
    return {"ups": {LOYAL: {"status": status, "lastQualificationTime": since_text}}}


def taken(stack: DeliverStack) -> list[dict[str, Any]]:
    """What waits on the queue, in the shape in which Lambda hands it over."""
    found = stack.sqs.receive_message(QueueUrl=stack.queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return [
        {
            "messageId": each["MessageId"],
            "receiptHandle": each["ReceiptHandle"],
            "body": each["Body"],
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": str(NOW)},
            "messageAttributes": {
                name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
                for name, value in each["MessageAttributes"].items()
            },
        }
        for each in found["Messages"]
    ]


def test_exits_and_entries_arrive_and_an_entry_after_the_list_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with mock_aws():
        file = a_guarded_file(tmp_path)
        stack = DeliverStack(monkeypatch, file, a_guarded_org())
        before = [
            a_message(
                a_profile(number, segmentMembership=membership("realized", AS_OF - 60_000)), number=number, sent_at=NOW
            )
            for number in (1, 2, 3)
        ]
        assert stack.invoke(before) == []
        listed = "".join(f"{an_id(number)}\n" for number in (3, 4)).encode()
        with serve(stack.org) as server:
            secret = a_target(server).client("secretsmanager")
            outputs = {"AccessTokenSecretArn": "token", "QueueUrl": stack.queue_url}
            clients = {"sqs": stack.sqs, "secretsmanager": secret}
            target = Target("local", outputs, {}, clients.__getitem__, is_local=True)
            mirror = Mirror.of(destination_in(file), LOYAL, None, AS_OF)
            api = OrgApi.of(target, "66.0")
            found = mirror.reconcile(api, io.BytesIO(listed), None, 200, tmp_path / "old.csv", target)

        again = a_profile(2, last_name="Newer", segmentMembership=membership("realized", NOW - 1_000))
        assert stack.invoke([a_message(again, number=9, sent_at=NOW)]) == []
        answer = stack.app.lambda_handler({"Records": taken(stack)}, Context())

        assert (found.sent, answer["batchItemFailures"], stack.dead_letters()) == (3, [], [])
        held = {number: stack.contact(an_id(number)) for number in (1, 2, 3, 4)}
        assert [held[number]["CDP_Loyal__c"] for number in held] == ["exited", "realized", "realized", "realized"]
        assert [held[number]["LastName"] for number in (1, 2, 3)] == ["Okafor", "Newer", "Okafor"]
        assert held[4]["LastName"] != "Okafor"
