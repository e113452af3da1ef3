"""SQS's query protocol, in which API Gateway speaks to a queue, on the local AWS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from destination_testbench.aws.front_door import FromQueue, ToQueue
from destination_testbench.local.places import REGION


@dataclass(frozen=True, slots=True)
class QueueQuery:
    """Sends what the gateway would send to SQS to the SQS at this URL, signed as the gateway signs it."""

    url: str

    def __call__(self, request: ToQueue) -> FromQueue:
        """SQS's answer, in JSON as it gives it to API Gateway; moto knows XML only."""
        signed = AWSRequest("POST", self.url + request.path, request.headers, request.body.encode("utf-8"))
        SigV4Auth(Credentials("local", "local"), "sqs", REGION).add_auth(signed)
        reply = requests.post(signed.url, signed.data, headers=dict(signed.headers), timeout=10)
        # From moto in this process or on this machine.
        root = ElementTree.fromstring(reply.content)  # noqa: S314  # nosec B314
        document = {_name(root): _value(root)} if _name(root).endswith("Response") else _value(root)
        if _name(root) == "ErrorResponse":
            document = document["ErrorResponse"]
        return FromQueue(reply.status_code, json.dumps(document))


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: ElementTree.Element) -> Any:
    return {_name(child): _value(child) for child in element} if len(element) else (element.text or "").strip()
