"""Sending the update of a record that is not there any more to the one that took its place, where the file wants it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.delivery.org import Org
from salesforce_destination.delivery.refusal import Again, outcome_of_failure
from salesforce_destination.errors import DestinationError
from salesforce_destination.outcome import Outcome, Reason, rejected
from salesforce_destination.record.record import Record, moved
from salesforce_destination.record.successor import Move, Successor

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination


@dataclass(frozen=True, slots=True)
class Following:
    """Follows the records of one batch, `records` by their keys."""

    destination: Destination
    org: Org
    records: Mapping[str, Record]

    def follow(self, move: Move, gone: Sequence[tuple[Attempt, Outcome]]) -> Iterator[tuple[Attempt, Outcome | Again]]:
        """Say for each of these what follows; its outcome is the one of a record without successor."""
        try:
            successors = self.org.find(move, [attempt.record for attempt, _ in gone])
        except DestinationError as error:
            yield from ((attempt, outcome_of_failure(error, was_sent=False)) for attempt, _ in gone)
            return
        found: dict[str, Attempt] = {}
        origins: dict[str, Attempt] = {}
        for attempt, outcome in gone:
            successor = successors.get(attempt.record.key)
            if successor is None:
                yield attempt, outcome
            elif move is Move.MERGED and self.destination.merged_records == "reject":
                yield attempt, _named(outcome, successor)
            else:
                other = found.get(successor.record_id)
                found[successor.record_id] = self._moved(attempt, successor, other)
                origins.setdefault(successor.record_id, attempt)
        yield from ((origins[record_id], Again(attempt)) for record_id, attempt in found.items())

    def _moved(self, attempt: Attempt, successor: Successor, other: Attempt | None) -> Attempt:
        """The attempt at its successor; two records that were merged into the same one become one there."""
        own = self.records.get(successor.record_id)
        others = other.record.updates if other else own.updates if own else ()
        record = moved(attempt.record, successor.sobject, successor.record_id, others)
        unknown = record.fields.keys() - successor.writable if successor.writable is not None else ()
        return replace(attempt, record=record.without(unknown), not_there=frozenset(unknown))


def _named(outcome: Outcome, successor: Successor) -> Outcome:
    reason = outcome.reason or Reason("")
    text = f"{reason.text} The record was merged into {successor.record_id}.".strip()
    return rejected("RECORD_MERGED", text, reason.fields)
