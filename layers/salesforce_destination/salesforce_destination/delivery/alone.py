"""
How far halving goes: once records fail alone, one after the other, it is not one of them that the others suffered from.

A request that Salesforce refuses without saying why, or a trigger that always runs into its limit, would otherwise cost
two calls for each record of the batch, again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.delivery.commonness import FROM_RECORDS
from salesforce_destination.delivery.refusal import Again, Decision
from salesforce_destination.outcome import Outcome, OutcomeKind, Reason, Wait, deferred

COLLECTIONS_PROBED = 5


@dataclass(slots=True)
class Alone:
    """What became of the records of one batch that were sent alone."""

    written: int = 0
    halved: bool = False
    refused: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def note_written(self, collection_size: int) -> None:
        """Count a record that was written; alone it counts against a common cause."""
        self.written += collection_size == 1

    def probed(self, pending: Sequence[Attempt]) -> tuple[Sequence[Attempt], Sequence[Attempt]]:
        """
        What to send now, and what to hold back until that is known.

        Halving goes down in a few collections first: what is found out there spares the others the way.
        """
        if not self.halved:
            return pending, ()
        least = min(attempt.most for attempt in pending)
        smallest = [attempt for attempt in pending if attempt.most == least]
        now = smallest[: least * COLLECTIONS_PROBED]
        chosen = set(map(id, now))
        return now, [attempt for attempt in pending if id(attempt) not in chosen]

    def considered(self, attempt: Attempt, decision: Decision, collection_size: int) -> Decision:
        """The decision on a refused record, but for one that would only be halved into the same refusal again."""
        if isinstance(decision, Outcome) and decision.kind is OutcomeKind.REJECTED and collection_size == 1:
            code = (decision.reason or Reason("")).code
            self.refused.setdefault(code, set()).add(attempt.record.key)
        is_split = isinstance(decision, Again) and decision.attempt.most < attempt.most
        self.halved = self.halved or is_split
        if is_split and (code := self._common()):
            return deferred(code, Wait.UNTIL_MENDED, "Records fail one by one; the rest was not tried.")
        return decision

    def not_theirs(self, outcome: Outcome) -> Outcome:
        """The outcome of a rejected record: it waits where the cause was found to be common."""
        is_common = (
            outcome.kind is OutcomeKind.REJECTED
            and outcome.reason is not None
            and outcome.reason.code == self._common()
        )
        return Outcome(OutcomeKind.DEFERRED, outcome.reason, Wait.UNTIL_MENDED) if is_common else outcome

    def _common(self) -> str:
        """The code that refused at least twenty records alone, and at least half of all that were sent alone."""
        code = max(self.refused, key=lambda code: len(self.refused[code]), default="")
        count = len(self.refused.get(code, ()))
        return code if count >= FROM_RECORDS and count >= self.written else ""
