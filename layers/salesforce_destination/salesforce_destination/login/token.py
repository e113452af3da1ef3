"""
The access token: short-lived, written by the refresh function alone, read by all others.

The others know a token only by its fingerprint when they speak about it, so that neither a queue nor a log ever holds
what could be used to call Salesforce.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

FINGERPRINT_LENGTH = 16
NEW_SECONDS = 600.0

MOST_LOG_INS = 3
LOG_IN_EVERY_SECONDS = 600.0


def counted_log_in(paid_until: object, now: float) -> float | None:
    """
    Count a log-in: until when log-ins are paid for now, to be handed in the next time; None where it has to wait.

    Each costs ten minutes, and three may be had in advance: no ten minutes see a fourth. Those that go on failing come
    once in ten minutes, as often as Secrets Manager forgets a version.
    """
    longest = now + MOST_LOG_INS * LOG_IN_EVERY_SECONDS
    paid = paid_until if isinstance(paid_until, int | float) and now < paid_until <= longest else now
    until = paid + LOG_IN_EVERY_SECONDS
    return until if until <= longest else None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """
    A token that Salesforce gave, and the server it is for.

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
    def from_secret(cls, text: str) -> AccessToken | None:
        """
        Read the access-token secret; None where it holds no token.

        A secret that was never written, or that somebody wrote something else into, is no token yet: the next refresh
        writes over it, so there is nothing for a person to mend.
        """
        secret = parse_object(text) or {}
        value, instance_url, issued_at = (secret.get(key) for key in ("access_token", "instance_url", "issued_at"))
        if not is_sendable(value) or not is_sendable(instance_url):
            return None
        return cls(value, instance_url, issued_at if isinstance(issued_at, str) else "")


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
