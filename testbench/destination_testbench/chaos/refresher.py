"""The refresh-token function and its schedule, on the simulated clock."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from salesforce_destination.assembly import RefreshTokenFunction
from salesforce_destination.errors import DestinationError
from salesforce_destination.login.refresh_request import MESSAGE_GROUP, RefreshReason, RefreshRequest

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.chaos.environment import REFRESH_QUEUE

POLL_EVERY_SECONDS = 1.0
"""Lambda's long poll answers as soon as a message comes; so does this, nearly."""

SCHEDULE_SECONDS = 3600


class Refresher:
    """Does what the refresh queue asks for, one request at a time."""

    def __init__(self, clock: SimulatedClock, sqs: Any, function: RefreshTokenFunction) -> None:
        self._clock, self._sqs, self._function = clock, sqs, function
        self.refreshed = self.failed = 0

    def run(self) -> None:
        """Poll for ever. A request that failed stays hidden until the queue's visibility timeout."""
        while True:
            for message in self._sqs.receive_message(QueueUrl=REFRESH_QUEUE).get("Messages", ()):
                if self._is_done(message["Body"]):
                    self._sqs.delete_message(QueueUrl=REFRESH_QUEUE, ReceiptHandle=message["ReceiptHandle"])
            self._clock.sleep(POLL_EVERY_SECONDS)

    def remind(self) -> None:
        """Ask for a new token every hour, as the schedule does."""
        while True:
            number = int(self._clock.now())
            try:
                self._sqs.send_message(
                    QueueUrl=REFRESH_QUEUE,
                    MessageBody=RefreshRequest(RefreshReason.SCHEDULE).body,
                    MessageGroupId=MESSAGE_GROUP,
                    MessageDeduplicationId=f"schedule-{number}",
                )
            except ClientError:
                self.failed += 1
            self._clock.sleep(SCHEDULE_SECONDS)

    def _is_done(self, body: str) -> bool:
        request = RefreshRequest.from_body(body)
        if request is None:
            return True
        try:
            self.refreshed += self._function.refresh(request)
        except DestinationError:
            self.failed += 1
            return False
        return True
