"""What happens to people, and the messages that tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

AUDIENCES: Mapping[str, tuple[str, str]] = {
    "7841ba61-23c1-4bb3-a495-00d3g5fe1e93": ("CDP_Loyal__c", "CDP_Loyal_Since__c"),
    "59bd2fkd-3c48-4b18-bf56-4f5c5e6967ae": ("CDP_Newsletter__c", "CDP_Newsletter_Since__c"),
    "947c1c46-008d-40b0-92ec-3af86eaf41c1": ("CDP_Trial__c", "CDP_Trial_Since__c"),
}
"""The audiences of chaos.toml: the field of the status and the field of its time."""

ORDERING_FIELD = "CDP_Event_Time__c"


class TimeFrom(StrEnum):
    """Where a message says when its event happened."""

    BODY = "body"
    ATTRIBUTE = "attribute"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Membership:
    """The status in one audience, and since when (ms)."""

    status: str
    since: int


@dataclass(frozen=True, slots=True)
class Event:
    """
    One message to come: whose, when it happened (ms), when it is sent (s), what it says.

    `code` is the one its dead letter has to carry, empty for a good message. An event that `rides` is in the body of
    another, a message with several profiles, and not sent by itself.
    """

    number: int
    person: int
    happened_at: int
    send_at: float
    body: str
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    memberships: Mapping[str, Membership] = field(default_factory=dict)
    code: str = ""
    copies: tuple[float, ...] = ()
    rides: bool = False
