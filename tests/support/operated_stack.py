"""A stack in moto, as the `destination` command sees one, without functions behind its queues."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import boto3
from destination_cli.target import Target
from salesforce_destination.settings import DELIVER_NEEDS

CODE = {"ErrorCode": "INVALID_EMAIL_ADDRESS"}


class Impatient:
    """A client that does not wait for messages: in a test nobody sends any later."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def receive_message(self, **call: Any) -> Any:
        return self._client.receive_message(**{**call, "WaitTimeSeconds": 0})


def impatient(service: str) -> Any:
    """A client of a service; that of SQS does not wait."""
    return Impatient(boto3.client(service)) if service == "sqs" else boto3.client(service)


class OperatedStack:
    """Queues, secrets and a log group; `target` is what a command gets."""

    def __init__(self) -> None:
        self.sqs = boto3.client("sqs")
        two_weeks = {"MessageRetentionPeriod": "1209600"}
        self.dead_letters_url = self.sqs.create_queue(QueueName="dead-letters", Attributes=two_weeks)["QueueUrl"]
        redrive = json.dumps({"deadLetterTargetArn": self._arn(self.dead_letters_url), "maxReceiveCount": 600})
        attributes = {**two_weeks, "VisibilityTimeout": "1800", "RedrivePolicy": redrive}
        self.queue_url = self.sqs.create_queue(QueueName="queue", Attributes=attributes)["QueueUrl"]
        self.secrets = boto3.client("secretsmanager")
        self.token_id = self.secrets.create_secret(Name="token", SecretString="{}")["ARN"]
        self.log_group = "/aws/lambda/a-stack/deliver"
        boto3.client("logs").create_log_group(logGroupName=self.log_group)
        self.target = Target("a-stack", self._outputs(), {"DestinationFile": "contacts.toml"}, impatient)

    def _outputs(self) -> dict[str, str]:
        return {
            "QueueUrl": self.queue_url,
            "QueueArn": self.queue_arn,
            "DeadLetterQueueUrl": self.dead_letters_url,
            "AccessTokenSecretArn": self.token_id,
            "DeliverFunctionName": "deliver",
            "DeliverLogGroupName": self.log_group,
        }

    @property
    def queue_arn(self) -> str:
        return self._arn(self.queue_url)

    def _arn(self, url: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def feed(self) -> None:
        """Make the function and the mapping that feeds it. Send nothing after this: moto would run the function."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as content:
            content.writestr("app.py", "")
        role = boto3.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps({}))["Role"]["Arn"]
        client = boto3.client("lambda")
        client.create_function(
            FunctionName="deliver",
            Runtime="python3.13",
            Role=role,
            Handler="app.lambda_handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=300,
            Environment={"Variables": dict.fromkeys(DELIVER_NEEDS, "there")},
        )
        self.mapping = client.create_event_source_mapping(
            EventSourceArn=self.queue_arn,
            FunctionName="deliver",
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )["UUID"]

    def reject(self, body: str, attributes: Mapping[str, Any] = CODE) -> None:
        """Put a message into the dead-letter queue."""
        self.sqs.send_message(
            QueueUrl=self.dead_letters_url, MessageBody=body, MessageAttributes=as_attributes(attributes)
        )

    def waiting(self) -> list[dict[str, Any]]:
        """Take what is on the queue."""
        return self._received(self.queue_url)

    def dead(self) -> list[dict[str, Any]]:
        """Take what is visible in the dead-letter queue."""
        return self._received(self.dead_letters_url)

    def _received(self, url: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while more := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
            "Messages", []
        ):
            found += more
        return found


def as_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes in the shape of the SQS API: text, numbers, bytes."""
    return {name: _attribute(value) for name, value in values.items()}


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {"DataType": "Binary", "BinaryValue": value}
    return {"DataType": "Number" if isinstance(value, int) else "String", "StringValue": str(value)}
