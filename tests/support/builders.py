"""Small builders: each makes a valid thing, and a test names only what it is about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from salesforce_destination.aws.sqs_queue import CALLS_AT_ONCE
from salesforce_destination.destination.destination import Destination, read_destination
from salesforce_destination.outcome import Message
from salesforce_destination.record.record import Update, to_18

SENT_AT = 1_700_000_000_000
"""When the builders' messages were sent: 2023-11-14T22:13:20Z."""

LOYAL = "7841ba61-23c1-4bb3-a495-00d3g5fe1e93"

CONTACTS = f"""
name = "Contacts"
salesforce_object = "Contact"

[identity]
source = "identityMap.crmID[0].id"
target = "SalesforceId"

[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = true
max_length = 80

[[mappings]]
source = "person.name.firstName"
target = "FirstName"
max_length = 40

[[mappings]]
source = "personalEmail.address"
target = "Email"

[[audiences]]
id = "{LOYAL}"
mapping_id = "CDP_Loyal__c"
"""

CHECKED_PEOPLE = """
name = "People"
salesforce_object = ["Contact", "Lead"]

[[identity]]
source = "identityMap.crmID[0].id"
target = "SalesforceId"

[[identity]]
source = "lower(email)"
target = "CDP_Customer_Id__c"
create_missing = "Lead"

[[mappings]]
source = "surname"
target = "LastName"
required = true

[[mappings]]
source = "company"
target = "Company"
required = true
objects = ["Lead"]

[[mappings]]
source = "b2b.number"
target = "Account.CDP_Customer__c"
objects = ["Contact"]

[[audiences]]
id = "loyal"
mapping_id = "CDP_Loyal__c"
"""
"""Contacts and leads by two rules, who become leads, with a parent for contacts."""


def a_queue(
    client: Any, seconds_left: Callable[[], float] = lambda: 60.0, calls_at_once: int = CALLS_AT_ONCE
) -> tuple[Callable[[], Any], Callable[[], float], int, str]:
    """What an SqsQueue is made of, with this client."""
    return (lambda: client), seconds_left, calls_at_once, "url"


def a_destination(text: str = CONTACTS, more: str = "") -> Destination:
    return read_destination(text + more)


def an_id(number: int = 1, prefix: str = "003") -> str:
    record_id = to_18(f"{prefix}Ab0000{number:06d}")
    assert record_id is not None
    return record_id


def a_profile(
    number: int = 1,
    *,
    last_name: str | None = "Okafor",
    first_name: str | None = None,
    email: str | None = None,
    statuses: Mapping[str, str] | None = None,
    crm_id: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    names = {"lastName": last_name, "firstName": first_name}
    profile: dict[str, Any] = {
        "identityMap": {"crmID": [{"id": crm_id or an_id(number)}]},
        "person": {"name": {key: name for key, name in names.items() if name is not None}},
    }
    if email is not None:
        profile["personalEmail"] = {"address": email}
    if statuses:
        profile["segmentMembership"] = {
            "ups": {audience: a_membership(status) for audience, status in statuses.items()}
        }
    return profile | more


def a_membership(status: str = "realized", since: str = "2022-01-11T21:24:39Z") -> dict[str, str]:
    return {"status": status, "lastQualificationTime": since}


def a_message(body: Any = None, *, number: int = 1, sent_at: int = SENT_AT, **more: Any) -> Message:
    text = body if isinstance(body, str) else json.dumps(a_profile(number) if body is None else body)
    return Message(id=f"message-{number}", receipt_handle=f"handle-{number}", body=text, sent_at=sent_at, **more)


def an_update(
    key: str = "a", event_time: int = SENT_AT, message: int = 0, times: Mapping[str, int] | None = None, **fields: Any
) -> Update:
    return Update(message, 0, key, key, fields, event_time, times or {})


def an_sqs_record(message: Message) -> dict[str, Any]:
    """The shape in which Lambda's event source mapping hands a message over."""
    own = {} if message.event_time is None else {"EventTime": {"stringValue": message.event_time, "dataType": "Number"}}
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receive_count),
            "SentTimestamp": str(message.sent_at),
            "ApproximateFirstReceiveTimestamp": str(message.sent_at),
        },
        "messageAttributes": own,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:Queue",
        "awsRegion": "eu-west-1",
    }
