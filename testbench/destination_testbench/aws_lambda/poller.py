"""Polls a queue for a function as Lambda's event source mapping does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from destination_testbench.aws_lambda.event_source import (
    LARGEST_EVENT_BYTES,
    EventSource,
    EventSourceMapping,
    Message,
    in_events,
    size_of,
)
from destination_testbench.aws_lambda.execution_environment import FunctionError

LONG_POLL_SECONDS = 1
"""Lambda waits for up to 20 s; less, so that the stack stops quickly."""

SECONDS_BETWEEN_SHORT_POLLS = 0.05
SECONDS_BETWEEN_LOOKS_WHILE_PAUSED = 0.25
SECONDS_AFTER_A_FAILED_POLL = 1.0

logger = logging.getLogger(__name__)


class Invoke(Protocol):
    """What runs the function."""

    def invoke(self, event: Any) -> Any:
        """The function's response to an event, or FunctionError."""


class Poller:
    """Feeds a function from a queue until it is stopped.

    Each of its threads gathers a batch, until it is full, or the window has passed since its first message; invokes the
    function; and deletes what succeeded. What failed stays hidden until its visibility timeout, and SQS's own redrive
    policy counts how often it came. While `is_enabled` says no, nothing is taken from the queue. No exception ends a
    thread: the queue would be polled no more, and nobody would be told.
    """

    def __init__(
        self, mapping: EventSourceMapping, sqs: Any, invoker: Invoke, is_enabled: Callable[[], bool] = lambda: True
    ) -> None:
        self._mapping, self._source = mapping, EventSource(sqs, mapping)
        self._sqs, self._invoker, self._is_enabled = sqs, invoker, is_enabled
        self._stopping = threading.Event()
        name = mapping.queue_url.rsplit("/", 1)[-1]
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(mapping.concurrency)
        ]

    def start(self) -> None:
        """Begin to poll."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more messages; those in hand are settled or left to their visibility timeout."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait until it has stopped."""
        for thread in self._threads:
            thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._poll()
            except (BotoCoreError, ClientError) as error:
                self._failed("The queue cannot be polled: %s", error)
            except Exception as error:
                self._failed("A batch was not handled. Its messages stay on the queue.", exc_info=error)

    def _failed(self, text: str, *words: object, exc_info: Exception | None = None) -> None:
        if not self._stopping.is_set():
            logger.warning(text, *words, exc_info=exc_info)
            self._stopping.wait(SECONDS_AFTER_A_FAILED_POLL)

    def _poll(self) -> None:
        if not self._is_enabled():
            self._stopping.wait(SECONDS_BETWEEN_LOOKS_WHILE_PAUSED)
            return
        messages = self._gather()
        if messages and not self._is_enabled():
            self._release(messages)
            return
        for batch in in_events(messages):
            self._handle(batch)

    def _gather(self) -> list[Message]:
        batch = self._source.receive(self._mapping.batch_size, LONG_POLL_SECONDS)
        deadline = time.monotonic() + self._mapping.window_seconds
        size = sum(map(size_of, batch))
        while batch and (wanted := self._mapping.batch_size - len(batch)) > 0 and size < LARGEST_EVENT_BYTES:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or self._stopping.is_set():
                break
            more = self._source.receive(wanted, LONG_POLL_SECONDS if remaining > LONG_POLL_SECONDS else 0)
            if not more:
                if not self._is_enabled():
                    break
                self._stopping.wait(min(SECONDS_BETWEEN_SHORT_POLLS, max(0.0, deadline - time.monotonic())))
            batch += more
            size += sum(map(size_of, more))
        return batch

    def _release(self, messages: Sequence[Message]) -> None:
        """Let go of what was taken while it was being paused: Lambda is Disabling for as long as it holds any."""
        for message in messages:
            self._sqs.change_message_visibility(
                QueueUrl=self._mapping.queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )

    def _handle(self, batch: Sequence[Message]) -> None:
        try:
            response = self._invoker.invoke(self._source.event_of(batch))
        except FunctionError as error:
            if not self._stopping.is_set():
                logger.warning("%d messages stay on the queue: %s", len(batch), error)
            return
        self._source.settle(batch, response)
