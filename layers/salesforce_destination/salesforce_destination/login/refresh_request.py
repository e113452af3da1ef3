"""
What the refresh queue carries: somebody wants another access token, and why.

A refusal names the token that was refused. That is what makes a hundred refusals one log-in: SQS drops the messages
that name the same token within five minutes, and the refresh function does nothing once another token is stored.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from salesforce_destination.login.token import FINGERPRINT_LENGTH, AccessToken, parse_object

MESSAGE_GROUP = "refresh"
"""One group for all: a FIFO queue hands out one message of a group at a time, so that one refresh runs at a time."""

_FINGERPRINT = re.compile(rf"[0-9a-f]{{{FINGERPRINT_LENGTH}}}")


class RefreshReason(StrEnum):
    """Why another token is wanted."""

    SCHEDULE = "schedule"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """A wish for another access token; `refused` is the fingerprint of the refused one, None where there was none."""

    reason: RefreshReason
    refused: str | None = None

    @classmethod
    def after_refusal(cls, refused: AccessToken | None) -> RefreshRequest:
        """What a function sends whose token was refused, or that found none."""
        return cls(RefreshReason.REFUSED, refused.fingerprint if refused else None)

    @classmethod
    def from_body(cls, body: str) -> RefreshRequest | None:
        """Read a message; None where it is not one of ours. Such a message must not hold up the queue behind it."""
        message = parse_object(body) or {}
        reason, refused = message.get("reason"), message.get("refused")
        if reason not in list(RefreshReason):
            return None
        if refused is not None and not (isinstance(refused, str) and _FINGERPRINT.fullmatch(refused)):
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
