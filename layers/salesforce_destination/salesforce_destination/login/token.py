"""The access token: short-lived, written by the refresh function alone, read by all others; and the wish for another.

A queue and a log know a token only by its fingerprint: neither ever holds what could be used to call Salesforce.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self, TypeGuard

FINGERPRINT_LENGTH = 16
NEW_SECONDS = 600.0
MOST_LOG_INS, LOG_IN_EVERY_SECONDS = 3, 600.0

MESSAGE_GROUP = "refresh"
"""One group for all: a FIFO queue hands out one message of a group at a time, so that one refresh runs at a time."""


def counted_log_in(paid_until: object, now: float) -> float | None:
    """Count a log-in: until when log-ins are paid for now, to be handed in the next time; None where it has to wait.

    Each costs ten minutes, and three may be had in advance; those that go on failing come once in ten minutes.
    """
    longest = now + MOST_LOG_INS * LOG_IN_EVERY_SECONDS
    paid = paid_until if isinstance(paid_until, int | float) and now < paid_until <= longest else now
    until = paid + LOG_IN_EVERY_SECONDS
    return until if until <= longest else None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that Salesforce gave, and the server it is for.

    `issued_at` is Salesforce's own text (epoch milliseconds). When the token ends is unknown: an answer of the token
    endpoint has no `expires_in`, and each call prolongs the session. So a token is good until it is refused.
    """

    value: str = field(repr=False)
    instance_url: str
    issued_at: str = ""

    @property
    def fingerprint(self) -> str:
        """Names this token without giving it away."""
        return hashlib.sha256(self.value.encode()).hexdigest()[:FINGERPRINT_LENGTH]

    @property
    def issued_at_ms(self) -> int | None:
        """When Salesforce issued it, by its own clock; None where that is not known."""
        return int(self.issued_at) if self.issued_at.isascii() and self.issued_at.isdigit() else None

    def is_new(self, now: float) -> bool:
        """Tell whether it is younger than ten minutes: too young to have ended by itself."""
        return self.issued_at_ms is not None and now - self.issued_at_ms / 1000 < NEW_SECONDS

    def to_secret(self, **beside: float) -> str:
        """The text of the access-token secret, with what the refresh function notes beside the token."""
        token = {"access_token": self.value, "instance_url": self.instance_url, "issued_at": self.issued_at}
        return json.dumps({**token, **beside})

    @classmethod
    def from_secret(cls, text: str) -> Self | None:
        """Read the access-token secret; None where it holds no token: the next refresh writes over what it holds."""
        secret = parse_object(text) or {}
        value, instance_url, issued_at = (secret.get(key) for key in ("access_token", "instance_url", "issued_at"))
        if not is_sendable(value) or not is_sendable(instance_url):
            return None
        return cls(value, instance_url, issued_at if isinstance(issued_at, str) else "")


class RefreshReason(StrEnum):
    """Why another token is wanted."""

    SCHEDULE = "schedule"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """What the refresh queue carries; `refused` is the fingerprint of the refused token, None where there was none.

    By that name a hundred refusals are one log-in: SQS drops messages that name the same token within five minutes.
    """

    reason: RefreshReason
    refused: str | None = None

    @classmethod
    def after_refusal(cls, refused: AccessToken | None) -> Self:
        """What a function sends whose token was refused, or that found none."""
        return cls(RefreshReason.REFUSED, refused.fingerprint if refused else None)

    @classmethod
    def from_body(cls, body: str) -> Self | None:
        """Read a message; None where it is not one of ours. Such a message must not hold up the queue behind it."""
        message = parse_object(body) or {}
        reason, refused = message.get("reason"), message.get("refused")
        is_name = isinstance(refused, str) and re.fullmatch(rf"[0-9a-f]{{{FINGERPRINT_LENGTH}}}", refused)
        if reason not in list(RefreshReason) or not (is_name or refused is None):
            return None
        return cls(RefreshReason(reason), refused)

    @property
    def body(self) -> str:
        """The message as it is sent."""
        return json.dumps({"reason": self.reason, "refused": self.refused})

    @property
    def deduplication_id(self) -> str:
        """The same for everybody whom Salesforce refused the same token."""
        return self.refused or "none"

    def is_met_by(self, stored: AccessToken | None) -> bool:
        """Tell whether another token is stored already. The schedule wants a new one all the same."""
        return self.reason is RefreshReason.REFUSED and stored is not None and stored.fingerprint != self.refused


def parse_object(text: str | bytes) -> Mapping[str, Any] | None:
    """Read a JSON object; None for all else, and no exception: a JSONDecodeError carries the text, a secret."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def is_unfilled(text: str) -> bool:
    """Tell whether a secret is as CloudFormation made it."""
    return text.strip() in ("", "{}")


def is_sendable(value: object) -> TypeGuard[str]:
    """Tell whether this may stand in a header, which requests else refuses by an exception that shows it."""
    return isinstance(value, str) and value != "" and all("!" <= character <= "~" for character in value)
