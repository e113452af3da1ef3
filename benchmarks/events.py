"""The profiles that all contenders get: events of a queue as Lambda hands them over, in a file, one to a line."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from destination_testbench.demo import profiles as demo

Json = Any

MESSAGES_PER_EVENT = 1_000
WARM_UP = 10
"""Profiles before the measured ones, so that start-up, the log-in and the connection are not measured."""

SYLLABLES = ("ma", "ren", "to", "kow", "li", "bra", "sen", "ob", "ja", "ters", "vi", "ki", "hau", "ser", "ri", "dal")
NOW_MS = int(time.time() * 1000)
"""When all messages were sent: an older one that is deferred would be given up."""

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
FOLDER = Path(__file__).parent / "destinations"
SHIPPED = Path(__file__).parents[1] / "layers" / "destinations" / "contacts.toml"


class Variant(StrEnum):
    """What the profiles, the destination file or the org are like; CASES describes each."""

    PLAIN = "plain"
    WIDE = "wide"
    TLS = "tls"
    SINCE_REPEATED = "since-repeated"
    SINCE_UNIQUE = "since-unique"
    ABSENT = "absent"
    WRAPPED = "wrapped"
    NO_NAMESPACE = "no-namespace"
    JMESPATH = "jmespath"
    PREFIXED = "prefixed"
    SEVERAL_PROFILES = "several-profiles"
    SEVERAL_IDENTITIES = "several-identities"
    ONLY_IF = "only-if"
    ORDERING = "ordering"
    REFUSED = "refused"
    DEFERRED = "deferred"

    @property
    def destination_file(self) -> Path:
        """The file that maps these profiles."""
        name = CASES[self].file
        return FOLDER / f"{name}.toml" if name else SHIPPED

    @property
    def is_wide(self) -> bool:
        """Whether the profiles have 25 audiences."""
        return Variant.WIDE in (self, CASES[self].base)

    @property
    def audiences(self) -> Mapping[str, str]:
        """The fields of the audiences, in the order of the destination file."""
        return WIDE_AUDIENCES if self.is_wide else demo.AUDIENCES


def _same(profile: Json, number: int) -> Json:
    return profile


def _unique_times(profile: Json, number: int) -> Json:
    for place, membership in enumerate(profile["segmentMembership"]["ups"].values()):
        moment = NEW_YEAR + timedelta(seconds=number * len(WIDE_AUDIENCES) + place)
        membership["lastQualificationTime"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return profile


def _wrapped(profile: Json, number: int) -> Json:
    for attributes in (profile["person"]["name"], profile["personalEmail"]):
        attributes.update({name: {"value": value} for name, value in attributes.items()})
    return profile


def _prefixed(profile: Json, number: int) -> Json:
    inner = ("person", "name", "personalEmail")
    return {f"xdm:{key}": _prefixed(value, number) if key in inner else value for key, value in profile.items()}


def _second_identity(profile: Json, number: int) -> Json:
    profile["identityMap"]["crmID"].insert(0, {"id": contact_id(number + 1), "primary": False})
    return profile


@dataclass(frozen=True, slots=True)
class Case:
    """A variant in words, its destination file where it is not the shipped one, and how its profiles differ.

    It is set beside `base`, which has the same profiles but for that; `items` of a profile make the difference.
    """

    title: str
    file: str = ""
    change: Callable[[Json, int], Json] = _same
    base: Variant = Variant.PLAIN
    items: int = 1
    target_us: float | None = None
    profiles_per_message: int = 1
    error: str = ""


CASES: Mapping[Variant, Case] = {
    Variant.PLAIN: Case("3 audiences of 4 are mapped"),
    Variant.WIDE: Case("25 audiences", "wide"),
    Variant.TLS: Case("TLS"),
    Variant.SINCE_REPEATED: Case("`since_field`, times repeat", "since", _same, Variant.WIDE, 25, 1.5),
    Variant.SINCE_UNIQUE: Case("`since_field`, no time repeats", "since", _unique_times, Variant.WIDE, 25, 3.0),
    Variant.ABSENT: Case("mapped attribute is absent", "absent", items=25, target_us=0.3),
    Variant.WRAPPED: Case('attribute as `{"value": x}`', change=_wrapped, items=3),
    Variant.NO_NAMESPACE: Case("audience without namespace", "no-namespace", _same, Variant.WIDE, 25),
    Variant.JMESPATH: Case("source in JMESPath", "jmespath", items=3),
    Variant.PREFIXED: Case("body with `xdm:`", change=_prefixed),
    Variant.SEVERAL_PROFILES: Case("10 profiles in a message", profiles_per_message=10),
    Variant.SEVERAL_IDENTITIES: Case("primary identity second", change=_second_identity),
    Variant.ONLY_IF: Case("`only_if`", "only-if"),
    Variant.ORDERING: Case("`[ordering]` field", "ordering"),
    Variant.REFUSED: Case("Salesforce refuses every record", error="STRING_TOO_LONG"),
    Variant.DEFERRED: Case("every record is locked", error="UNABLE_TO_LOCK_ROW"),
}
CORNERS = tuple(
    variant for variant in CASES if variant not in (Variant.PLAIN, Variant.WIDE) and not CASES[variant].error
)
BAD_DAYS = (Variant.REFUSED, Variant.DEFERRED)


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
    if variant.is_wide:
        made["segmentMembership"] = {"ups": dict(_memberships(number))}
    return CASES[variant].change(made, number)


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


def event(first: int, profiles: int, variant: Variant) -> Json:
    """The event of so many profiles, from the nth on."""
    step = CASES[variant].profiles_per_message
    return {"Records": [sqs_record(number, variant) for number in range(first, first + profiles, step)]}


def sqs_record(number: int, variant: Variant) -> Json:
    """One message, with everything that SQS tells of it."""
    several = CASES[variant].profiles_per_message
    found = [profile(each, variant) for each in range(number, number + several)]
    document = found[0] if several == 1 else {"profiles": found}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
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


def write_events(file: Path, profiles: int, variant: Variant, batch: int = MESSAGES_PER_EVENT) -> None:
    """Write the event of the warm-up, then those of the profiles, so many profiles to an event."""
    with file.open("w", encoding="utf-8") as lines:
        for first, some in _parts(profiles, batch):
            json.dump(event(first, some, variant), lines, ensure_ascii=False, separators=(",", ":"))
            lines.write("\n")


def _parts(profiles: int, batch: int) -> Iterator[tuple[int, int]]:
    yield 140_001, WARM_UP
    for first in range(0, profiles, batch):
        yield first + 1, min(batch, profiles - first)
