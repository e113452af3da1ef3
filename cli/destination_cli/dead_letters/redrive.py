"""Putting dead letters back on the queue; none of them is lost, whenever it is interrupted."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

from rich.console import Console
from salesforce_destination.aws.sqs_queue import in_calls, size_of_attributes

from destination_cli.dead_letters.reader import DeadLetter, DeadLetterReader
from destination_cli.dead_letters.summary import INTERRUPTED, print_none, print_unread
from destination_cli.queues import send_messages
from destination_cli.target import Target, TargetError, explained
from destination_cli.terminal import counted


@dataclass(slots=True)
class Redriven:
    """What a redrive did: `left` have other reasons (`others`) or came back; `not_deleted` are in both queues."""

    sent: int = 0
    left: int = 0
    failed: int = 0
    not_deleted: int = 0
    unread: int = 0
    others: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether no dead letter that was meant is left, and one was meant where there are any."""
        return not (self.failed or self.not_deleted or self.unread or (self.left and not self.sent))


def redrive(reader: DeadLetterReader, sqs: Any, queue_url: str, codes: Collection[str], result: Redriven) -> None:
    """Send dead letters to the queue and then delete them; without codes all of them.

    Between the two a dead letter lies in both queues. If it ends there, the message comes twice, which does no harm: a
    write is repeated, and guarded by its event time, which a redriven message keeps. What comes back while this runs
    is known by its message's id, and left.
    """
    lock, back = Lock(), set[tuple[str, int]]()

    def put_some_back(batch: list[DeadLetter]) -> None:
        with lock:
            names = {one.id: (one.message_id, hash(one.body)) for one in batch}
            wanted = [one for one in batch if (not codes or one.code in codes) and names[one.id] not in back]
            back.update(names[one.id] for one in wanted)
            result.left += len(batch) - len(wanted)
            others = Counter(letter.code for letter in batch) - Counter(letter.code for letter in wanted)
            result.others = dict(others + Counter(result.others))
        for call in in_calls(wanted, _size):
            messages = [{"MessageBody": one.body, "MessageAttributes": one.attributes_to_send()} for one in call]
            failed = send_messages(sqs, queue_url, messages)
            sent = [letter for place, letter in enumerate(call) if place not in failed]
            with lock:
                result.sent += len(sent)
                result.failed += len(failed)
            not_deleted = reader.delete(sent)
            with lock:
                result.not_deleted += not_deleted

    for _ in reader.each(put_some_back):
        pass
    result.unread = reader.unread()


def _size(letter: DeadLetter) -> int:
    return len(letter.body.encode()) + size_of_attributes(letter.attributes_to_send())


def put_back(target: Target, console: Console, *, codes: Collection[str], as_json: bool) -> int:
    """Redrive, with a bar. 1 if a dead letter that was meant is left, or none has a reason asked for."""
    result, sqs, bar = Redriven(), target.client("sqs"), None if as_json else console
    try:
        with explained(target.name), DeadLetterReader(sqs, target.dead_letter_queue_url, console=bar) as reader:
            redrive(reader, sqs, target.queue_url, codes, result)
    except (KeyboardInterrupt, TargetError) as error:
        raise TargetError(f"{str(error) or INTERRUPTED} {_back(result)}.") from None
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    else:
        _print_redriven(result, codes, console)
    return 0 if result.is_good else 1


def _back(result: Redriven) -> str:
    return f"{counted(result.sent, 'dead letter is', 'dead letters are')} back on the queue"


def _print_redriven(result: Redriven, codes: Collection[str], console: Console) -> None:
    if result.left and not result.sent and not result.failed:
        print_none(codes, result.others, console, result.unread)
    else:
        console.print(f"{_back(result)}, {counted(result.left, 'was', 'were')} left.", highlight=False)
    if result.failed:
        failed = counted(result.failed, "was refused by SQS and is", "were refused by SQS and are")
        console.print(f"{failed} still in the dead-letter queue.", style="red")
    if result.not_deleted:
        twice = counted(result.not_deleted, "could not be deleted: it is", "could not be deleted: they are")
        console.print(f"{twice} now in both queues. To deliver a message twice does no harm.")
    print_unread(result.unread, console)
