"""What happens to a message before its records are written, and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from builders import CONTACTS, SENT_AT, a_destination, a_message, a_profile, an_id
from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.delivery.deliverer import Deliverer, Limits
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import (
    DELIVERED,
    SKIPPED,
    SUPERSEDED,
    Delivery,
    Message,
    Outcome,
    OutcomeKind,
    Wait,
    WaitingParts,
    deferred,
)
from salesforce_destination.profile.profile import Profile
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.record import Update
from scripted_org import ScriptedOrg, a_deliverer, deliver

LOCKED = RecordError("UNABLE_TO_LOCK_ROW", "its text", ("LastName",))
REFUSED = RecordError("INVALID_EMAIL_ADDRESS", "its text", ("Email",))
OPTED_OUT = '\n[profiles]\nonly_if = "consent"\nwhen_skipped = "leave"\n'


@dataclass
class World:
    """The queues and the marker around a deliverer: what they were asked, and which messages they refuse."""

    refused_letters: frozenset[str] = frozenset()
    refused_delays: int = 0
    suspects: frozenset[str] = frozenset()
    marks: list[str] = field(default_factory=list)
    letters: list[list[str]] = field(default_factory=list)
    delays: list[list[tuple[str, int]]] = field(default_factory=list)
    refused_parts: frozenset[str] = frozenset()
    parts: list[tuple[str, int]] = field(default_factory=list)

    def is_suspect(self, message_id: str) -> bool:
        return message_id in self.suspects

    def mark(self, message_id: str) -> None:
        self.marks.append(message_id)

    def clear(self) -> None:
        self.marks.append("")

    def send(self, deliveries: Sequence[Delivery], delays: Sequence[int] = ()) -> frozenset[str]:
        if delays:
            self.parts += [(each.message.id, delay) for each, delay in zip(deliveries, delays, strict=True)]
            return self.refused_parts
        self.letters.append([delivery.message.id for delivery in deliveries])
        return self.refused_letters

    def set(self, delays: Sequence[tuple[Message, int]]) -> int:
        self.delays.append([(message.id, seconds) for message, seconds in delays])
        return self.refused_delays


def run(
    *messages: Message,
    answers: Sequence[RecordError] = (),
    world: World | None = None,
    more: str = "",
    mapper: Mapper | None = None,
    visibility: int = 10_000,
) -> Batch:
    destination = a_destination(CONTACTS, more)
    made = a_full_deliverer(mapper or Mapper(destination), ScriptedOrg(destination, answers), world, visibility)
    return made.deliver(messages, SENT_AT)


def a_full_deliverer(mapper: Mapper, org: ScriptedOrg, world: World | None, visibility: int = 10_000) -> Deliverer:
    around, backoff = world or World(), Backoff(30, 1800, visibility, lambda: 1.0)
    return Deliverer(mapper, org, Memory(lambda: 0.0), around, around, around, around, backoff, Limits())


def concluded(*deliveries: Delivery, world: World, visibility: int = 10_000) -> Batch:
    """A batch whose messages were written and came to this, given up and settled."""
    destination, batch = a_destination(), Batch([delivery.message for delivery in deliveries])
    batch.exceptions = dict(enumerate(deliveries))
    deliverer = a_full_deliverer(Mapper(destination), ScriptedOrg(destination), world, visibility)
    deliverer._give_up(batch, SENT_AT)
    deliverer._settle(batch)
    return batch


def in_parts(number: int, wait: Wait = Wait.BACKOFF, person: Outcome = DELIVERED, **more: Any) -> Delivery:
    """A message whose person is settled, and that has a row left."""
    message = a_message(number=number, **more)
    parts = WaitingParts({0: ("row a",)}, message.waits_since, message.attempts)
    return Delivery(message, person, SENT_AT, (0,), 1, None, parts, deferred("UNABLE_TO_LOCK_ROW", wait, "its text"))


def codes(batch: Batch) -> list[str | None]:
    return [delivery.outcome.reason.code if delivery.outcome.reason else None for delivery in batch.deliveries]


def text_of(delivery: Delivery) -> str:
    assert delivery.outcome.reason
    return delivery.outcome.reason.text


def test_a_batch_keeps_to_200_records_90_percent_and_five_days_unless_told_otherwise() -> None:
    assert Limits() == Limits(200, 90.0, 432_000)


def test_each_message_is_marked_before_it_is_read_and_none_is_when_all_are() -> None:
    world = World()

    run(a_message(number=1), a_message("nonsense", number=2), world=world)

    assert world.marks == ["message-1", "message-2", ""]


def test_a_message_over_which_a_process_died_is_rejected_unread_and_its_neighbours_are_delivered() -> None:
    world = World(suspects=frozenset({"message-1"}))

    batch = run(a_message("nonsense", number=1), a_message(number=2), world=world)

    assert codes(batch) == ["KILLED_THE_FUNCTION", None]
    assert world.marks == ["message-2", ""]


def test_an_unexpected_fault_is_its_messages_alone_and_names_no_value() -> None:
    class Faulty(Mapper):
        def map(self, profile: Profile, message_time: int | None, sent_at: int, several: bool = False) -> Update | None:
            if "secret" in str(profile):
                raise RuntimeError("secret")
            return super().map(profile, message_time, sent_at, several)

    batch = run(a_message(a_profile(last_name="secret")), a_message(number=2), mapper=Faulty(a_destination()))

    assert codes(batch) == ["UNEXPECTED_FAULT", None]
    assert text_of(batch.deliveries[0]) == "RuntimeError while the profile was mapped."


NOT_A_NUMBER = "is not a number of milliseconds since 1970"
OUTSIDE = "is outside 2001 to 2286"


@pytest.mark.parametrize(
    ("event_time", "problem"),
    [
        ("9" * 20, OUTSIDE),
        ("9" * 21, NOT_A_NUMBER),
        ("", NOT_A_NUMBER),
        ("-5", NOT_A_NUMBER),
        ("²", NOT_A_NUMBER),
        ("\u0661", NOT_A_NUMBER),  # a digit, but not of ASCII
    ],
)
def test_the_attribute_event_time_has_at_most_twenty_digits(event_time: str, problem: str) -> None:
    batch = run(a_message(event_time=event_time))

    assert codes(batch) == ["EVENT_TIME_INVALID"]
    assert problem in text_of(batch.deliveries[0])


def test_a_dead_letter_shows_forty_characters_of_a_bad_event_time() -> None:
    batch = run(a_message(event_time="x" * 41))

    assert f"{'x' * 40!r}" in text_of(batch.deliveries[0])


def test_profiles_are_counted_where_their_message_could_be_read() -> None:
    batch = run(a_message(), a_message({"profiles": [a_profile(2), {}]}, number=2), a_message("nonsense", number=3))

    assert batch.profiles == 3


@pytest.mark.parametrize("profiles", [1, 2])
def test_a_skipped_message_keeps_the_time_of_its_event(profiles: int) -> None:
    body = {"profiles": [a_profile(number) for number in range(1, profiles + 1)]}

    (delivery,) = run(a_message(body, event_time=str(SENT_AT - 7)), more=OPTED_OUT).deliveries

    assert (delivery.outcome.kind, delivery.event_time) == (OutcomeKind.SKIPPED, SENT_AT - 7)
    assert delivery.failed_profiles == ()


def test_the_dead_letters_of_a_batch_are_sent_together_and_the_delays_too() -> None:
    world = World()
    messages = [a_message(number=number) for number in range(1, 6)]

    batch = run(*messages, answers=[LOCKED, REFUSED, REFUSED, LOCKED], world=world)

    assert world.letters == [["message-2", "message-3"]]
    assert world.delays == [[("message-1", 60), ("message-4", 60)]]
    assert batch.kept == ["message-1", "message-4"]
    assert (batch.dead_letters_refused, batch.delays_refused) == (0, 0)


def test_a_good_batch_asks_neither_queue_for_anything() -> None:
    world = World()

    run(a_message(), world=world)

    assert (world.letters, world.delays) == ([], [])


def test_a_delay_that_the_queue_has_anyway_is_not_set() -> None:
    world = World(refused_delays=7)

    batch = run(a_message(), answers=[LOCKED], world=world, visibility=60)

    assert (world.delays, batch.delays_refused, batch.kept) == ([], 0, ["message-1"])


def test_delays_that_could_not_be_set_are_counted() -> None:
    assert run(a_message(), answers=[LOCKED], world=World(refused_delays=1)).delays_refused == 1


def test_a_dead_letter_that_could_not_be_sent_makes_its_message_wait_as_a_lock_does() -> None:
    world = World(refused_letters=frozenset({"message-2"}))
    messages = [a_message(number=number, receive_count=2) for number in (1, 2)]

    batch = run(*messages, answers=[REFUSED, REFUSED], world=world)

    assert codes(batch) == ["INVALID_EMAIL_ADDRESS", "DEAD_LETTER_QUEUE_UNAVAILABLE"]
    assert (batch.kept, batch.dead_letters_refused) == (["message-2"], 1)
    assert world.delays == [[("message-2", 120)]]


@pytest.mark.parametrize(("age_ms", "is_given_up"), [(431_999_999, False), (432_000_000, True)])
def test_what_still_waits_after_five_days_is_rejected_with_its_last_reason(age_ms: int, is_given_up: bool) -> None:
    (delivery,) = run(a_message(sent_at=SENT_AT - age_ms, receive_count=400), answers=[LOCKED]).deliveries

    reason = delivery.outcome.reason
    assert reason is not None
    assert (reason.code, reason.fields) == ("UNABLE_TO_LOCK_ROW", ("LastName",))
    assert reason.text == ("Given up after 400 tries. its text" if is_given_up else "its text")
    assert delivery.outcome.kind is (OutcomeKind.REJECTED if is_given_up else OutcomeKind.DEFERRED)


def test_parts_wait_in_a_message_of_the_functions_own_and_their_message_is_deleted() -> None:
    world = World()
    people = DELIVERED, SUPERSEDED, SKIPPED
    waiting = [in_parts(number, person=person) for number, person in enumerate(people)]

    batch = concluded(*waiting, in_parts(3, Wait.UNTIL_MENDED, receive_count=3), world=world)

    assert world.parts == [("message-0", 60), ("message-1", 60), ("message-2", 60), ("message-3", 1800)]
    assert [each.outcome.kind for each in batch.deliveries] == ["delivered", "superseded", "skipped", "delivered"]
    assert (batch.kept, batch.own_messages_refused, world.delays, world.letters) == ([], 0, [], [])


def test_parts_wait_as_long_as_the_queue_has_it_anyway_where_that_is_close_enough() -> None:
    world = World()

    concluded(in_parts(1, Wait.UNTIL_MENDED), world=world, visibility=1_800)

    assert world.parts == [("message-1", 1_800)]


def test_a_message_whose_parts_did_not_arrive_waits_whole() -> None:
    world = World(refused_parts=frozenset({"message-2"}))

    batch = concluded(in_parts(1), in_parts(2), world=world)

    assert (batch.kept, batch.own_messages_refused) == (["message-2"], 1)
    assert world.delays == [[("message-2", 60)]]
    assert codes(batch) == [None, "UNABLE_TO_LOCK_ROW"]


BEFORE = WaitingParts({0: ("row a", "row b")}, SENT_AT - 431_999_000, 7)


def test_parts_are_tried_and_wait_on_from_where_their_first_message_was() -> None:
    world = World()
    again = Delivery(a_message(receive_count=1, parts=BEFORE), deferred("X"), SENT_AT, (0,), 1)

    batch = concluded(again, in_parts(2, receive_count=1, parts=BEFORE), world=world)

    assert world.delays == [[("message-1", 1800)]]
    assert world.parts == [("message-2", 1800)]
    assert batch.kept == ["message-1"]


@pytest.mark.parametrize("refused", [frozenset[str](), frozenset({"message-1"})])
def test_parts_are_given_up_at_the_age_of_their_first_message_and_stay_parts(refused: frozenset[str]) -> None:
    world, since = World(refused_letters=refused), SENT_AT - 432_000_000
    parts = WaitingParts({0: ("row a",)}, since, 7)
    again = in_parts(1, receive_count=2, parts=parts)

    batch = concluded(again, in_parts(2, sent_at=since), in_parts(3, sent_at=since + 1), world=world)

    assert world.letters == [["message-1", "message-2"]]
    assert again.parts == WaitingParts({0: ("row a",)}, since, 9)
    assert [each.outcome.kind for each in batch.deliveries] == [
        "deferred" if refused else "rejected",
        "rejected",
        "delivered",
    ]
    assert text_of(again) == ("its text" if refused else "Given up after 9 tries. its text")
    assert batch.kept == sorted(refused)


def test_parts_wait_a_day_for_a_common_cause_from_their_own_first_try() -> None:
    day = 86_400_000
    cause = Wait.COMMON_CAUSE
    tries = [in_parts(n, cause, first_received_at=SENT_AT - day + n, sent_at=SENT_AT - 2 * day) for n in (0, 1)]

    concluded(*tries, world=World())

    assert [each.outcome.kind for each in tries] == ["rejected", "delivered"]


def test_what_was_written_or_refused_is_not_given_up_however_old_it_is() -> None:
    messages = [a_message(number=number, sent_at=1_500_000_000_000) for number in (1, 2)]

    batch = run(*messages, answers=[REFUSED])

    assert [delivery.outcome.kind for delivery in batch.deliveries] == [OutcomeKind.REJECTED, OutcomeKind.DELIVERED]
    assert text_of(batch.deliveries[0]) == "its text"


def test_of_several_profiles_one_that_cannot_be_mapped_keeps_no_other_from_its_record() -> None:
    body = {"profiles": [a_profile(1, last_name=None), a_profile(2), {"person": {"lastName": "x"}}]}

    batch = run(a_message(body))

    (delivery,) = batch.deliveries
    assert (delivery.outcome.kind, delivery.failed_profiles, delivery.profiles) == (OutcomeKind.REJECTED, (0, 2), 3)
    assert [(update.key, update.outcome and update.outcome.kind) for update in batch.updates] == [
        (an_id(1), OutcomeKind.REJECTED),
        (an_id(2), OutcomeKind.DELIVERED),
        ("", OutcomeKind.REJECTED),
    ]


@pytest.mark.parametrize("profiles", [1, 2, 3])
def test_each_of_two_or_more_profiles_has_its_own_time_and_a_single_one_that_of_its_message(profiles: int) -> None:
    destination = a_destination(CONTACTS, '\n[ordering]\nfield = "Time__c"\nsource = "timestamp"\n')
    org = ScriptedOrg(destination)
    body = {"profiles": [a_profile(number, timestamp=SENT_AT - number) for number in range(1, profiles + 1)]}

    (delivery,) = deliver(destination, org, [a_message(body, event_time=str(SENT_AT - 9))])

    assert delivery.event_time == SENT_AT - 9
    own = [SENT_AT - number for number in range(1, profiles + 1)]
    assert [row["Time__c"] for row in org.rows] == ([SENT_AT - 9] if profiles == 1 else own)


def test_messages_whose_keys_the_org_holds_for_one_are_one_record_that_is_sent_as_the_latest_has_it() -> None:
    destination = a_destination(CONTACTS.replace('"SalesforceId"', '"Key__c"'))
    org = ScriptedOrg(destination)
    names = ["Kunde-7", "KUNDE-7"]
    messages = [a_message(a_profile(crm_id=name), number=n) for n, name in enumerate(names)]

    batch = a_deliverer(destination, org).deliver(messages, SENT_AT)

    assert [row["Key__c"] for row in org.rows] == ["KUNDE-7"]
    assert [update.key for update in batch.updates] == ["kunde-7", "kunde-7"]
