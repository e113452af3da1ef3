"""From a POST to a contact: the model of API Gateway, moto's queue, the deliver function, the simulated org."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from builders import LOYAL, a_profile, an_id
from deliver_function import ROOT, Context, DeliverStack
from destination_testbench.aws.front_door import DoorAnswer, FrontDoor
from destination_testbench.aws.front_door_server import QueueQuery
from destination_testbench.aws_lambda.event_source import event_of
from moto import mock_aws
from the_template import resolved

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:Queue"
SELECTS = {"default": "", "profiles or the whole body": '[profiles]\nselect = "profiles || @"\n\n'}


@dataclass
class Journey:
    """Where a profile goes."""

    stack: DeliverStack
    door: FrontDoor
    queue_url: str

    def post(self, body: Any) -> DoorAnswer:
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return self.door.post("/profiles", data, {"X-Api-Key": "key", "Content-Type": "application/json"})

    def waiting(self) -> list[Any]:
        received = self.stack.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return list(received.get("Messages", ()))

    def deliver(self) -> Any:
        return self.stack.app.lambda_handler(event_of(self.waiting(), QUEUE), Context())


@pytest.fixture(params=SELECTS)
def destination_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text = (ROOT / "layers" / "destinations" / "contacts.toml").read_text(encoding="utf-8")
    file = tmp_path / "contacts.toml"
    file.write_text(text.replace("[identity]", f"{SELECTS[request.param]}[identity]", 1), encoding="utf-8")
    return file


@pytest.fixture
def journey(monkeypatch: pytest.MonkeyPatch, destination_file: Path) -> Iterator[Journey]:
    with mock_aws():
        stack = DeliverStack(monkeypatch, destination_file)
        largest = str(resolved("AWS::SQS::Queue")["Queue"]["MaximumMessageSize"])
        url = boto3.client("sqs").create_queue(QueueName="Queue", Attributes={"MaximumMessageSize": largest})[
            "QueueUrl"
        ]
        definition = resolved("AWS::ApiGateway::RestApi", HttpEndpoint="true")["FrontDoor"]["Body"]
        yield Journey(stack, FrontDoor(definition, "key", QueueQuery("https://sqs.eu-west-1.amazonaws.com")), url)


def test_a_profile_that_is_posted_reaches_its_contact(journey: Journey) -> None:
    answer = journey.post(a_profile(1, last_name="Böhm & Söhne", statuses={LOYAL: "realized"}))

    kept = journey.deliver()

    contact = journey.stack.contact(an_id(1))
    assert answer.status == 200
    assert kept == {"batchItemFailures": []}
    assert (contact["LastName"], contact["CDP_Loyal__c"]) == ("Böhm & Söhne", "realized")


def test_every_profile_of_a_list_reaches_its_contact(journey: Journey) -> None:
    answer = journey.post({"profiles": [a_profile(n, last_name=f"Name {n}") for n in range(1, 11)]})

    kept = journey.deliver()

    assert answer.status == 200
    assert kept == {"batchItemFailures": []}
    assert [journey.stack.contact(an_id(n))["LastName"] for n in range(1, 11)] == [f"Name {n}" for n in range(1, 11)]


def test_the_sender_is_told_the_id_of_the_message_on_the_queue(journey: Journey) -> None:
    answer = journey.post(a_profile(1, last_name="Doe"))

    (message,) = journey.waiting()

    assert answer.document == {"message_id": message["MessageId"]}


def test_what_adobe_sends_is_on_the_queue_byte_for_byte(journey: Journey) -> None:
    records = json.loads((ROOT / "events" / "deliver-adobe.json").read_text(encoding="utf-8"))["Records"]
    bodies = [record["body"].encode() for record in records]

    answers = [journey.post(body) for body in bodies]

    assert [answer.status for answer in answers] == [200] * 3
    assert sorted(message["Body"].encode() for message in journey.waiting()) == sorted(bodies)


def test_a_message_has_no_time_but_that_of_the_queue_so_that_the_files_own_counts(journey: Journey) -> None:
    journey.post(a_profile(1, last_name="Doe"))

    (message,) = journey.waiting()

    assert "MessageAttributes" not in message
    assert message["Attributes"]["SentTimestamp"]


def test_whoever_posts_gives_no_attribute_such_as_form_or_parts(journey: Journey) -> None:
    named = "&MessageAttribute.1.Name=Form&MessageAttribute.1.Value.StringValue=memberships"
    asked = f"{named}&MessageAttribute.1.Value.DataType=String"
    headers = {"X-Api-Key": "key", "Content-Type": "application/json", "Form": "memberships", "Parts": "{}"}
    body = json.dumps({"a": asked, f"b{asked}": '"\n'}).encode()

    answers = [journey.door.post("/profiles", each, headers) for each in (body, b"{}" + asked.encode())]

    assert [answer.status for answer in answers] == [200, 400]
    (message,) = journey.waiting()
    assert (message["Body"].encode(), "MessageAttributes" in message) == (body, False)
    integration = journey.door.definition["paths"]["/profiles"]["post"]["x-amazon-apigateway-integration"]
    assert list(integration["requestParameters"]) == ["integration.request.header.Content-Type"]


def test_a_body_that_fits_is_taken_and_a_larger_one_is_refused_for_good(journey: Journey) -> None:
    largest = 1_044_480
    around = len(json.dumps({"a": ""}))

    fits = journey.post({"a": "x" * (largest - around)})
    larger = journey.post({"a": "x" * (largest - around + 1)})

    assert (fits.status, larger.status) == (200, 413)
    assert str(largest) in larger.document["message"]


def test_a_queue_that_is_gone_makes_the_sender_try_again(journey: Journey) -> None:
    journey.stack.sqs.delete_queue(QueueUrl=journey.queue_url)

    answer = journey.post(a_profile(1, last_name="Doe"))

    assert answer.status == 503
