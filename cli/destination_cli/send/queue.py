"""Profiles onto a queue: ten to a call, several calls at once; what SQS does not take at first is sent again."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from salesforce_destination.aws.sqs_queue import CALLS_AT_ONCE, in_calls, size_of_attributes

from destination_cli.queues import send_messages
from destination_cli.send.source import Position, ProfileLine

PAUSES = (0.2, 1.0, 3.0, 10.0)
"""Seconds before the failed entries of a call are sent again."""

REFUSED = "was refused by SQS: it contains a character that SQS does not allow, or is too long"

Problems = tuple[tuple[int, str], ...]
"""Lines that cannot be sent, by their number, with the reason."""

CALLS_AHEAD = 4 * CALLS_AT_ONCE
"""Calls that are read ahead of the oldest unanswered one: what is held in memory, and sent twice after a kill."""


class QueueUnavailableError(Exception):
    """SQS does not take some messages, tried again and again, and it is not the messages."""


@dataclass(frozen=True, slots=True)
class SendingQueue:
    """A queue, and the attributes that every message gets; several threads may use it."""

    sqs: Any
    url: str
    attributes: Mapping[str, Mapping[str, Any]]
    sleep: Callable[[float], None] = time.sleep

    def size_of(self, line: ProfileLine) -> int:
        """The bytes that a line takes in a call."""
        return len(line.body.encode()) + size_of_attributes(self.attributes)

    def send(self, lines: Sequence[ProfileLine]) -> Problems:
        """Send up to ten lines; give those that SQS never takes, or raise QueueUnavailableError."""
        problems: Problems = ()
        common = {"MessageAttributes": self.attributes} if self.attributes else {}
        for pause in (*PAUSES, None):
            messages = [{"MessageBody": line.body, **common} for line in lines]
            failed = send_messages(self.sqs, self.url, messages)
            problems += tuple((lines[place].number, REFUSED) for place, never in failed.items() if never)
            lines = [lines[place] for place, never in failed.items() if not never]
            if not lines:
                return problems
            if pause is not None:
                self.sleep(pause)
        raise QueueUnavailableError


def send_lines(
    lines: Iterable[ProfileLine], queue: SendingQueue, start: Position, note: Callable[[Position], None]
) -> Position:
    """Send lines, and tell `note` of each position that is reached: everything before it has been answered.

    When it is interrupted, by a person or by a call that fails, the calls on their way are waited for, and noted too.
    """
    position, pending = start, deque[tuple[list[ProfileLine], Future[Problems]]]()
    pool = ThreadPoolExecutor(CALLS_AT_ONCE)

    def settle_oldest() -> None:
        nonlocal position
        position = _reached(position, *pending[0])
        pending.popleft()
        note(position)

    try:
        for call in in_calls(lines, queue.size_of):
            pending.append((call, pool.submit(queue.send, [line for line in call if line.body])))
            while pending and (len(pending) >= CALLS_AHEAD or pending[0][1].done()):
                settle_oldest()
    finally:
        try:
            while pending:
                settle_oldest()
        finally:
            pool.shutdown(cancel_futures=True)
    return position


def _reached(position: Position, call: Sequence[ProfileLine], answered: Future[Problems]) -> Position:
    refused = answered.result()
    unsendable = tuple((line.number, line.problem) for line in call if line.problem)
    sent = sum(1 for line in call if line.body) - len(refused)
    return position.after(call[-1].end, call[-1].number, sent, tuple(sorted(unsendable + refused)))
