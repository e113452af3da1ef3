"""Profiles as they come: the JSON of a message's body, in every variant that producers really send.

Adobe Experience Platform, its SDK and its XDM documents differ in prefixes, in the shape of attributes and in the
spelling of namespaces. Here they become one shape, so that a destination file is written once.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from msgspec import MsgspecError
from msgspec.json import Decoder
from pydantic_core import from_json

from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.source import ABSENT, Source, plain_steps

Json = Any
Profile = dict[str, Json]

PREFIX = "xdm:"  # what producers of XDM documents may put before a key. It means nothing, and is taken off

BYTE_ORDER_MARK = "\ufeff"

_ENVELOPES = (
    ("TopicArn", "an SNS notification", "powertools_json(Message)"),
    ("detail-type", "an EventBridge event", "detail"),
    ("data_base64", "a CloudEvent in base64", "powertools_json(powertools_base64(data_base64))"),
    ("specversion", "a CloudEvent", "data"),
    ("kinesisSchemaVersion", "a Kinesis record", "powertools_json(powertools_base64(data))"),
    ("Records.kinesis", "a Kinesis event", "Records[].kinesis.powertools_json(powertools_base64(data))"),
    ("Records.Sns", "an SNS event", "Records[].Sns.powertools_json(Message)"),
    ("Records.body", "an SQS event", "Records[].powertools_json(body)"),
)
"""The key that tells an envelope, what it is, and the `profiles.select` that takes it."""

_CODES = (
    ("JSON as text", "powertools_json({})"),
    ("gzip in base64", "powertools_json(powertools_base64_gzip({}))"),
    ("JSON in base64", "powertools_json(powertools_base64({}))"),
)
_GZIP = b"\x1f\x8b"

# What may reach an identity without naming it: a wildcard, the current node, the map as a whole.
_ANY_NAME = re.compile(r"identityMap|[*@]")
_NAMESPACE = re.compile(r'\bidentityMap\.(?:"([^"\\]+)"|([A-Za-z_][A-Za-z0-9_]*))')


def read_in_part(body: str, decoder: Decoder[Profile]) -> Profile | None:
    """Read of a body's one profile what a decoder asks for; None where only the whole body tells."""
    try:
        profile = decoder.decode(body)
    except (MsgspecError, UnicodeEncodeError, RecursionError):
        return None
    spelled = profile.get("segmentMembership", ())
    for namespace in spelled:
        if namespace[:4] == PREFIX:
            return None
    # Of two spellings of one namespace the latest membership counts, whose time may not have been read.
    is_once = len(spelled) < 2 or len({namespace.casefold() for namespace in spelled}) == len(spelled)
    return profile if is_once else None


def read_body(body: str) -> Json:
    """Parse a message's body; a body that is not JSON, or nested too deep, is refused with the place."""
    try:
        value = from_json(body.removeprefix(BYTE_ORDER_MARK), allow_inf_nan=False)
    except ValueError as error:
        problem = f"The body is not JSON: {error}."
        if code := _within(body, "@"):
            problem = f"The body is {code[0]}. Put it in double quotes, and set profiles.select = '{code[1]}'."
        raise ProfileRefusedError(Reason("NOT_JSON", problem)) from None
    return _without_prefix(value) if PREFIX in body else value


def profiles_in(document: Json, select: Source | None) -> list[Profile]:
    """Find the profiles in a body: what `profiles.select` names, one profile or a list of them.

    `{"profiles": [...]}` is taken apart, bare or in an envelope, as Adobe's HTTP API destination means it.
    """
    found = select(document) if select else document
    if type(found) is dict and "profiles" not in found:
        return [found]
    if isinstance(found, dict) and isinstance(found.get("profiles"), list):
        found = found["profiles"]
    profiles = found if isinstance(found, list) else [found]
    if not profiles or found is ABSENT:
        problem = envelope_problem(document) or "profiles.select finds no profile in the body."
        raise ProfileRefusedError(Reason("NO_PROFILE", problem))
    if not all(isinstance(profile, dict) for profile in profiles):
        problem = envelope_problem(found, is_whole=select is None) or "A profile must be a JSON object."
        raise ProfileRefusedError(Reason("NO_PROFILE", problem))
    return profiles


def envelope_problem(document: Json, *, is_whole: bool = True) -> str:
    """What a document is in place of a profile and, of a whole body, what takes it; empty where that is not known."""
    found = document if isinstance(document, dict) else {}
    records = found.get("Records")
    record = records[0] if isinstance(records, list) and records else None
    names = {*found, *(f"Records.{name}" for name in record or () if isinstance(record, dict))}
    is_pointer = "S3Payload" in names or (isinstance(document, list) and str(document[:1])[-11:-2] == "S3Pointer")
    if is_pointer or "Records.s3" in names or found.get("source") == "aws.s3":
        kind = "a pointer of an SQS extended client" if is_pointer else "an S3 event"
        return f"The body is {kind}: it names an object in S3, which is not read. Send the profile itself."
    known = [row[1:] for row in _ENVELOPES if row[0] in names]
    texts = [("@", document), *((name if name.isidentifier() else f'"{name}"', found[name]) for name in found)]
    words, select = next(chain(known, filter(None, (_within(value, name) for name, value in texts))), ("", ""))
    return f"The body is {words}, not a profile. Set profiles.select = '{select}'." if words and is_whole else ""


def _within(text: Json, name: str) -> tuple[str, str] | None:
    """What code a text holds JSON in, and the JMESPath that reads what has this name."""
    for words, way in _CODES if isinstance(text, str) else ():
        with suppress(ValueError):
            raw = b64decode(text.strip(), validate=True) if "base64" in way else text
            if raw[:2] == _GZIP if "gzip" in way else isinstance(from_json(raw, allow_inf_nan=False), dict | list):
                return words, way.format(name)
    return None


def time_of_notification(body: str) -> str | None:
    """The attribute EventTime that SNS keeps in the body, without raw message delivery."""
    if '"MessageAttributes"' not in body or '"EventTime"' not in body:
        return None
    try:
        return str(from_json(body.removeprefix(BYTE_ORDER_MARK))["MessageAttributes"]["EventTime"]["Value"])
    except (ValueError, KeyError, TypeError):
        return None


class IdentitiesInOrder:
    """Spells the namespaces (of either case) as a file's sources do, and puts each one's primary identity first."""

    def __init__(self, sources: Sequence[str]) -> None:
        named = (match[1] or match[2] for source in sources for match in _NAMESPACE.finditer(source))
        self._spelled: dict[str, str] = {name.casefold(): name for name in named}
        self._names = tuple(self._spelled.values())
        self._reads_others = any(plain_steps(source) is None and _ANY_NAME.search(source) for source in sources)

    def of(self, profile: Profile) -> Profile:
        """The profile with its identities in order; the same where those that the sources name are so already."""
        identity_map = profile.get("identityMap")
        if type(identity_map) is not dict:
            return profile
        for name in self._names:
            identities = identity_map.get(name)
            if type(identities) is not list or len(identities) > 1:
                return self._in_order(profile, identity_map)
        return self._in_order(profile, identity_map) if self._reads_others else profile

    def _in_order(self, profile: Profile, identity_map: dict[str, Json]) -> Profile:
        ordered: dict[str, Json] = {}
        for name, identities in identity_map.items():
            spelled = self._spelled.get(name.casefold()) or name
            ordered.setdefault(name if spelled in identity_map else spelled, _primary_first(identities))
        return {**profile, "identityMap": ordered}


def _primary_first(identities: Json) -> Json:
    if not isinstance(identities, list) or len(identities) < 2:
        return identities
    return sorted(identities, key=lambda identity: not (isinstance(identity, dict) and identity.get("primary") is True))


def _without_prefix(value: Json) -> Json:
    if isinstance(value, dict):
        return {key.removeprefix(PREFIX): _without_prefix(inner) for key, inner in value.items()}
    return [_without_prefix(inner) for inner in value] if isinstance(value, list) else value
