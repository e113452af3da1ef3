"""In whatever order messages come, every field ends with its newest value: the guards against the org's rules."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest
from builders import LOYAL, a_membership, a_message, a_profile, an_id
from deliver_function import DeliverStack, error_code
from destination_testbench.org import Fault, FaultKind
from guarded_org import GUARDED, NEWSLETTER, a_guarded_file, a_guarded_org
from moto import mock_aws
from salesforce_destination.outcome import Message


@pytest.fixture(params=[True, False], ids=["all errors at once", "one error at a time"])
def stack(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DeliverStack]:
    with mock_aws():
        org = a_guarded_org(all_errors_at_once=request.param)
        yield DeliverStack(monkeypatch, a_guarded_file(tmp_path), org)


NOW = int(time.time() * 1000)
EARLIER = "2022-01-11T21:24:39Z"
LATER = "2022-02-11T21:24:39Z"


def a_change(number: int, last_name: str, **statuses: tuple[str, str]) -> Message:
    """The message of an event that happened `number` seconds after the first."""
    memberships = {audience: a_membership(*membership) for audience, membership in statuses.items()}
    profile = a_profile(1, last_name=last_name, segmentMembership={"ups": memberships})
    return a_message(profile, number=number, sent_at=NOW, event_time=str(NOW - 10_000 + number * 1000))


def deliver_each_alone(stack: DeliverStack, messages: list[Message], *, cold: bool) -> None:
    for message in messages:
        assert stack.invoke([message]) == []
        if cold:
            stack.start_cold()


@pytest.mark.parametrize("cold", [True, False], ids=["each in a new environment", "in one environment"])
@pytest.mark.parametrize("order", list(permutations([0, 1, 2])))
def test_attributes_end_with_the_newest_event_in_any_order(
    stack: DeliverStack, order: tuple[int, ...], cold: bool
) -> None:
    messages = [a_change(number, f"Name {number}") for number in order]

    deliver_each_alone(stack, messages, cold=cold)

    assert stack.contact(an_id(1))["LastName"] == "Name 2"
    assert stack.dead_letters() == []


@pytest.mark.parametrize("cold", [True, False])
def test_a_membership_that_no_newer_message_repeats_is_written_by_an_older_one(stack: DeliverStack, cold: bool) -> None:
    newer = a_change(2, "Newer", **{LOYAL: ("exited", LATER)})
    older = a_change(1, "Older", **{LOYAL: ("realized", EARLIER), NEWSLETTER: ("realized", EARLIER)})

    deliver_each_alone(stack, [newer, older], cold=cold)

    contact = stack.contact(an_id(1))
    assert (contact["LastName"], contact["CDP_Loyal__c"]) == ("Newer", "exited")
    assert contact["CDP_Newsletter__c"] == "realized"


def test_a_newer_membership_in_an_older_message_is_written_and_the_attributes_are_not(stack: DeliverStack) -> None:
    newer = a_change(2, "Newer", **{LOYAL: ("realized", EARLIER)})
    older = a_change(1, "Older", **{LOYAL: ("exited", LATER)})

    deliver_each_alone(stack, [newer, older], cold=True)

    contact = stack.contact(an_id(1))
    assert (contact["LastName"], contact["CDP_Loyal__c"]) == ("Newer", "exited")


def test_what_is_stale_in_every_part_is_superseded_and_counted(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = a_change(2, "Newer", **{LOYAL: ("exited", LATER)})
    older = a_change(1, "Older", **{LOYAL: ("realized", EARLIER)})

    deliver_each_alone(stack, [newer, older], cold=True)

    assert stack.contact(an_id(1))["LastName"] == "Newer"
    assert '"outcomes":{"superseded":1}' in capsys.readouterr().out
    assert stack.dead_letters() == []


def test_what_is_known_to_be_stale_is_not_sent(stack: DeliverStack) -> None:
    deliver_each_alone(stack, [a_change(2, "Newer"), a_change(1, "Older"), a_change(0, "Oldest")], cold=False)

    assert stack.api_calls() == 1 + 1  # the describe, once in an environment


def test_equal_times_pass(stack: DeliverStack) -> None:
    deliver_each_alone(stack, [a_change(1, "First"), a_change(1, "Second")], cold=True)

    assert stack.contact(an_id(1))["LastName"] == "Second"


def test_an_edit_by_hand_is_not_touched_by_the_guards(stack: DeliverStack) -> None:
    deliver_each_alone(stack, [a_change(1, "First")], cold=True)
    stack.org.admin.edit("Contact", an_id(1), {"LastName": "By hand"})

    deliver_each_alone(stack, [a_change(0, "Older")], cold=True)

    assert stack.contact(an_id(1))["LastName"] == "By hand"


def test_another_rule_of_the_org_is_not_taken_for_a_guard(stack: DeliverStack) -> None:
    stack.org.admin.add_rule("Contact", "No_Email", 'Email = "no@example.com"', "Not this address")
    profile = a_profile(1, email="no@example.com")

    assert stack.invoke([a_message(profile, sent_at=NOW), a_message(a_profile(2), number=2)]) == ["message-1"]
    assert stack.invoke([a_message(profile, sent_at=NOW, receive_count=2), a_message(a_profile(3), number=3)]) == []
    assert [error_code(letter) for letter in stack.dead_letters()] == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]


def test_the_guilty_event_of_a_merged_record_is_rejected_and_the_others_are_written(stack: DeliverStack) -> None:
    good = a_change(0, "Good", **{LOYAL: ("realized", EARLIER)})
    bad = a_message(a_profile(1, email="no address"), number=1, sent_at=NOW, event_time=str(NOW - 9_000))
    last = a_change(2, "Last")

    assert stack.invoke([good, bad, last]) == []

    contact = stack.contact(an_id(1))
    assert (contact["LastName"], contact["CDP_Loyal__c"]) == ("Last", "realized")
    (letter,) = stack.dead_letters()
    assert letter["Body"] == bad.body


@pytest.mark.parametrize("event_time", ["soon", "17", "9999999999999", "1795474990892000"])
def test_an_event_time_that_would_freeze_the_record_is_rejected(stack: DeliverStack, event_time: str) -> None:
    assert stack.invoke([a_message(sent_at=NOW, event_time=event_time)]) == []
    assert [error_code(letter) for letter in stack.dead_letters()] == ["EVENT_TIME_INVALID"]
    assert "CDP_Event_Time__c" not in stack.contact(an_id(1))


def test_a_message_that_is_deferred_while_a_newer_one_is_written_does_not_undo_it(stack: DeliverStack) -> None:
    older, newer = a_change(1, "Older"), a_change(2, "Newer")
    stack.org.faults.add(Fault(FaultKind.LOCK, times=1, records=(an_id(1),)))

    assert stack.invoke([older]) == ["message-1"]
    stack.start_cold()
    deliver_each_alone(stack, [newer, older], cold=True)

    assert stack.contact(an_id(1))["LastName"] == "Newer"


CONSENT = "\n[profiles]\nonly_if = \"consent == 'y'\"\n"


def test_who_consents_again_is_in_the_audience_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with mock_aws():
        file = a_guarded_file(tmp_path)
        file.write_text(file.read_text() + CONSENT)
        stack = DeliverStack(monkeypatch, file, a_guarded_org())
        states: list[object] = []
        for number, consent in enumerate("yny"):
            profile = a_profile(1, statuses={LOYAL: "realized"}, consent=consent)
            event_time = str(NOW - 10_000 + number * 1000)
            assert stack.invoke([a_message(profile, sent_at=NOW, event_time=event_time)]) == []
            states.append(stack.contact(an_id(1))["CDP_Loyal__c"])
            stack.start_cold()

    assert states == ["realized", "exited", "realized"]


def test_a_stale_event_of_a_merged_record_takes_nothing_from_the_newer_ones(stack: DeliverStack) -> None:
    deliver_each_alone(stack, [a_change(5, "Held")], cold=True)
    stale = a_change(3, "Stale", **{LOYAL: ("realized", LATER)})
    good = a_change(7, "Good")
    guilty = a_message(
        a_profile(1, last_name="Guilty", email="no address"), number=8, sent_at=NOW, event_time=str(NOW - 2000)
    )

    assert stack.invoke([stale, good, guilty]) == []

    contact = stack.contact(an_id(1))
    assert (contact["LastName"], contact["CDP_Loyal__c"]) == ("Good", "realized")
    assert [letter["Body"] for letter in stack.dead_letters()] == [guilty.body]


def test_names_in_another_case_of_letters_are_guarded_too(stack: DeliverStack) -> None:
    stack.destination_file.write_text(re.sub(r'"Contact"|"LastName"|"CDP_\w+"', lambda name: name[0].lower(), GUARDED))
    newer = a_change(2, "Newer", **{LOYAL: ("exited", LATER)})
    older = a_change(1, "Older", **{LOYAL: ("realized", EARLIER), NEWSLETTER: ("realized", EARLIER)})

    deliver_each_alone(stack, [newer, older], cold=True)

    contact = stack.contact(an_id(1))
    assert (contact["LastName"], contact["CDP_Loyal__c"]) == ("Newer", "exited")
    assert contact["CDP_Newsletter__c"] == "realized"
    assert stack.dead_letters() == []
