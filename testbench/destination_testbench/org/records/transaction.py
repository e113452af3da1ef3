"""One request's writes: what they may do, and how to take them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from destination_testbench.org.login.people import User
from destination_testbench.org.values.moments import from_epoch


@dataclass(slots=True)
class Transaction:
    """
    The frame of the writes of one request.

    `allow_duplicates` and `auto_assign` come from the headers Sforce-Duplicate-Rule-Header and Sforce-Auto-Assign.
    `seen` are records as they were when the request came in, for an org that does not compare under the row's lock.
    """

    user: User
    now: float
    allow_duplicates: bool = False
    auto_assign: bool = True
    journal: list[Callable[[], None]] = field(default_factory=list)
    seen: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    stamp: str = field(init=False)
    _start: int = field(init=False)

    def __post_init__(self) -> None:
        """Every write of a request carries one time; what came before in the journal belongs to others."""
        self.stamp, self._start = from_epoch(self.now), len(self.journal)

    def roll_back(self) -> None:
        """Undo every write of this frame, the last one first."""
        undo(self.journal, self._start)


def undo(journal: list[Callable[[], None]], mark: int = 0) -> None:
    """Take back every write after the mark, the last one first."""
    while len(journal) > mark:
        journal.pop()()
