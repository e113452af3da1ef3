"""The resources of the template, created in the local AWS one by one: moto's CloudFormation skips some silently."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from secrets import choice
from string import ascii_letters, digits
from typing import Any

from destination_testbench.aws.process import LocalAws
from destination_testbench.local.places import ACCOUNT_ID, REGION, STACK_NAME
from destination_testbench.template.intrinsics import IntrinsicError, Resolver
from destination_testbench.template.template import Template

Attributes = dict[str, str]
"""What `Ref` (under the name "Ref") and `Fn::GetAtt` of a resource are."""


class Cloud:
    """A stack's queues, secrets, topics and bucket.

    A resource is created when it is first asked for, or when something else refers to it; `resolve` works out any value
    of the template.
    """

    def __init__(self, template: Template, parameters: Mapping[str, str], aws: LocalAws) -> None:
        self._template, self._aws = template, aws
        self._attributes: dict[str, Attributes] = {}
        pseudo = {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": STACK_NAME,
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._resolver = Resolver({**pseudo, **parameters}, template.conditions, self._reference, self.attribute)

    def resolve(self, value: Any) -> Any:
        """A value of the template with every reference in it worked out."""
        return self._resolver.resolve(value)

    def properties(self, resource_type: str) -> dict[str, Any]:
        """The properties of the resources of a type that the template's conditions let be, by logical id."""
        return {
            logical_id: properties
            for logical_id, properties in self._template.of_type(resource_type).items()
            if self._exists(logical_id)
        }

    def create(self) -> None:
        """Create every resource that lives in AWS and not in this process."""
        for resource_type in _CREATORS:
            for logical_id in self.properties(resource_type):
                self._reference(logical_id)

    def outputs(self) -> dict[str, str]:
        """The outputs, as CloudFormation tells them of a stack: those that the template's conditions let be."""
        return {
            name: str(self.resolve(output["Value"]))
            for name, output in self._template.outputs.items()
            if self._holds(output.get("Condition"))
        }

    def attribute(self, logical_id: str, name: str) -> str:
        """`Fn::GetAtt` of a resource, which is created if it was not."""
        try:
            return self._known(logical_id)[name]
        except KeyError:
            raise IntrinsicError(f"The local stack does not know {logical_id}.{name}.") from None

    def _reference(self, logical_id: str) -> str:
        return self.attribute(logical_id, "Ref")

    def _exists(self, logical_id: str) -> bool:
        return self._holds(self._template.resources[logical_id].get("Condition"))

    def _holds(self, condition: str | None) -> bool:
        return condition is None or self._resolver.holds(condition)

    def _known(self, logical_id: str) -> Attributes:
        if logical_id not in self._attributes:
            resource = self._template.resources[logical_id]
            create = _CREATORS.get(resource["Type"], _named_only)
            properties = resource.get("Properties", {}) if create is not _named_only else {}
            self._attributes[logical_id] = create(self._aws, logical_id, self.resolve(properties))
        return self._attributes[logical_id]


def _queue(aws: LocalAws, logical_id: str, properties: Mapping[str, Any]) -> Attributes:
    attributes = {name: _attribute_text(value) for name, value in properties.items()}
    name = f"{STACK_NAME}-{logical_id}" + (".fifo" if attributes.get("FifoQueue") == "true" else "")
    client = aws.client("sqs")
    url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {"Ref": url, "Arn": arn, "QueueName": name}


def _secret(aws: LocalAws, logical_id: str, properties: Mapping[str, Any]) -> Attributes:
    arn = aws.client("secretsmanager").create_secret(
        Name=f"{STACK_NAME}-{logical_id}",
        Description=properties.get("Description", ""),
        SecretString=properties.get("SecretString") or _generated(properties["GenerateSecretString"]),
    )["ARN"]
    return {"Ref": arn, "Id": arn}


def _generated(wanted: Mapping[str, Any]) -> str:
    """A secret that CloudFormation would make up."""
    return "".join(choice(ascii_letters + digits) for _ in range(int(wanted["PasswordLength"])))


def _topic(aws: LocalAws, logical_id: str, properties: Mapping[str, Any]) -> Attributes:
    arn = aws.client("sns").create_topic(Name=f"{STACK_NAME}-{logical_id}")["TopicArn"]
    return {"Ref": arn, "TopicArn": arn}


def _bucket(aws: LocalAws, logical_id: str, properties: Mapping[str, Any]) -> Attributes:
    name = f"{STACK_NAME}-{logical_id}".lower()
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return {"Ref": name, "Arn": f"arn:aws:s3:::{name}"}


def _named_only(aws: LocalAws, logical_id: str, properties: Mapping[str, Any]) -> Attributes:
    """What runs in this process, or nowhere on this machine: it has a name that others may refer to."""
    name = f"{STACK_NAME}-{logical_id}"
    return {"Ref": name, "Arn": f"arn:aws:local:{REGION}:{ACCOUNT_ID}:{name}"}


def _attribute_text(value: Any) -> str:
    """A queue's property as the SQS API takes it: text, and JSON where CloudFormation has an object."""
    if isinstance(value, Mapping):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


_CREATORS: Mapping[str, Callable[[LocalAws, str, Mapping[str, Any]], Attributes]] = {
    "AWS::SQS::Queue": _queue,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::SNS::Topic": _topic,
    "AWS::S3::Bucket": _bucket,
}
