"""What one batch came to, in the numbers that become metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from salesforce_destination.record.record import Record


@dataclass(slots=True)
class Tally:
    """Counts of one batch. `audience_fields` are those whose writing counts as a status written."""

    audience_fields: frozenset[str] = frozenset()
    profiles: int = 0
    requests: int = 0
    slowest_request_seconds: float = 0.0
    records_delivered: int = 0
    records_superseded: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    omitted: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    def note_request(self, seconds: float) -> None:
        """Count a request that took so long."""
        self.requests += 1
        self.slowest_request_seconds = max(self.slowest_request_seconds, seconds)

    def note_delivered(self, record: Record) -> None:
        """Count a record that was written, and the statuses in it."""
        self.records_delivered += 1
        for name in record.fields.keys() & self.audience_fields:
            self.statuses[name] += 1
