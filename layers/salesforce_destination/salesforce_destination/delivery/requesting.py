"""
Sending attempts as composite requests of the size that suits the org, until something says to stop.

After a failure of a whole request the rest of the batch is not sent: an outage does not end within one invocation, and
a spent limit is not to be asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.org import Org
from salesforce_destination.delivery.packing import collections_of
from salesforce_destination.delivery.refusal import outcome_of_failure
from salesforce_destination.delivery.tally import Tally
from salesforce_destination.errors import BadRequestError, DailyLimitError, DestinationError, OutcomeUnknownError
from salesforce_destination.outcome import Outcome, Wait, deferred
from salesforce_destination.record.composite import CollectionReply, RecordErrors

LOCKED = "UNABLE_TO_LOCK_ROW"


@dataclass(slots=True)
class Answer:
    """What came back for one attempt, which shared its collection with `collection_size` records."""

    attempt: Attempt
    result: RecordErrors | Outcome | BadRequestError
    collection_size: int


@dataclass(slots=True)
class Requesting:
    """Sends the attempts of one batch; `stopped` is the outcome of whatever is not sent any more."""

    org: Org
    memory: Memory
    api_usage_ceiling_percent: float
    tally: Tally
    stopped: Outcome | None = None

    def __post_init__(self) -> None:
        if self.memory.is_limit_spent():
            self.stopped = deferred("REQUEST_LIMIT_EXCEEDED", Wait.DAILY_LIMIT)

    def send(self, attempts: Sequence[Attempt]) -> Iterator[Answer]:
        """Send attempts and give the answer for each of them."""
        waiting = collections_of(attempts)
        while waiting:
            size = self.memory.collections_per_request
            request, waiting = waiting[:size], waiting[size:]
            for collection, reply in zip(request, self._replies(request), strict=True):
                yield from _answers(collection, reply)

    def _replies(self, request: Sequence[list[Attempt]]) -> Sequence[CollectionReply | Outcome]:
        if self.stopped is not None:
            return [self.stopped] * len(request)
        started = self.memory.clock()
        try:
            replies = self._sent(request, started)
        except BadRequestError as error:
            self._mind_the_ceiling()
            # Which of the collections is to blame is not said: each is sent for itself.
            if len(request) == 1:
                return [error]
            return [reply for collection in request for reply in self._replies([collection])]
        except DestinationError as error:
            self._note_failure(error, self.memory.clock() - started)
            return [outcome_of_failure(error, was_sent=True)] * len(request)
        self.memory.note_call(self.memory.clock() - started, trouble=any(map(_is_locked, replies)))
        self._mind_the_ceiling()
        return replies

    def _sent(self, request: Sequence[list[Attempt]], started: float) -> Sequence[CollectionReply]:
        try:
            return self.org.send([[attempt.record for attempt in collection] for collection in request])
        finally:
            self.tally.note_request(self.memory.clock() - started)

    def _note_failure(self, error: DestinationError, seconds: float) -> None:
        self.stopped = outcome_of_failure(error, was_sent=False)
        if isinstance(error, DailyLimitError):
            self.memory.note_limit_spent()
        elif isinstance(error, OutcomeUnknownError):
            self.memory.note_call(seconds, trouble=True)

    def _mind_the_ceiling(self) -> None:
        usage = self.org.api_usage_percent()
        if usage is not None and usage >= self.api_usage_ceiling_percent:
            self.memory.note_limit_spent()
            self.stopped = deferred("API_USAGE_CEILING", Wait.DAILY_LIMIT)


def _answers(collection: Sequence[Attempt], reply: CollectionReply | Outcome) -> Iterator[Answer]:
    if isinstance(reply, BadRequestError | Outcome):
        yield from (Answer(attempt, reply, len(collection)) for attempt in collection)
    elif isinstance(reply, DestinationError):
        outcome = outcome_of_failure(reply, was_sent=True)
        yield from (Answer(attempt, outcome, len(collection)) for attempt in collection)
    else:
        for attempt, errors in zip(collection, reply, strict=True):
            yield Answer(attempt, errors, len(collection))


def _is_locked(reply: CollectionReply) -> bool:
    return not isinstance(reply, DestinationError) and any(e.code == LOCKED for errors in reply for e in errors)
