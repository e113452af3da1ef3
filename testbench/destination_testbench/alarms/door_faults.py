"""What goes wrong before the queue: traffic through the front door, and what it does not take."""

from __future__ import annotations

from destination_testbench.alarms.faults import BEGINS, PER_MINUTE
from destination_testbench.alarms.stage import Stage
from destination_testbench.alarms.traffic import BROKEN_BODY, profile

NOISE_AT, HICCUP_AT, HICCUP_MINUTES = 65, 80, 2
STRANGERS = 15


def posted(stage: Stage, minute: int) -> None:
    """A few profiles a minute, each in a request."""
    for _ in range(PER_MINUTE):
        stage.post(profile(stage.numbers))


def posted_with_noise(stage: Stage, minute: int) -> None:
    """The same; once a stranger tries the address without the key, and once SQS takes nothing for two minutes."""
    if minute == NOISE_AT:
        for _ in range(STRANGERS):
            stage.post(profile(0), key="a-guess")
    stage.gateway.is_denied = HICCUP_AT <= minute < HICCUP_AT + HICCUP_MINUTES
    posted(stage, minute)


def posted_with_another_key(stage: Stage, minute: int) -> None:
    """After a while the sender has a key that is not taken."""
    for _ in range(PER_MINUTE):
        stage.post(profile(stage.numbers), key="the-old-key" if minute >= BEGINS else "the-key")


def posted_partly_spoiled(stage: Stage, minute: int) -> None:
    """After a while two requests more a minute, whose body nobody can read."""
    posted(stage, minute)
    if minute >= BEGINS:
        for _ in range(2):
            stage.post(BROKEN_BODY)


def denied(stage: Stage) -> None:
    """SQS does not let the front door send: its role, the queue's policy or the key was changed."""
    stage.gateway.is_denied = True


def allowed(stage: Stage) -> None:
    """It does again."""
    stage.gateway.is_denied = False
