"""An SQS message, as the delivery sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from .value_class import value_class


@value_class
class Message:
    """
    One message of a batch.

    `sent_at` (SQS's SentTimestamp, ms), `receive_count` (1 at the first delivery), `event_time` (the attribute
    EventTime as it came, or None) and `attributes` (all message attributes, in the shape of the SQS API).
    """

    id: str
    receipt_handle: str = field(repr=False)
    body: str = field(repr=False)
    sent_at: int
    receive_count: int = 1
    event_time: str | None = None
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
