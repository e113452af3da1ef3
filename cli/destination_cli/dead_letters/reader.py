"""Dead letters: what the sender sent and why it was rejected, each read once and left as it was."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from queue import SimpleQueue
from threading import Barrier, Lock
from time import time
from typing import Any, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from salesforce_destination.aws.dead_letters import Attributes, as_moved, origin_of, redriven
from salesforce_destination.aws.sqs_queue import CALLS_AT_ONCE, ENTRIES_PER_CALL
from salesforce_destination.profile.event_time import EARLIEST_MS, LATEST_MS, is_in_ms

from destination_cli.queues import depth_of

Result = TypeVar("Result")

NO_REASON = "MOVED_BY_SQS"
"""The code of a dead letter without one: SQS moved it after maxReceiveCount deliveries, and says no reason."""

HIDDEN_SECONDS = 900
"""How long a dead letter is hidden while it is looked at: longer than a run needs between two looks at the same one."""

MOST_HIDDEN = 110_000  # SQS lets about 120,000 messages of a queue be hidden at one time ("Message quotas")

EMPTY_ANSWERS = 3
"""So many empty long polls, one after the other, are the end, where SQS counts no more than are hidden here."""

MOST_IDLE_ANSWERS = 60
"""So many without anything new are the end in any case: SQS's count is right within a minute (GetQueueAttributes)."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the dead-letter queue, as it was received."""

    id: str
    receipt_handle: str = field(repr=False)
    body: str = field(repr=False)
    sent_at: int
    attributes: Attributes = field(repr=False)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """Read what ReceiveMessage gives. What SQS moved has no reason of ours ("Message system attributes")."""
        system, attributes = message.get("Attributes", {}), message.get("MessageAttributes", {})
        return cls(
            id=message["MessageId"],
            receipt_handle=message["ReceiptHandle"],
            body=message["Body"],
            sent_at=int(system.get("SentTimestamp", 0)),
            attributes=as_moved(attributes) if "DeadLetterQueueSourceArn" in system else attributes,
        )

    @property
    def code(self) -> str:
        """Why it was rejected, in one word."""
        return self.text_of("ErrorCode") or NO_REASON

    @property
    def message_id(self) -> str:
        """The id that SQS gave the sender, however often the message was redriven."""
        return origin_of(self.attributes)[2] or self.id

    @property
    def event_time(self) -> int:
        """When the event happened, in ms; where that cannot be read, when SQS took this dead letter."""
        text = self.text_of("EventTime")
        return int(text) if is_in_ms(text) and EARLIEST_MS <= int(text) < LATEST_MS else self.sent_at

    def text_of(self, name: str) -> str:
        """The text of an attribute, empty where there is none."""
        return str(self.attributes.get(name, {}).get("StringValue", ""))

    def attributes_to_send(self) -> Attributes:
        """The attributes with which it goes back on the queue."""
        return redriven(self.attributes, self.message_id, self.event_time, self.sent_at)


class DeadLetterReader:
    """Reads the dead letters that lay in the queue when it was made, in several calls at once.

    Newer ones are left alone: what is put back on the queue may be rejected again, and would be read for ever. At the
    end, an interruption included, what was read and not deleted is shown to others again.
    """

    def __init__(self, sqs: Any, queue_url: str, wait_seconds: int = 1, console: Console | None = None) -> None:
        self._sqs, self._queue_url, self._wait_seconds = sqs, queue_url, wait_seconds
        self._hidden: dict[str, str] = {}
        self._lock, self._pool = Lock(), ThreadPoolExecutor(CALLS_AT_ONCE)
        # All threads start here: nobody would wait for one whose start is cut off by Ctrl-C.
        start = Barrier(CALLS_AT_ONCE)
        deque(self._pool.map(lambda _: start.wait(), range(CALLS_AT_ONCE)), maxlen=0)
        answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])
        self.count = int(answer["Attributes"]["ApproximateNumberOfMessages"])
        self.began_ms = _clock_of(answer)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not (console and console.is_terminal))
        self._task = self._bar.add_task("Read", total=self.count)

    def unread(self) -> int:
        """About how many dead letters this reader did not get; to be asked before it ends."""
        return max(0, depth_of(self._sqs, self._queue_url).all - len(self._hidden))

    def each(self, work: Callable[[list[DeadLetter]], Result], most_idle: int = MOST_IDLE_ANSWERS) -> Iterator[Result]:
        """What some work gives for the dead letters, up to ten at a time, in several threads, until no more come."""
        # Ctrl-C inside wait() of concurrent.futures may leave locks of futures taken; a SimpleQueue has none.
        done = SimpleQueue[Future[tuple[int, bool, list[Result]]]]()
        calls, wanted, idle, empty = 0, 1, 0, 0
        while calls or wanted:
            for _ in range(wanted - calls):
                self._pool.submit(self._look, work).add_done_callback(done.put)
            calls = max(calls, wanted) - 1
            count, is_new, results = done.get().result()
            yield from results
            if is_new:
                wanted, idle, empty = CALLS_AT_ONCE, 0, 0
            else:
                wanted, idle, empty = 1, idle + (not calls), empty + (not calls and not count)
            if idle >= most_idle or (empty >= EMPTY_ANSWERS and not self.unread()) or len(self._hidden) >= MOST_HIDDEN:
                wanted = 0

    def delete(self, letters: Sequence[DeadLetter]) -> int:
        """Delete up to ten dead letters; give how many SQS did not delete. Only the newest handle is sure to delete."""
        handles = {letter.id: self._hidden.get(letter.id, letter.receipt_handle) for letter in letters}
        entries = [{"Id": name, "ReceiptHandle": handle} for name, handle in handles.items()]
        answer = self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries) if entries else {}
        for entry in answer.get("Successful", ()):
            self._hidden.pop(entry["Id"], None)
        return len(answer.get("Failed", ()))

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Show what was read. Who presses Ctrl-C twice meanwhile leaves the rest hidden, for HIDDEN_SECONDS at most."""
        ender = ThreadPoolExecutor(1)
        ending = ender.submit(self._end)
        with self._bar:
            try:
                with suppress(KeyboardInterrupt):
                    ender.shutdown()
                ender.shutdown()
                ending.result()
            finally:
                with self._lock:
                    self._hidden.clear()

    def _end(self) -> None:
        """Wait for the calls that are on their way, then show to others what was read."""
        self._pool.shutdown()
        total = len(self._hidden)
        self._bar.update(self._task, description="Showing them to others again", completed=0, total=total)
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            for call in [pool.submit(self._show_again) for _ in range(CALLS_AT_ONCE)]:
                call.result()

    def _show_again(self) -> None:
        while self._hidden:
            with self._lock:
                handles = [self._hidden.popitem()[1] for _ in range(min(ENTRIES_PER_CALL, len(self._hidden)))]
            entries = [{"Id": str(i), "ReceiptHandle": of, "VisibilityTimeout": 0} for i, of in enumerate(handles)]
            if entries:
                self._sqs.change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)
            self._bar.advance(self._task, len(handles))

    def _look(self, work: Callable[[list[DeadLetter]], Result]) -> tuple[int, bool, list[Result]]:
        """How many came, whether more seem to be there, and what the work gave for those that are to be read."""
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=ENTRIES_PER_CALL,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=self._wait_seconds,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        received = [DeadLetter.of(message) for message in answer.get("Messages", ())]
        with self._lock:
            fresh = {letter.id: letter for letter in received if letter.id not in self._hidden}
            self._hidden.update({letter.id: letter.receipt_handle for letter in received})
        old = [letter for letter in fresh.values() if letter.sent_at <= self.began_ms]
        results = [work(old)] if old else []
        self._bar.advance(self._task, len(old))
        return len(received), bool(old) or len(received) == ENTRIES_PER_CALL, results


def _clock_of(answer: Any) -> int:
    """The time in ms by AWS's clock, as the times of dead letters; by this machine's where there is no header."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return int(parsedate_to_datetime(date).timestamp() * 1000) + 1000
    except (TypeError, ValueError):
        return int(time() * 1000)
