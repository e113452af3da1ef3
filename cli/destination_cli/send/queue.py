"""Putting bodies on a queue, ten to a call; what SQS does not take at first is sent again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from destination_cli.message_size import size_of_attributes
from destination_cli.send.lines import Line

PAUSES = (0.2, 1.0, 3.0, 10.0)
"""Seconds before the failed entries of a call are sent again."""

REFUSED = "was refused by SQS: it contains a character that SQS does not allow, or is too long"

_ONE_OF_THEM = ("BatchRequestTooLong", "InvalidMessageContents", "InvalidParameterValue")
"""Codes with which SQS refuses a whole call because of one of its entries."""

Problems = tuple[tuple[int, str], ...]
"""Lines that cannot be sent, by their number, with the reason."""


class QueueUnavailableError(Exception):
    """SQS does not take some messages, tried again and again, and it is not the messages."""


class SendingQueue:
    """A queue, and the attributes that every message gets; several threads may use it."""

    def __init__(
        self,
        sqs: Any,
        url: str,
        attributes: Mapping[str, Mapping[str, Any]],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sqs, self._url, self._attributes, self._sleep = sqs, url, attributes, sleep
        self._attributes_size = size_of_attributes(attributes)

    def size_of(self, line: Line) -> int:
        """The bytes that a line takes in a call."""
        return len(line.body.encode()) + self._attributes_size

    def send(self, lines: Sequence[Line]) -> Problems:
        """Send up to ten lines; give those that SQS never takes, or raise QueueUnavailableError."""
        problems: Problems = ()
        waiting: Sequence[Line] = lines
        for pause in (*PAUSES, None):
            waiting, refused = self._once(waiting) if waiting else ([], ())
            problems += refused
            if not waiting:
                return problems
            if pause is not None:
                self._sleep(pause)
        raise QueueUnavailableError

    def _once(self, lines: Sequence[Line]) -> tuple[list[Line], Problems]:
        """Send once: give those to send again, and those that never will be taken."""
        entries = [self._entry(number, line) for number, line in enumerate(lines)]
        try:
            answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
        except ClientError as error:
            if not error.response.get("Error", {}).get("Code", "").endswith(_ONE_OF_THEM):
                raise
            return self._one_by_one(lines)
        failed = [(lines[int(entry["Id"])], entry.get("SenderFault", False)) for entry in answer.get("Failed", ())]
        return [line for line, ours in failed if not ours], tuple(
            (line.number, REFUSED) for line, ours in failed if ours
        )

    def _one_by_one(self, lines: Sequence[Line]) -> tuple[list[Line], Problems]:
        if len(lines) == 1:
            return [], ((lines[0].number, REFUSED),)
        results = [self._once([line]) for line in lines]
        return [line for again, _ in results for line in again], tuple(
            found for _, problems in results for found in problems
        )

    def _entry(self, number: int, line: Line) -> dict[str, Any]:
        entry = {"Id": str(number), "MessageBody": line.body}
        return {**entry, "MessageAttributes": self._attributes} if self._attributes else entry
