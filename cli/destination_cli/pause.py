"""`destination pause` and `destination resume`: whether messages are taken from the queue."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from rich.console import Console

from destination_cli.queue_depth import Depth, depth_of
from destination_cli.target import Target, TargetError

LONGEST_CHANGE_SECONDS = 90.0
"""An event source mapping is Disabling or Enabling for a while, up to a minute (UpdateEventSourceMapping)."""

LOOK_EVERY_SECONDS = 1.0


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
    return _state(target).startswith("Disabl")


def switch(target: Target, *, on: bool, sleep: Callable[[float], None] = time.sleep) -> Switched:
    """
    Let messages be taken from the queue, or not any more, and wait until it is so.

    What is in flight is finished; what waits, waits, for as long as the queue keeps it. It is no harm to do it twice.
    """
    changes = is_paused(target) is on
    if changes:
        target.client("lambda").update_event_source_mapping(UUID=target.event_source_mapping_id(), Enabled=on)
    _wait_for(target, "Enabled" if on else "Disabled", sleep)
    return Switched("running" if on else "paused", changes, depth_of(target.client("sqs"), target.queue_url))


def show(result: Switched, console: Console) -> None:
    """Say what is so now."""
    again = "" if result.changed else "already "
    console.print(
        f"The destination is {again}{'running' if result.state == 'running' else 'paused'}."
        f" {result.waiting.visible:,} messages wait, {result.waiting.in_flight:,} are in flight.",
        highlight=False,
    )
    if result.state == "paused":
        console.print(
            "Profiles can still be sent; the queue keeps them for 14 days. To continue, run `destination resume`."
        )


def _state(target: Target) -> str:
    answer = target.client("lambda").get_event_source_mapping(UUID=target.event_source_mapping_id())
    return str(answer["State"])


def _wait_for(target: Target, wanted: str, sleep: Callable[[float], None]) -> None:
    for _ in range(int(LONGEST_CHANGE_SECONDS / LOOK_EVERY_SECONDS)):
        if _state(target) == wanted:
            return
        sleep(LOOK_EVERY_SECONDS)
    raise TargetError(
        f"AWS accepted the change, but {target.name} is not {wanted.lower()} yet. Run `destination status` in a minute."
    )
