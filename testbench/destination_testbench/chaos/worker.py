"""The functions as Lambda runs them: workers that deliver, and may be killed, and the one that requests a token."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from botocore.exceptions import ClientError
from salesforce_destination.assembly import RefreshTokenFunction
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.errors import DestinationError
from salesforce_destination.login.token import MESSAGE_GROUP, RefreshReason, RefreshRequest

from destination_testbench.aws.fifo import FifoQueue
from destination_testbench.aws_lambda.event_source import EventSource, EventSourceMapping, Message, in_events
from destination_testbench.chaos.clock import Killed, Process, SimulatedClock, TimedOut
from destination_testbench.chaos.environment import QUEUE, REFRESH_QUEUE, Environment
from destination_testbench.template.parameters import Numbers

LONG_POLL_SECONDS = 20


class Worker:
    """One of the mapping's pollers with one environment of the function, which is made anew when it dies.

    A batch is full, or its window has passed since the first message. What the function names stays in the queue, the
    rest is deleted; where it ends without an answer, all of it stays until the visibility timeout. `named` reads the
    names out of what was settled.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        numbers: Numbers,
        sqs: Any,
        start_environment: Callable[[], Environment],
        on_settled: Callable[[Batch], None],
        named: Callable[[Batch], Sequence[str]] = attrgetter("kept"),
    ) -> None:
        self._clock, self._numbers = clock, numbers
        window = numbers.batch_window_seconds
        self._source = EventSource(sqs, EventSourceMapping(QUEUE, QUEUE, numbers.batch_size, window, 1, True))
        self._start_environment, self._on_settled, self._named = start_environment, on_settled, named
        self.process: Process | None = None
        self.is_busy = False
        self.invocations = self.deaths = self.time_outs = 0

    def run(self) -> None:
        """Poll for ever."""
        environment = self._start_environment()
        while True:
            batch = self._gather()
            if not batch:
                self._clock.sleep(LONG_POLL_SECONDS)
            for messages in in_events(batch):
                if not self._invoke(environment, messages):
                    environment = self._start_environment()

    def _gather(self) -> list[Message]:
        batch = self._receive(self._numbers.batch_size)
        if batch and len(batch) < self._numbers.batch_size:
            self._clock.sleep(self._numbers.batch_window_seconds)
            batch += self._receive(self._numbers.batch_size - len(batch))
        return batch

    def _receive(self, wanted: int) -> list[Message]:
        batch: list[Message] = []
        while len(batch) < wanted:
            try:
                taken = self._source.receive(wanted - len(batch), LONG_POLL_SECONDS)
            except ClientError:
                break
            if not taken:
                break
            batch += taken
        return batch

    def _invoke(self, environment: Environment, messages: Sequence[Message]) -> bool:
        self.invocations += 1
        self.is_busy = True
        try:
            with self._clock.deadline(self._numbers.function_timeout_seconds):
                settled = environment.invoke(self._source.event_of(messages))
        except (Killed, TimedOut) as ended:
            self.deaths += 1
            self.time_outs += isinstance(ended, TimedOut)
            return False
        finally:
            self.is_busy = False
        self._on_settled(settled)
        answer = {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in self._named(settled)]}
        self._source.settle(messages, answer)
        return True


LOOKS_EVERY_SECONDS = 0.37


class Killer:
    """Kills a busy worker now and then, until the time is over."""

    def __init__(
        self, clock: SimulatedClock, workers: Sequence[Worker], every: float, end: float, draw: random.Random
    ) -> None:
        self._clock, self._workers, self._every, self._end, self._draw = clock, workers, every, end, draw
        self.killed = 0

    def run(self) -> None:
        """Wait, lie in wait, and kill."""
        while self._clock.now() < self._end:
            self._clock.sleep(self._draw.expovariate(1 / self._every))
            while not any(worker.is_busy for worker in self._workers) and self._clock.now() < self._end:
                self._clock.sleep(LOOKS_EVERY_SECONDS)
            self._clock.sleep(self._draw.random())
            for worker in [worker for worker in self._workers if worker.is_busy][:1]:
                if worker.process:
                    self._clock.kill(worker.process)
                    self.killed += 1


POLL_EVERY_SECONDS = 1.0
"""Lambda's long poll answers as soon as a message comes; so does this, nearly."""

SCHEDULE_SECONDS = 3600


class Refresher:
    """Does what the refresh queue asks for, one request at a time."""

    def __init__(self, clock: SimulatedClock, queue: FifoQueue, sqs: Any, function: RefreshTokenFunction) -> None:
        self._clock, self._queue, self._sqs, self._function = clock, queue, sqs, function
        self.refreshed = self.failed = 0

    def run(self) -> None:
        """Poll for ever. A request that failed stays hidden until the queue's visibility timeout."""
        while True:
            while self._queue.is_empty:  # a call each second of a simulated week would be most of what a test does
                self._clock.sleep(POLL_EVERY_SECONDS)
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
