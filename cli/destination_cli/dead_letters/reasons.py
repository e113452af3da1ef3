"""Dead letters, counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from destination_cli.dead_letters.letter import DeadLetter


@dataclass(slots=True)
class Reason:
    """What the letters with one code have in common. `samples` are the first ones."""

    code: str
    count: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    first: int = 0
    last: int = 0
    samples: list[DeadLetter] = field(default_factory=list)

    def note(self, letter: DeadLetter, most_samples: int) -> None:
        """Count a letter."""
        self.count += 1
        self.fields.update(name for name in letter.fields.split(",") if name)
        self.first = min(self.first or letter.event_time, letter.event_time)
        self.last = max(self.last, letter.event_time)
        if len(self.samples) < most_samples:
            self.samples.append(letter)


def by_reason(letters: Iterable[DeadLetter], most_samples: int) -> list[Reason]:
    """The reasons, the most frequent first."""
    reasons: dict[str, Reason] = {}
    for letter in letters:
        reasons.setdefault(letter.code, Reason(letter.code)).note(letter, most_samples)
    return sorted(reasons.values(), key=lambda reason: (-reason.count, reason.code))


def moment(epoch_ms: int) -> str:
    """A time as a person reads it."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
