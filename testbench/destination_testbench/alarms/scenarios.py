"""What happens on the stage, and which alarms it must set off: those named, no others.

Where a scenario sets parameters, it is to shorten the wait: the alarms are worked out with the same values.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from destination_testbench.alarms import faults
from destination_testbench.alarms.faults import Act, Traffic
from destination_testbench.alarms.stack_alarms import EVERYTHING
from destination_testbench.alarms.traffic import crm_id
from destination_testbench.org import Fault, FaultKind


@dataclass(frozen=True, slots=True)
class AlarmScenario:
    """So many minutes of a stack, and `cured` in the minute `cured_at` if it ends.

    `alarms` are all that go on, but for those in `may`, which hang on chance; `wakes` are those that tell the topic, in
    their order.
    """

    name: str
    minutes: int
    begins: Act = faults.nothing
    traffic: Traffic = faults.steady
    parameters: Mapping[str, Any] = field(default_factory=dict)
    alarms: Set[str] = frozenset()
    may: Set[str] = frozenset()
    wakes: tuple[str, ...] = ()
    cured: Act = faults.nothing
    cured_at: int = -1
    is_new: bool = False


STOPPED, WAITING = "DeliveryStoppedAlarm", "MessagesWaitingAlarm"
LETTERS, STALE = "ManyDeadLettersAlarm", "StaleUpdatesAlarm"
NOT_TAKEN, NOBODY = "ProfilesNotTakenAlarm", "NobodyPermittedAlarm"
NEW = frozenset({"SchedulesStoppedAlarm", "NeverScheduledAlarm"})
IDLE = frozenset({"OldestMessageAlarm", "StuckMessagesAlarm", "NothingFinishedAlarm", STOPPED, WAITING})
"""What goes on where nothing at all is delivered for two hours."""

HEALTHY: tuple[AlarmScenario, ...] = (
    AlarmScenario("all is well", 150),
    AlarmScenario("a message now and then", 150, traffic=faults.trickle),
    AlarmScenario("no message at all", 150, traffic=faults.silence),
    # The shortest time-out with which a request is sent at all; it waits until 20 seconds before the end.
    AlarmScenario(
        "the org does not answer in time",
        34,
        faults.switched_on(Fault(FaultKind.LATENCY, path="/composite", seconds=60.0)),
        faults.two,
        {"FunctionTimeoutSeconds": 31},
    ),
    AlarmScenario("Salesforce is down for 8 minutes", 70, faults.outage, cured=faults.clear, cured_at=18),
    AlarmScenario("one person in twenty is new", 150, traffic=faults.some_new),
    AlarmScenario("SQS fails for 2 minutes", 150, traffic=faults.posted_with_noise, parameters=EVERYTHING),
)
"""No alarm may go on: whatever the traffic, if a call hangs, in an outage of minutes, for strangers and new people."""

FAULTS: tuple[AlarmScenario, ...] = (
    AlarmScenario("a new stack is left for 8 hours", 480, traffic=faults.silence, alarms=NEW, is_new=True),
    AlarmScenario(
        "one message in five is not JSON",
        30,
        traffic=faults.spoiled,
        alarms={"RejectedShareAlarm", "RejectedMessagesAlarm", LETTERS},
        wakes=(LETTERS,),
    ),
    AlarmScenario("a single message is not JSON", 30, traffic=faults.one_spoiled, alarms={"RejectedMessagesAlarm"}),
    AlarmScenario(
        "Salesforce is down for 2 hours",
        260,
        faults.outage,
        alarms={"TokenRefreshFailingAlarm", "NothingDeliveredAlarm", "OldestMessageAlarm", STOPPED, WAITING},
        may={"SupersededShareAlarm"},
        wakes=(STOPPED,),
        cured=faults.clear,
        cured_at=130,
    ),
    AlarmScenario(
        "Salesforce is down for good",
        150,
        faults.outage,
        faults.trickle,
        {"GiveUpAfterSeconds": 7200},
        alarms=IDLE | {"TokenRefreshFailingAlarm", "NearGivingUpAlarm", LETTERS},
        may={"RejectedMessagesAlarm", "NothingDeliveredAlarm"},
        wakes=(STOPPED, LETTERS),
    ),
    AlarmScenario(
        "the client secret was changed",
        40,
        faults.wrong_credentials,
        alarms={"TokenRefreshFailingAlarm", STOPPED},
        wakes=(STOPPED,),
    ),
    AlarmScenario(
        "the same, and the token revoked",
        90,
        faults.credentials_and_token_gone,
        faults.silence,
        alarms={"TokenRefreshFailingAlarm", "ConnectionProblemsAlarm", STOPPED, WAITING},
        wakes=(STOPPED,),
    ),
    AlarmScenario(
        "a field is missing in the org",
        230,
        faults.field_removed,
        faults.with_trials,
        alarms={"SchemaMismatchAlarm", "ConnectionProblemsAlarm", "OldestMessageAlarm", WAITING},
        wakes=(WAITING,),
        cured=faults.field_restored,
        cured_at=110,
    ),
    AlarmScenario(
        "AWS hangs, deliver is killed",
        35,
        faults.aws_hangs,
        faults.two,
        {"FunctionTimeoutSeconds": 12},
        alarms={"DeliverFailingAlarm", "DeliverSlowAlarm", STOPPED},
        wakes=(STOPPED,),
    ),
    AlarmScenario(
        "Lambda throttles deliver", 125, faults.throttled, alarms=IDLE | {"DeliverThrottledAlarm"}, wakes=(STOPPED,)
    ),
    AlarmScenario("nobody polls the queue", 125, faults.not_polled, alarms=IDLE, wakes=(STOPPED,)),
    AlarmScenario(
        "one record is locked for hours",
        200,
        faults.switched_on(Fault(FaultKind.LOCK, records=(crm_id(400),))),
        faults.locked,
        alarms={"OldestMessageAlarm", WAITING},
        wakes=(WAITING,),
    ),
    AlarmScenario(
        "most events have old times", 60, traffic=faults.behind, alarms={"SupersededShareAlarm", STALE}, wakes=(STALE,)
    ),
    AlarmScenario(
        "only_if is wrong", 30, traffic=faults.kept_out, alarms={"ProfilesKeptOutAlarm", NOBODY}, wakes=(NOBODY,)
    ),
    AlarmScenario(
        "everybody seems to be new",
        60,
        traffic=faults.all_new,
        alarms={"CreationsHeldAlarm", WAITING},
        wakes=(WAITING,),
    ),
    AlarmScenario("others use up the API calls", 30, faults.calls_spent(85_000), alarms={"ApiUsageAlarm"}),
    AlarmScenario(
        "no API call is left",
        100,
        faults.calls_spent(95_000),
        alarms={"ApiUsageAlarm", "NothingDeliveredAlarm", "OldestMessageAlarm", STOPPED, WAITING},
        wakes=(STOPPED,),
    ),
    AlarmScenario("jobs use up Apex's limit", 35, faults.apex_spent, faults.trickle, alarms={"LimitsMetAlarm"}),
    AlarmScenario(
        "the destination file is wrong",
        130,
        faults.wrong_file,
        alarms=(IDLE - {STOPPED}) | {"SchemaMismatchAlarm", "ConnectionProblemsAlarm", "NothingDeliveredAlarm"},
        wakes=(WAITING,),
    ),
    AlarmScenario(
        "the Scheduler is denied",
        160,
        faults.not_permitted,
        faults.silence,
        alarms={"SchedulesFailingAlarm", "SchedulesStoppedAlarm", WAITING},
        wakes=(WAITING,),
    ),
    AlarmScenario(
        "messages come before connect",
        130,
        traffic=faults.two,
        alarms=NEW | {"OldestMessageAlarm", "StuckMessagesAlarm", WAITING},
        wakes=(WAITING,),
        is_new=True,
    ),
    AlarmScenario(
        "SQS refuses the front door",
        100,
        faults.denied,
        faults.posted,
        EVERYTHING,
        alarms={"FrontDoorFailingAlarm", NOT_TAKEN},
        wakes=(NOT_TAKEN,),
        cured=faults.allowed,
        cured_at=30,
    ),
    AlarmScenario(
        "the sender has a wrong key",
        30,
        traffic=faults.posted_with_another_key,
        parameters=EVERYTHING,
        alarms={"FrontDoorRefusingAlarm"},
    ),
)
