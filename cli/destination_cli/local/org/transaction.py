"""One request's writes: what they may do, and how to take them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from destination_cli.local.org.moments import from_epoch
from destination_cli.local.org.people import User


@dataclass(slots=True)
class Transaction:
    """
    The frame of the writes of one request.

    `allow_duplicates` and `auto_assign` come from the headers Sforce-Duplicate-Rule-Header and Sforce-Auto-Assign.
    """

    user: User
    now: float
    allow_duplicates: bool = False
    auto_assign: bool = True
    stamp: str = ""
    journal: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Every write of a request carries one time."""
        self.stamp = from_epoch(self.now)

    def mark(self) -> int:
        """A point to roll back to."""
        return len(self.journal)

    def roll_back(self, mark: int = 0) -> None:
        """Undo every write since the mark, the last one first."""
        while len(self.journal) > mark:
            self.journal.pop()()
