"""Messages with several profiles: events of different people in one body, each with its own time."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace

from destination_testbench.chaos.event import Event
from destination_testbench.chaos.traffic import TEMPORARILY_REFUSED, is_rita

SHARE = 0.04
"""Of the messages with their time in the body. Of those about people who are refused for a while, half."""


def bundled(events: Sequence[Event], draw: random.Random) -> list[Event]:
    """The same events, some of them together in one message."""
    free = {event.number: event for event in events if '"timestamp"' in event.body}
    told = {event.number: event for event in events}
    for event in list(free.values()):
        if event.number not in free or draw.random() >= (0.5 if is_rita(event.person) else SHARE / 2):
            continue
        del free[event.number]
        other = free.pop(draw.choice(list(free)), None) if len(free) > TEMPORARILY_REFUSED else None
        if other and other.person != event.person:
            told[event.number], told[other.number] = together(event, other)
    return list(told.values())


def together(event: Event, other: Event) -> tuple[Event, Event]:
    """Two events in one message, which is sent when the later of them would have been."""
    body = json.dumps({"profiles": [json.loads(event.body), json.loads(other.body)]}, separators=(",", ":"))
    send_at = max(event.send_at, other.send_at)
    return replace(event, body=body, send_at=send_at, copies=()), replace(other, body=body, rides=True)
