"""How many messages wait on a queue, by SQS's own approximate counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages that can be taken, that are taken or wait for their next try, and that come later."""

    visible: int
    in_flight: int
    delayed: int = 0

    @property
    def all(self) -> int:
        """Every message on the queue."""
        return self.visible + self.in_flight + self.delayed


def depth_of(sqs: Any, queue_url: str) -> Depth:
    """Ask SQS, which is right within a minute or so once a queue is at rest (GetQueueAttributes)."""
    counts = sqs.get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ],
    )["Attributes"]
    return Depth(
        int(counts.get("ApproximateNumberOfMessages", 0)),
        int(counts.get("ApproximateNumberOfMessagesNotVisible", 0)),
        int(counts.get("ApproximateNumberOfMessagesDelayed", 0)),
    )
