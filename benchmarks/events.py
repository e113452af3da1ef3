"""The profiles that all contenders get: events of a queue as Lambda hands them over, in a file, one to a line."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from destination_testbench.demo import profiles as demo

Json = Any

MESSAGES_PER_EVENT = 1_000
WARM_UP = 10
"""Profiles before the measured ones, so that start-up, the log-in and the connection are not measured."""

SYLLABLES = ("ma", "ren", "to", "kow", "li", "bra", "sen", "ob", "ja", "ters", "vi", "ki", "hau", "ser", "ri", "dal")
NOW_MS = 1_774_000_000_000
FOLDER = Path(__file__).parent / "destinations"
SHIPPED = Path(__file__).parents[1] / "layers" / "destinations" / "contacts.toml"


class Variant(StrEnum):
    """Three audiences of four in a message of 1.3 kB are mapped, or 25 of 25 in one of 3.2 kB."""

    PLAIN = "plain"
    WIDE = "wide"

    @property
    def destination_file(self) -> Path:
        """The file that maps these profiles."""
        return SHIPPED if self is Variant.PLAIN else FOLDER / "wide.toml"


def audience_id(number: int) -> str:
    """The nth audience of the wide variant."""
    return str(uuid.UUID(hashlib.md5(f"audience {number}".encode(), usedforsecurity=False).hexdigest()))


WIDE_AUDIENCES = {audience_id(number): f"CDP_Audience_{number:02}__c" for number in range(1, 26)}


def profile(number: int, variant: Variant) -> Json:
    """The nth profile; no two people share a name, so that compressing gains no more than it would in earnest."""
    made = demo.profile(number, contact_id(number))
    last = "".join(SYLLABLES[byte % len(SYLLABLES)] for byte in _draw(number)[:3]).capitalize()
    made["person"]["name"]["lastName"] = last
    made["personalEmail"]["address"] = f"{last}.{number}@example.com".lower()
    if variant is Variant.WIDE:
        made["segmentMembership"] = {"ups": dict(_memberships(number))}
    return made


def contact_id(number: int) -> str:
    """The id of the nth contact: orgs count them up, with gaps."""
    from destination_testbench.org.records.record_id import record_id  # brings the whole simulated org along

    return record_id("003", number * 7 + _draw(number)[0] % 7)


def _draw(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def _memberships(number: int) -> Iterator[tuple[str, Json]]:
    for place, audience in enumerate(WIDE_AUDIENCES):
        moment = f"2026-01-{1 + (number + place) % 28:02}T{number % 24:02}:24:39Z"
        status = demo.STATUSES[(number + place) % len(demo.STATUSES)]
        yield audience, {"lastQualificationTime": moment, "status": status}


def event(first: int, messages: int, variant: Variant) -> Json:
    """The event of so many messages, from the nth profile on."""
    return {"Records": [sqs_record(number, variant) for number in range(first, first + messages)]}


def sqs_record(number: int, variant: Variant) -> Json:
    """One message, with everything that SQS tells of it."""
    body = json.dumps(profile(number, variant), ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
    return {
        "messageId": str(uuid.UUID(int=number)),
        "receiptHandle": (digest * 12)[:380],
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(NOW_MS + number),
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": str(NOW_MS + number + 5),
        },
        "messageAttributes": {},
        "md5OfBody": digest,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:queue",
        "awsRegion": "eu-west-1",
    }


def write_events(file: Path, profiles: int, variant: Variant) -> None:
    """Write the event of the warm-up, then those of the profiles."""
    with file.open("w", encoding="utf-8") as lines:
        for first, messages in _parts(profiles):
            json.dump(event(first, messages, variant), lines, ensure_ascii=False, separators=(",", ":"))
            lines.write("\n")


def _parts(profiles: int) -> Iterator[tuple[int, int]]:
    yield 140_001, WARM_UP
    for first in range(0, profiles, MESSAGES_PER_EVENT):
        yield first + 1, min(MESSAGES_PER_EVENT, profiles - first)
