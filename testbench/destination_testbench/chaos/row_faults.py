"""What single rows of the org meet: locks held by others, and an error that nobody has described."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from zlib import crc32

from destination_testbench.org.faults.failure import RecordError, locked
from destination_testbench.org.records.store import Record, Transaction
from destination_testbench.org.schema.schema import SObject


@dataclass(slots=True)
class RowTrouble:
    """
    One of the org's row guards (`SimulatedOrg.saving.row_guards`).

    A row is locked for a minute in so many of a thousand minutes, until `locks_end`; `strange` is always refused.
    """

    seed: int
    now: Callable[[], float]
    locks_end: float
    locked_per_thousand: int
    strange: str
    strange_code: str
    struck: Counter[str] = field(default_factory=Counter)

    def errors(
        self, call: Transaction, sobject: SObject, record: Record | None, values: dict[str, object]
    ) -> list[RecordError]:
        """What is wrong with writing this row now."""
        if record is None or sobject.name != "Contact":
            return []
        if record.id == self.strange:
            return [RecordError(self.strange_code, "nobody has heard of this")]
        if self.now() < self.locks_end and self._draw(record.id) < self.locked_per_thousand:
            self.struck["row lock"] += 1
            return [locked([record.id])]
        return []

    def _draw(self, record_id: str) -> int:
        return crc32(f"{self.seed} {record_id} {int(self.now() // 60)}".encode()) % 1000
