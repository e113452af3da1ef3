"""
What goes wrong on the stage, and which alarms it must set off: those named, no others.

Where a scenario sets parameters, it is to shorten the wait: the alarms are worked out with the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from destination_cli.local.org import Fault, FaultKind

from .stage import DELIVER, DESTINATION, Stage
from .traffic import BROKEN_BODY, TRIAL, crm_id, profile

PER_MINUTE = 8
BEGINS = 10
"""The minute in which a fault is switched on."""

Act = Callable[[Stage], None]
Traffic = Callable[[Stage, int], None]


def steady(stage: Stage, minute: int) -> None:
    """A few messages a minute, one of a person who does not want it and one with an address that is none."""
    for _ in range(PER_MINUTE - 2):
        stage.send(profile(stage.numbers))
    stage.send(profile(stage.numbers, consent="n"))
    stage.send(profile(stage.numbers, email="nowhere"))


def trickle(stage: Stage, minute: int) -> None:
    """One message every six minutes."""
    if minute % 6 == 0:
        stage.send(profile(stage.numbers))


def silence(stage: Stage, minute: int) -> None:
    """No message at all."""


def nothing(stage: Stage) -> None:
    """All is well."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    So many minutes of a stack, and `cured` in the minute `cured_at` if it ends.

    `alarms` are all that go on, but for those in `may`, which hang on chance; `wakes` are those that tell the topic, in
    their order.
    """

    name: str
    minutes: int
    begins: Act = nothing
    traffic: Traffic = steady
    parameters: Mapping[str, Any] = field(default_factory=dict)
    alarms: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    wakes: tuple[str, ...] = ()
    cured: Act = nothing
    cured_at: int = -1


def _fault(fault: Fault) -> Act:
    def begin(stage: Stage) -> None:
        stage.org.faults.add(fault)

    return begin


_outage = _fault(Fault(FaultKind.OUTAGE))


def _clear(stage: Stage) -> None:
    stage.org.faults.clear()


def _spoiled(stage: Stage, minute: int) -> None:
    steady(stage, minute)
    if minute >= BEGINS:
        for _ in range(2):
            stage.send(BROKEN_BODY)


def _one_spoiled(stage: Stage, minute: int) -> None:
    steady(stage, minute)
    if minute == BEGINS:
        stage.send(BROKEN_BODY)


def _behind(stage: Stage, minute: int) -> None:
    """After a while most events come with a time of two hours ago, for records that have changed since."""
    steady(stage, minute)
    if minute >= BEGINS:
        for number in range(PER_MINUTE):
            stage.send(profile(number, audience=None), stage.time - 7200)


def _with_trials(stage: Stage, minute: int) -> None:
    steady(stage, minute)
    stage.send(profile(stage.numbers, TRIAL))


def _wrong_credentials(stage: Stage) -> None:
    text = stage.secrets.values["CredentialsSecret"]
    stage.secrets.values["CredentialsSecret"] = text.replace("local-client-secret", "an-old-secret")


def _credentials_and_token_gone(stage: Stage) -> None:
    _wrong_credentials(stage)
    stage.org.admin.revoke_tokens()


def _field_removed(stage: Stage) -> None:
    stage.org.admin.remove_field("Contact", "CDP_Trial__c")


def _field_restored(stage: Stage) -> None:
    stage.org.admin.restore_field("Contact", "CDP_Trial__c")
    # An environment asks the org at most every five minutes whether the field is back, by its own clock.
    stage.restart()


def _calls_spent_by_another(stage: Stage) -> None:
    stage.org.usage.spend(stage.org.now(), 85_000)


def _nearly_all_calls_spent(stage: Stage) -> None:
    stage.org.usage.spend(stage.org.now(), 95_000)


def _wrong_file(stage: Stage) -> None:
    stage.restart(DESTINATION_FILE=str(DESTINATION.parent / "not-there" / DESTINATION.name))


def _aws_hangs(stage: Stage) -> None:
    stage.hanging.add(DELIVER)


def _throttled(stage: Stage) -> None:
    stage.is_throttled = True


def _not_polled(stage: Stage) -> None:
    stage.is_polled = False


def _two(stage: Stage, minute: int) -> None:
    """Two messages, six minutes apart."""
    if minute in (BEGINS, BEGINS + 6):
        stage.send(profile(stage.numbers))


def _locked(stage: Stage, minute: int) -> None:
    """Little traffic, and in it one message for a record that somebody holds."""
    trickle(stage, minute)
    if minute == BEGINS:
        stage.send(profile(400))


STOPPED, WAITING = "DeliveryStoppedAlarm", "MessagesWaitingAlarm"
LETTERS, STALE = "ManyDeadLettersAlarm", "StaleUpdatesAlarm"
IDLE = frozenset({"OldestMessageAlarm", "StuckMessagesAlarm", "NothingFinishedAlarm", STOPPED, WAITING})
"""What goes on where nothing at all is delivered for an hour and a half."""

HEALTHY: tuple[Scenario, ...] = (
    Scenario("all is well", 150),
    Scenario("a message now and then", 150, traffic=trickle),
    Scenario("no message at all", 150, traffic=silence),
    Scenario("Salesforce is down for 8 minutes", 70, _outage, cured=_clear, cured_at=18),
)
"""No alarm may go on, whatever the traffic."""

FAULTS: tuple[Scenario, ...] = (
    Scenario(
        "one message in five is no JSON",
        30,
        traffic=_spoiled,
        alarms=frozenset({"RejectedShareAlarm", "RejectedMessagesAlarm", LETTERS}),
        wakes=(LETTERS,),
    ),
    Scenario("a single message is no JSON", 30, traffic=_one_spoiled, alarms=frozenset({"RejectedMessagesAlarm"})),
    Scenario(
        "Salesforce is down for 2 hours",
        260,
        _outage,
        alarms=frozenset({"TokenRefreshFailingAlarm", "NothingDeliveredAlarm", "OldestMessageAlarm", STOPPED, WAITING}),
        may=frozenset({"SupersededShareAlarm"}),
        wakes=(STOPPED,),
        cured=_clear,
        cured_at=130,
    ),
    Scenario(
        "Salesforce is down for good",
        125,
        _outage,
        trickle,
        {"GiveUpAfterSeconds": 5400},
        alarms=IDLE | {"TokenRefreshFailingAlarm", "NearGivingUpAlarm", LETTERS},
        may=frozenset({"RejectedMessagesAlarm", "NothingDeliveredAlarm"}),
        wakes=(STOPPED, LETTERS),
    ),
    Scenario(
        "the org never answers in time",
        90,
        _fault(Fault(FaultKind.LATENCY, path="/composite", seconds=60.0)),
        trickle,
        {"FunctionTimeoutSeconds": 22},
        alarms=IDLE,
        may=frozenset({"NothingDeliveredAlarm"}),
        wakes=(STOPPED,),
    ),
    Scenario(
        "the client secret was changed",
        40,
        _wrong_credentials,
        alarms=frozenset({"TokenRefreshFailingAlarm", STOPPED}),
        wakes=(STOPPED,),
    ),
    Scenario(
        "the same, and the token revoked",
        90,
        _credentials_and_token_gone,
        silence,
        alarms=frozenset({"TokenRefreshFailingAlarm", "ConnectionProblemsAlarm", STOPPED, WAITING}),
        wakes=(STOPPED,),
    ),
    Scenario(
        "a field is missing in the org",
        230,
        _field_removed,
        _with_trials,
        alarms=frozenset({"DestinationMisfitAlarm", "ConnectionProblemsAlarm", "OldestMessageAlarm", WAITING}),
        wakes=(WAITING,),
        cured=_field_restored,
        cured_at=110,
    ),
    Scenario(
        "AWS hangs, deliver is killed",
        35,
        _aws_hangs,
        _two,
        {"FunctionTimeoutSeconds": 12},
        alarms=frozenset({"DeliverFailingAlarm", "DeliverSlowAlarm", STOPPED}),
        wakes=(STOPPED,),
    ),
    Scenario("Lambda throttles deliver", 90, _throttled, alarms=IDLE | {"DeliverThrottledAlarm"}, wakes=(STOPPED,)),
    Scenario("nobody polls the queue", 90, _not_polled, alarms=IDLE, wakes=(STOPPED,)),
    Scenario(
        "one record is locked for hours",
        200,
        _fault(Fault(FaultKind.LOCK, records=(crm_id(400),))),
        _locked,
        alarms=frozenset({"OldestMessageAlarm", WAITING}),
        wakes=(WAITING,),
    ),
    Scenario(
        "most events come with old times",
        60,
        traffic=_behind,
        alarms=frozenset({"SupersededShareAlarm", STALE}),
        wakes=(STALE,),
    ),
    Scenario("others use up the API calls", 30, _calls_spent_by_another, alarms=frozenset({"ApiUsageAlarm"})),
    Scenario(
        "no API call is left",
        100,
        _nearly_all_calls_spent,
        alarms=frozenset({"ApiUsageAlarm", "NothingDeliveredAlarm", "OldestMessageAlarm", STOPPED, WAITING}),
        wakes=(STOPPED,),
    ),
    Scenario(
        "the destination file is wrong",
        130,
        _wrong_file,
        alarms=(IDLE - {STOPPED}) | {"DestinationMisfitAlarm", "ConnectionProblemsAlarm", "NothingDeliveredAlarm"},
        wakes=(WAITING,),
    ),
)
