"""The refresh-token function and its schedule, on the simulated clock."""

from __future__ import annotations

from typing import Any

import requests
from botocore.exceptions import ClientError
from salesforce_destination.aws.token_store import TokenStore
from salesforce_destination.errors import DestinationError
from salesforce_destination.login.refresh import refresh
from salesforce_destination.login.refresh_request import MESSAGE_GROUP, Reason, RefreshRequest
from salesforce_destination.salesforce.oauth import log_in

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.chaos.environment import CREDENTIALS_SECRET, REFRESH_QUEUE, TOKEN_SECRET

POLL_EVERY_SECONDS = 1.0
"""Lambda's long poll answers as soon as a message comes; so does this, nearly."""

SCHEDULE_SECONDS = 3600


class Refresher:
    """Does what the refresh queue asks for, one request at a time."""

    def __init__(self, clock: SimulatedClock, sqs: Any, secrets: Any, session: requests.Session) -> None:
        self._clock, self._sqs, self._session = clock, sqs, session
        self._store = TokenStore(lambda: secrets, CREDENTIALS_SECRET, TOKEN_SECRET, sleep=clock.sleep)
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
                    MessageBody=RefreshRequest(Reason.SCHEDULE).body,
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
            self.refreshed += refresh(
                request,
                self._store,
                lambda credentials: log_in(self._session, credentials, self._clock.now()),
                allow_local=False,
            )
        except DestinationError:
            self.failed += 1
            return False
        return True
