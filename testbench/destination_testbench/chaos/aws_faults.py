"""When AWS fails: stretches of time in which some calls to a queue or a secret are refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from destination_testbench.aws.sqs_errors import unavailable


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` to `end`, calls of these operations (all, where none is named) to this queue or secret fail."""

    start: float
    end: float
    target: str
    operations: frozenset[str] = frozenset()

    def strikes(self, now: float, operation: str, target: str) -> bool:
        """Whether a call fails now. That hangs on the time alone, so that the order of a pool's calls means nothing."""
        is_meant = target == self.target and (not self.operations or operation in self.operations)
        return is_meant and self.start <= now < self.end


@dataclass(slots=True)
class AwsMishaps:
    """Told of every call by the simulated clients; refuses those of a stretch, and counts them."""

    now: Callable[[], float]
    stretches: list[Stretch] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)

    def __call__(self, operation: str, target: str) -> None:
        """Refuse a call where it is time to."""
        now = self.now()
        if any(stretch.strikes(now, operation, target) for stretch in self.stretches):
            self.struck[f"{target}: {operation}"] += 1
            raise unavailable(operation)
