"""What becomes of a profile, and of the message that held it.

Every message ends as delivered, superseded or skipped (SQS deletes it), as rejected (it goes to the dead-letter queue
with its reason), or as deferred (SQS delivers it again later). A message with several profiles has the worst outcome
among them, and waits as long as one of them has to: the others are written again, which does no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from salesforce_destination.errors import DestinationError


@dataclass(frozen=True, slots=True)
class WaitingParts:
    """The members and rows of a message that are not written, though its persons are.

    `names` are by the number of the profile; `sent_at` is when the message was first sent, in ms; `attempts` counts the
    deliveries so far.
    """

    names: Mapping[int, tuple[str, ...]] = field(repr=False)
    sent_at: int
    attempts: int


@dataclass(slots=True)
class Message:
    """One message of a batch; a redriven one is new to SQS, and knows which one the sender sent."""

    id: str
    receipt_handle: str = field(repr=False)
    body: str = field(repr=False)
    sent_at: int  # SQS's SentTimestamp, in ms
    receive_count: int = 1  # 1 at the first delivery
    event_time: str | None = None  # the attribute EventTime as it came
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)  # in the shape of the SQS API
    first_received_at: int | None = None  # in ms, where that is known
    original_id: str = ""  # of the message that the sender sent, where this one is redriven
    first_sent_at: int | None = None  # of the same
    parts: WaitingParts | None = None  # what alone is to be written of it
    is_memberships: bool = False  # whether a command wrote it: an identity and memberships, and no profile

    @property
    def attempts(self) -> int:
        """How often it was delivered, with the times before it became a message of the function's own."""
        return self.receive_count + (self.parts.attempts if self.parts else 0)

    @property
    def waits_since(self) -> int:
        """When it was sent, in ms; of one with parts, when the message was that they are left of."""
        return self.parts.sent_at if self.parts else self.sent_at


class OutcomeKind(StrEnum):
    """What became of a profile, or of a message. The best first."""

    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    DEFERRED = "deferred"


class Wait(StrEnum):
    """How long a deferred message waits before it is tried again."""

    BACKOFF = "backoff"  # exponential with full jitter: a row lock, an outage, a broken connection
    UNKNOWN = "unknown"  # at least ten minutes: a composite request that went out may still run for so long
    DAILY_LIMIT = "daily_limit"  # thirty to sixty minutes: the org's API calls come back as the rolling 24 hours pass
    UNTIL_MENDED = "until_mended"  # fifteen to thirty minutes: a person has to mend the org or the destination file
    ORG_LIMIT = "org_limit"  # the same, though nobody has to: a limit of the whole org passes by itself
    COMMON_CAUSE = "common_cause"  # the same, and a day at the most: the org may refuse all alike, or this one alone


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was not written: a code for programs, a text for the person who reads the dead letter.

    The text may echo a profile's values, as Salesforce's texts do. So it goes to the dead-letter queue, which holds the
    profile anyway, and never into a log, a metric or a repr.
    """

    code: str
    text: str = field(default="", repr=False)
    fields: tuple[str, ...] = ()


class ProfileRefusedError(DestinationError):
    """A profile can never be written as it is. Its message goes to the dead-letter queue with the reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one profile (or one whole message), why, and for a deferred one how long it waits."""

    kind: OutcomeKind
    reason: Reason | None = None
    wait: Wait = Wait.BACKOFF


@dataclass(slots=True)
class Delivery:
    """What became of one message, and before it was given up; `failed_profiles` are the places of those not written.

    Where all persons of a message are written, `parts` are what is left of it, and `parts_outcome` says why they wait.
    """

    message: Message
    outcome: Outcome
    event_time: int | None = None
    failed_profiles: tuple[int, ...] = ()
    profiles: int = 0
    before_giving_up: Outcome | None = None
    parts: WaitingParts | None = None
    parts_outcome: Outcome | None = None


DELIVERED = Outcome(OutcomeKind.DELIVERED)
SKIPPED = Outcome(OutcomeKind.SKIPPED)
SUPERSEDED = Outcome(OutcomeKind.SUPERSEDED)
SUPPRESSED = Outcome(OutcomeKind.SKIPPED, Reason("SUPPRESSED"))

NOT_WRITTEN = (OutcomeKind.REJECTED, OutcomeKind.DEFERRED)

_WORST_LAST = tuple(OutcomeKind)
_LONGEST_LAST = (Wait.BACKOFF, Wait.UNKNOWN, Wait.COMMON_CAUSE, Wait.UNTIL_MENDED, Wait.ORG_LIMIT, Wait.DAILY_LIMIT)


def rejected(code: str, text: str = "", fields: tuple[str, ...] = ()) -> Outcome:
    """The outcome of what can never succeed."""
    return Outcome(OutcomeKind.REJECTED, Reason(code, text, fields))


def deferred(code: str, wait: Wait = Wait.BACKOFF, text: str = "") -> Outcome:
    """The outcome of what may succeed later."""
    return Outcome(OutcomeKind.DEFERRED, Reason(code, text), wait)


def missing_in_org(fields: Iterable[str]) -> Outcome:
    """The outcome of what was written but for fields that the org has not, or does not let the user write."""
    names = tuple(sorted(fields))
    text = f"{', '.join(names)}: not in the org, or not for the integration user to write. The rest was written."
    return Outcome(OutcomeKind.DEFERRED, Reason("FIELD_MISSING_IN_ORG", text, names), Wait.UNTIL_MENDED)


def worst(outcomes: Collection[Outcome]) -> Outcome:
    """The outcome of a message with these profiles: deferred, else rejected, else the rest; the longest wait first."""
    if len(outcomes) == 1:
        return next(iter(outcomes))
    return max(outcomes, key=lambda outcome: (_WORST_LAST.index(outcome.kind), _LONGEST_LAST.index(outcome.wait)))
