"""The operator: looks after the dead-letter queue, and sends again what was refused for a reason that is gone."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.chaos.environment import DEAD_LETTER_QUEUE, QUEUE

LOOKS_EVERY_SECONDS = 1800.0
OURS = {"ErrorCode", "ErrorMessage", "ErrorFields", "ErrorIndexes", "Attempts", "Destination"}


class Operator:
    """Redrives the dead letters with one code, from a time on: the body as it is, and its event time kept."""

    def __init__(self, clock: SimulatedClock, sqs: Any, code: str, begins_at: float, keeps_time: bool = True) -> None:
        self._clock, self._sqs, self._code, self._begins_at = clock, sqs, code, begins_at
        self._left_out = OURS if keeps_time else OURS | {"EventTime"}
        self.redriven = 0
        self.is_done = False

    def run(self) -> None:
        """Look after the queue for ever."""
        self._clock.sleep(self._begins_at - self._clock.now())
        while True:
            before = self.redriven
            try:
                self._look_through()
            except ClientError:
                before = -1
            self.is_done = self.redriven == before
            self._clock.sleep(LOOKS_EVERY_SECONDS)

    def _look_through(self) -> None:
        while letters := self._sqs.receive_message(
            QueueUrl=DEAD_LETTER_QUEUE,
            MaxNumberOfMessages=10,
            VisibilityTimeout=600,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages"):
            for letter in letters:
                attributes = letter.get("MessageAttributes", {})
                if attributes.get("ErrorCode", {}).get("StringValue") == self._code:
                    kept = {name: value for name, value in attributes.items() if name not in self._left_out}
                    self._sqs.send_message(QueueUrl=QUEUE, MessageBody=letter["Body"], MessageAttributes=kept)
                    self._sqs.delete_message(QueueUrl=DEAD_LETTER_QUEUE, ReceiptHandle=letter["ReceiptHandle"])
                    self.redriven += 1
