"""
The stack in an AWS that is not ours: the transformed template deployed with what `sam build` makes, and messages by its
event source mapping, schedule, queues and secrets to the org, with IAM enforced and TLS everywhere.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from destination_testbench.template.template import whole
from local_stack import wait_until, waiting
from ministack_differences import BY_CALL, publish_metrics
from ministack_side import Side, a_body
from queue_scripts import SCRIPTS, Differences, Place, Seen, expected, place_on
from the_template import resolver

pytestmark = [pytest.mark.ministack, pytest.mark.timeout(300)]

MOST_ATTRIBUTES = 10
MINISTACK_TAKES: Differences = {
    # It says that the handle of a deleted message is invalid, and hides a message for more than twelve hours in all.
    ("a_life", 11): "ReceiptHandleIsInvalid",
    ("refused_visibility", 0): [("0", True)],
    **{("attributes", place): "none" for place in range(6)},
    ("attributes", 6): [],
    ("attributes", 7): ["0", "1"],
}


def test_everything_that_the_template_says_is_there(side: Side) -> None:
    says = resolver()
    wanted = {
        name: resource["Type"]
        for name, resource in whole(side.package.parts).resources.items()
        if "Condition" not in resource or says.holds(resource["Condition"])
    }

    made = {name: kind for name, (kind, _) in side.stack.resources.items()}
    others = {name for name, kind in wanted.items() if made.get(name) != kind}
    assert len(wanted) > 40
    assert wanted.keys() <= made.keys()
    assert {wanted[name] for name in others} == set(BY_CALL)


def test_a_rule_of_the_template_refuses_what_does_not_go_together(side: Side) -> None:
    with pytest.raises(ClientError, match=r"SubnetIds needs SecurityGroupIds\."):
        side.aws.deploy(side.package, {"SubnetIds": "subnet-0123456789abcdef0"}, "another")


def test_a_thousand_messages_come_through_the_event_source_mapping_and_are_written(side: Side) -> None:
    ids = side.contacts(1_000)
    since = int(time.time() * 1000)

    with side.measured("1,000 messages sent and delivered") as said:
        side.run("send", "-", typed="\n".join(a_body(identity, "Diallo") for identity in ids))
        wait_until(lambda: side.held(ids) == ["Diallo"] * len(ids), 60)
        side.drained()
        said.append(f"{side.held(ids).count('Diallo'):,} records written")

    group = side.stack.outputs["DeliverLogGroupName"]
    assert publish_metrics(side.aws.client("logs"), side.aws.client("cloudwatch"), group, since) > 0
    status = json.loads(side.run("status", "--json", status=1))
    assert status["activity"]["hour"]["RecordsDelivered"] == 1_000
    assert status["dead_letters"] == 0
    assert "audience Loyal customers -> CDP_Loyal__c" in status["never_found"]  # these profiles have a last name alone


def test_the_schedule_asks_through_the_fifo_queue_for_a_token_that_is_stored(side: Side) -> None:
    scheduler, secrets = side.aws.client("scheduler"), side.aws.client("secretsmanager")
    secret = side.stack.outputs["AccessTokenSecretArn"]
    before = secrets.get_secret_value(SecretId=secret)["SecretString"]
    schedule = scheduler.get_schedule(Name=side.stack.physical("RefreshTokenSchedule"))
    due = datetime.now(UTC) - timedelta(seconds=1)

    with side.measured("the schedule of the token") as said:
        # Its own rate is an hour; a copy is due now.
        same = {name: schedule[name] for name in ("FlexibleTimeWindow", "Target")}
        scheduler.create_schedule(Name="due-now", ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})", **same)
        wait_until(lambda: secrets.get_secret_value(SecretId=secret)["SecretString"] != before, 60)
        said.append("a new token is stored")

    assert "access_token" in json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])


def test_of_a_batch_only_what_was_deferred_comes_again(side: Side) -> None:
    ids = side.contacts(10)
    side.org.faults.lock(ids[:3], tries=1)
    before = outcomes(side)
    side.run("pause")
    side.send([a_body(identity, "Haddad") for identity in ids])

    with side.measured("10 messages of which 3 meet a lock") as said:
        side.run("resume")
        wait_until(lambda: side.held(ids) == ["Haddad"] * 10, 90)
        side.drained()
        found = outcomes(side) - before
        said.append(f"{found['delivered']} delivered, {found['deferred']} of them deferred first")

    assert found == {"delivered": 10, "deferred": 3}
    assert side.letters() == []


def outcomes(side: Side) -> Counter[str]:
    """How often each outcome stands in the deliver function's log."""
    events = side.aws.client("logs").filter_log_events(logGroupName=side.stack.outputs["DeliverLogGroupName"])["events"]
    counts: Counter[str] = Counter()
    for event in events:
        found = json.loads(event["message"]) if event["message"].startswith('{"level"') else {}
        counts.update(found.get("outcomes", {}))
    return counts


def test_a_dead_letter_with_ten_attributes_keeps_the_senders_and_is_redriven_to_the_org(side: Side) -> None:
    (identity,) = side.contacts(1)
    side.org.admin.delete("Contact", identity)
    side.send([a_body(identity, "Mbeki")])
    (ours,) = wait_until(side.letters, 60)
    room = MOST_ATTRIBUTES - len(ours["MessageAttributes"])
    senders = {f"Sender{number}": {"DataType": "String", "StringValue": str(number)} for number in range(room)}
    side.send([a_body(identity, "Mbeki")], senders)

    with side.measured("a dead letter with ten attributes") as said:
        wait_until(lambda: waiting(side.aws.client("sqs"), side.stack.outputs["DeadLetterQueueUrl"]) == (1, 0), 60)
        side.org.admin.undelete("Contact", identity)
        (letter,) = side.letters(keep=True)
        redriven = json.loads(side.run("dead-letters", "--redrive", "--json"))
        wait_until(lambda: side.held([identity]) == ["Mbeki"], 60)
        side.drained()
        said.append("redriven and written")

    attributes = letter["MessageAttributes"]
    assert len(attributes) == MOST_ATTRIBUTES
    assert {name: it for name, it in attributes.items() if name in senders} == senders
    assert redriven["sent"] == 1
    assert side.letters() == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_the_model_of_sqs_answers_as_ministack_does(side: Side, script: Callable[[Place], Seen]) -> None:
    sqs = side.aws.client("sqs")
    place = place_on(sqs)

    seen = script(place)

    assert seen == expected(script, MINISTACK_TAKES)
    for url in (place.queue, place.letters, place.fifo):
        sqs.delete_queue(QueueUrl=url)
    side.rows.append((f"calls to SQS: {script.__name__}", f"{len(seen)} answers compared", 0.0))
