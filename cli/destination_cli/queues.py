"""The queues of a stack: what waits on them, what one call carries, and whether anything is taken from them."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError
from rich.console import Console
from salesforce_destination.errors import Mistake, SettingsError
from salesforce_destination.settings import DELIVER_NEEDS, Settings, conflicts

from destination_cli.target import Target, TargetError
from destination_cli.terminal import counted

_ONE_OF_THEM = ("BatchRequestTooLong", "InvalidMessageContents", "InvalidParameterValue")
"""Codes with which SQS refuses a whole call because of one of its entries."""

LONGEST_CHANGE_SECONDS = 90.0
"""An event source mapping is Disabling or Enabling for a while, up to a minute (UpdateEventSourceMapping)."""

LOOK_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages that can be taken, that are taken or wait for their next try, and that come later."""

    visible: int
    in_flight: int
    delayed: int = 0

    @property
    def all(self) -> int:
        """Every message on the queue."""
        return self.visible + self.in_flight + self.delayed


def depth_of(sqs: Any, queue_url: str) -> Depth:
    """Ask SQS, which is right within a minute or so once a queue is at rest (GetQueueAttributes)."""
    names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
    counts = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return Depth(*(int(counts.get(name, 0)) for name in names))


def contradictions(target: Target) -> list[Mistake]:
    """What somebody changed in the console so that messages can be lost; nothing where this person may not look."""
    sqs, urls = target.client("sqs"), (target.queue_url, target.dead_letter_queue_url)
    try:
        function = target.client("lambda").get_function_configuration(FunctionName=target.output("DeliverFunctionName"))
        queue, letters = (sqs.get_queue_attributes(QueueUrl=it, AttributeNames=["All"])["Attributes"] for it in urls)
        settings = Settings.from_environ(function.get("Environment", {"Variables": {}})["Variables"], DELIVER_NEEDS)
    except (ClientError, KeyError):  # in place of variables Lambda tells an error where their key may not be used
        return []
    except SettingsError as error:
        return list(error.mistakes)
    return conflicts(
        {
            "FUNCTION_TIMEOUT_SECONDS": function["Timeout"],
            "VISIBILITY_TIMEOUT_SECONDS": queue["VisibilityTimeout"],
            "GIVE_UP_AFTER_SECONDS": settings.give_up_after_seconds,
            "MAX_RECEIVE_COUNT": json.loads(queue.get("RedrivePolicy", "{}")).get("maxReceiveCount", 0),
            "RETENTION_SECONDS": min(int(each["MessageRetentionPeriod"]) for each in (queue, letters)),
        }
    )


def send_messages(sqs: Any, url: str, messages: Sequence[Mapping[str, Any]]) -> dict[int, bool]:
    """Send up to ten messages; give the places of those that failed, and whether SQS will never take them."""
    entries = [{"Id": str(place), **message} for place, message in enumerate(messages)]
    try:
        failed = sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed", ()) if entries else ()
    except ClientError as error:
        if not error.response.get("Error", {}).get("Code", "").endswith(_ONE_OF_THEM):
            raise
        if len(messages) == 1:
            return {0: True}
        alone = [send_messages(sqs, url, [message]) for message in messages]
        return {place: failed[0] for place, failed in enumerate(alone) if failed}
    return {int(entry["Id"]): entry.get("SenderFault", False) for entry in failed}


@dataclass(frozen=True, slots=True)
class Switched:
    """What a switch came to: whether it changed anything, and what waits on the queue."""

    state: str
    changed: bool
    waiting: Depth

    def as_json(self) -> str:
        """The result for programs."""
        return json.dumps(asdict(self), indent=2)


def is_paused(target: Target) -> bool:
    """Whether nothing is taken from the queue, or soon nothing will be."""
    return str(mapping_of(target)["State"]).startswith("Disabl")


def switch(target: Target, *, on: bool, sleep: Callable[[float], None] = time.sleep) -> Switched:
    """Let messages be taken from the queue, or not any more, and wait until it is so. What is in flight is finished."""
    if changes := is_paused(target) is on:
        target.client("lambda").update_event_source_mapping(UUID=target.event_source_mapping_id(), Enabled=on)
    wanted = "Enabled" if on else "Disabled"
    for _ in range(int(LONGEST_CHANGE_SECONDS / LOOK_EVERY_SECONDS)):
        if mapping_of(target)["State"] == wanted:
            break
        sleep(LOOK_EVERY_SECONDS)
    else:
        raise TargetError(
            f"AWS accepted the change, but {target.name} is not {wanted.lower()} yet."
            " Run `destination status` in a minute."
        )
    return Switched("running" if on else "paused", changes, depth_of(target.client("sqs"), target.queue_url))


def show(result: Switched, console: Console) -> None:
    """Say what is so now."""
    again = "" if result.changed else "already "
    ready = counted(result.waiting.visible, "message is ready", "messages are ready")
    others = f"{result.waiting.in_flight:,} in flight or waiting for their next try"
    text = f"The destination is {again}{result.state}. {ready}, {others}."
    console.print(text, highlight=False)
    if result.state == "paused":
        text = "Profiles can still be sent; the queue keeps them for 14 days. To continue, run `destination resume`."
        console.print(text)


def mapping_of(target: Target) -> dict[str, Any]:
    """The event source mapping by which Lambda takes messages from the queue."""
    return dict(target.client("lambda").get_event_source_mapping(UUID=target.event_source_mapping_id()))
