"""A queue of SQS, for thousands of messages at a time, and the delays that deferred ones wait for there.

A batch of 10,000 messages that is refused whole is 1,000 calls. At 70 ms each, with the 0.29 of a processor that
512 MB give, 16 at once took 8 s, 8 at once 16 s (measured); more than 16 gain nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from salesforce_destination.aws.clients import ClientFactory
from salesforce_destination.outcome import Message

ENTRIES_PER_CALL = 10  # SendMessageBatch and ChangeMessageVisibilityBatch take up to 10 entries (SQS API reference)
MOST_BYTES = 1_048_576  # of a message, and of all messages of one call ("Amazon SQS message quotas")

CALLS_AT_ONCE = 16

Item = TypeVar("Item")


def in_calls(items: Iterable[Item], size_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Group what is sent, in order, so that each group fits into one call."""
    call: list[Item] = []
    room = MOST_BYTES
    for item in items:
        size = size_of(item)
        if call and (len(call) == ENTRIES_PER_CALL or size > room):
            yield call
            call, room = [], MOST_BYTES
        call.append(item)
        room -= size
    if call:
        yield call


def size_of_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """The bytes that attributes count for: name, type and value of each."""
    values = (attribute.get("StringValue") or attribute.get("BinaryValue") or "" for attribute in attributes.values())
    names = sum(len(name.encode()) + len(attribute["DataType"]) for name, attribute in attributes.items())
    return names + sum(len(value.encode() if isinstance(value, str) else value) for value in values)


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """One queue; `sqs` gives its client, and no call begins when `seconds_left` are over."""

    sqs: ClientFactory
    seconds_left: Callable[[], float]
    calls_at_once: int
    url: str

    def refused(self, action: str, entries: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> set[int]:
        """Hand SQS entries of these sizes by a batch action; give the positions of those that it did not take.

        One entry can refuse the whole call: alone, the others may pass. What is lost on the way, or has no time left,
        counts as not taken.
        """
        calls, ask = list(in_calls(range(len(sizes)), sizes.__getitem__)), partial(self._ask, action, entries)
        if len(calls) == 1:
            return ask(calls[0])
        with ThreadPoolExecutor(self.calls_at_once) as pool:
            return set().union(*pool.map(ask, calls))

    def _ask(self, action: str, entries: Sequence[Mapping[str, Any]], positions: Sequence[int]) -> set[int]:
        if self.seconds_left() <= 0:
            return set(positions)
        call = [{"Id": str(position), **entries[position]} for position in positions]
        try:
            answer = getattr(self.sqs(), action)(QueueUrl=self.url, Entries=call)
        except (ClientError, ParamValidationError):
            if len(positions) == 1:
                return set(positions)
            return set().union(*(self._ask(action, entries, [each]) for each in positions))
        except BotoCoreError:
            return set(positions)
        return {int(failed["Id"]) for failed in answer.get("Failed", ())}


class VisibilityTimeouts(SqsQueue):
    """Sets visibility timeouts on a queue, so that a deferred message comes again at its own time."""

    def set(self, delays: Sequence[tuple[Message, int]]) -> int:
        """Delay these messages; give the number of those not taken, which come after the queue's own timeout."""
        entries = [{"ReceiptHandle": each.receipt_handle, "VisibilityTimeout": seconds} for each, seconds in delays]
        return len(self.refused("change_message_visibility_batch", entries, [0] * len(entries)))
