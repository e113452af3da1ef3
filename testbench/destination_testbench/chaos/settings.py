"""What a chaos run is: its size, its seed, and what is broken in it on purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from salesforce_destination.delivery.batch import Batch

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class ChaosSettings:
    """One run. With one seed it is always the same.

    `all_errors_at_once` is the org's habit that nobody has recorded: all that is wrong with a record, or the first. The
    org speaks `language` ("fr", "ja", "es").
    With `by_rules` people are found by the rules of people.toml, on two sObjects, and some are new.
    `with_parts` lets campaign members and rows follow them; processes also die between the requests of a batch.
    Batches are smaller than the template's, so that one worker does not take all there is and the others meet it.
    A run that is not done `patience_hours` after the last message was sent is stuck, and examined as it is.
    """

    seed: int = 1
    people: int = 10_000
    messages: int = 100_000
    hours: float = 24.0
    workers: int = 4
    batch_size: int = 100
    all_errors_at_once: bool = True
    by_rules: bool = False
    with_parts: bool = False
    language: str = "en_US"
    bad_share: float = 0.01
    duplicates: float = 0.01
    patience_hours: float = 72.0


@dataclass(frozen=True, slots=True)
class Broken:
    """What is broken on purpose, to show that it would be found: by default nothing.

    Rules and keys are the org's; `wrapped` stands between the function and SQS; `named` is what Lambda makes of the
    answer.
    """

    keys_are_unique: bool = True
    has_ordering_rule: bool = True
    has_since_rules: bool = True
    has_row_rule: bool = True
    marks_progress: bool = True
    redrive_keeps_time: bool = True
    compares_under_lock: bool = True
    max_receive_count: int | None = None
    retention_seconds: int | None = None
    wrapped: Callable[[Any], Any] = field(default=lambda client: client)
    named: Callable[[Batch], Sequence[str]] = attrgetter("kept")


NOTHING = Broken()
