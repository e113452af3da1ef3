"""What delivers the profiles: this project's function, what one would take instead, and the least that it takes."""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

from benchmarks.events import Variant

NAMES = ("floor", "deliver", "collections", "bulk", "single")
"""From the least to the most work; each is a module here of that name or of its library's."""

TITLES = {
    "floor": "floor",
    "deliver": "this function",
    "collections": "simple-salesforce, collections of 200",
    "bulk": "simple-salesforce, Bulk 2.0",
    "single": "simple-salesforce, one by one",
}


class Contender(Protocol):
    """Takes batches, one after the other, and says how many profiles were written."""

    def deliver(self, event: dict[str, Any]) -> int:
        """Deliver a batch, or keep it for the end."""
        ...

    def finish(self) -> int:
        """Deliver what was kept."""
        ...


def contender(name: str, org_url: str, variant: Variant) -> Contender:
    """Make a contender; nothing of the others is imported."""
    module = importlib.import_module(f"benchmarks.contenders.{name}")
    return cast(Contender, module.make(org_url, variant))
