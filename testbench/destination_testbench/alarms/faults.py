"""What can be done to a stage: traffic, and what goes wrong, before the queue and after it."""

from __future__ import annotations

import random
from collections.abc import Callable

from destination_testbench.alarms.stage import DELIVER, DESTINATION, AlarmStage
from destination_testbench.alarms.traffic import BROKEN_BODY, TRIAL, newcomer, profile
from destination_testbench.org import Fault, FaultKind

PER_MINUTE = 8
BEGINS = 10
"""The minute in which a fault is switched on."""

Act = Callable[[AlarmStage], None]
Traffic = Callable[[AlarmStage, int], None]


def steady(stage: AlarmStage, minute: int) -> None:
    """A few messages a minute, one of a person who does not want it and one with an address that is none."""
    for _ in range(PER_MINUTE - 2):
        stage.send(profile(stage.numbers))
    stage.send(profile(stage.numbers, consent="n"))
    stage.send(profile(stage.numbers, email="nowhere"))


def trickle(stage: AlarmStage, minute: int) -> None:
    """One message every six minutes."""
    if minute % 6 == 0:
        stage.send(profile(stage.numbers))


def silence(stage: AlarmStage, minute: int) -> None:
    """No message at all."""


def nothing(stage: AlarmStage) -> None:
    """All is well."""


def switched_on(fault: Fault) -> Act:
    """A fault of the org, on until it is cleared."""

    def begin(stage: AlarmStage) -> None:
        stage.org.faults.add(fault)

    return begin


outage = switched_on(Fault(FaultKind.OUTAGE))
"""Salesforce answers every call with 503."""

apex_spent = switched_on(Fault(FaultKind.RECORD_ERROR, code="UNKNOWN_EXCEPTION", message="AsyncApexExecutions"))
"""Other jobs have used up the org's Apex of 24 hours: no trigger can begin one."""


def clear(stage: AlarmStage) -> None:
    """Switch off every fault of the org."""
    stage.org.faults.clear()


def spoiled(stage: AlarmStage, minute: int) -> None:
    """After a while two messages more a minute, which nobody can read."""
    steady(stage, minute)
    if minute >= BEGINS:
        for _ in range(2):
            stage.send(BROKEN_BODY)


def kept_out(stage: AlarmStage, minute: int) -> None:
    """After a while a few messages a minute, all of people who do not want it."""
    for _ in range(PER_MINUTE if minute >= BEGINS else 0):
        stage.send(profile(stage.numbers, consent="n"))


def some_new(stage: AlarmStage, minute: int) -> None:
    """More messages a minute, and one of twenty people is new to the org."""
    draw = random.Random(minute)
    for _ in range(2 * PER_MINUTE):
        stage.send((newcomer if draw.random() < 0.05 else profile)(stage.numbers))


def all_new(stage: AlarmStage, minute: int) -> None:
    """After a while the source gives something of its own for each message, as that of a device may."""
    for _ in range(PER_MINUTE):
        stage.send((newcomer if minute >= BEGINS else profile)(stage.numbers))


def one_spoiled(stage: AlarmStage, minute: int) -> None:
    """One message in all that nobody can read."""
    steady(stage, minute)
    if minute == BEGINS:
        stage.send(BROKEN_BODY)


def behind(stage: AlarmStage, minute: int) -> None:
    """After a while most events come with a time of two hours ago, for records that have changed since."""
    steady(stage, minute)
    if minute >= BEGINS:
        for number in range(PER_MINUTE):
            stage.send(profile(number, audience=None), stage.time - 7200)


def with_trials(stage: AlarmStage, minute: int) -> None:
    """A message more a minute, for the audience of the trial users."""
    steady(stage, minute)
    stage.send(profile(stage.numbers, TRIAL))


def wrong_credentials(stage: AlarmStage) -> None:
    """Somebody has changed the secret in Salesforce, and not here."""
    text = stage.secrets.values["CredentialsSecret"]
    stage.secrets.values["CredentialsSecret"] = text.replace("local-client-secret", "an-old-secret")


def credentials_and_token_gone(stage: AlarmStage) -> None:
    """The same, and Salesforce takes the access token no more."""
    wrong_credentials(stage)
    stage.org.admin.revoke_tokens()


def field_removed(stage: AlarmStage) -> None:
    """An administrator deletes a field."""
    stage.org.admin.remove_field("Contact", "CDP_Trial__c")


def field_restored(stage: AlarmStage) -> None:
    """The administrator takes it out of the bin again."""
    stage.org.admin.restore_field("Contact", "CDP_Trial__c")
    # An environment asks the org at most every five minutes whether the field is back, by its own clock.
    stage.restart()


def calls_spent(count: int) -> Act:
    """Another integration uses up so many API calls."""
    return lambda stage: stage.org.usage.spend(stage.org.now(), count)


def wrong_file(stage: AlarmStage) -> None:
    """A deployment without the destination file."""
    stage.restart(DESTINATION_FILE=str(DESTINATION.parent / "not-there" / DESTINATION.name))


def aws_hangs(stage: AlarmStage) -> None:
    """AWS does not answer the deliver function any more."""
    stage.hanging.add(DELIVER)


def throttled(stage: AlarmStage) -> None:
    """Lambda lets the deliver function run no more."""
    stage.is_throttled = True


def not_polled(stage: AlarmStage) -> None:
    """Lambda reads the queue no more."""
    stage.is_polled = False


def not_permitted(stage: AlarmStage) -> None:
    """The Scheduler may invoke nothing more: its roles lost their rights."""
    stage.may_start = False


def two(stage: AlarmStage, minute: int) -> None:
    """Two messages, six minutes apart."""
    if minute in (BEGINS, BEGINS + 6):
        stage.send(profile(stage.numbers))


def locked(stage: AlarmStage, minute: int) -> None:
    """Little traffic, and in it one message for a record that somebody holds."""
    trickle(stage, minute)
    if minute == BEGINS:
        stage.send(profile(400))


NOISE_AT, HICCUP_AT, HICCUP_MINUTES, STRANGERS = 65, 80, 2, 15


def posted(stage: AlarmStage, minute: int) -> None:
    """A few profiles a minute, each in a request."""
    for _ in range(PER_MINUTE):
        stage.post(profile(stage.numbers))


def posted_with_noise(stage: AlarmStage, minute: int) -> None:
    """The same; once a stranger tries the address without the key, and once SQS takes nothing for two minutes."""
    if minute == NOISE_AT:
        for _ in range(STRANGERS):
            stage.post(profile(0), key="a-guess")
    stage.gateway.is_denied = HICCUP_AT <= minute < HICCUP_AT + HICCUP_MINUTES
    posted(stage, minute)


def posted_with_another_key(stage: AlarmStage, minute: int) -> None:
    """After a while the sender has a key that is not taken."""
    for _ in range(PER_MINUTE):
        stage.post(profile(stage.numbers), key="the-old-key" if minute >= BEGINS else "the-key")


def denied(stage: AlarmStage) -> None:
    """SQS does not let the front door send: its role, the queue's policy or the key was changed."""
    stage.gateway.is_denied = True


def allowed(stage: AlarmStage) -> None:
    """It does again."""
    stage.gateway.is_denied = False
