from __future__ import annotations

from builders import SENT_AT, an_update
from hypothesis import given
from hypothesis import strategies as st
from salesforce_destination.record.record import Address, Update, merge, placed


def test_updates_of_one_record_become_one_record_field_by_field() -> None:
    older = an_update(event_time=SENT_AT, message=0, Email="old@example.com", FirstName="Ada")
    newer = an_update(event_time=SENT_AT + 1, message=1, Email="new@example.com")

    (record,) = merge([newer, older])

    assert record.fields == {"Email": "new@example.com", "FirstName": "Ada"}
    assert record.updates == (older, newer)


def test_among_equal_times_the_later_position_wins() -> None:
    (record,) = merge([an_update(message=0, Email="first"), an_update(message=1, Email="second")])

    assert record.fields == {"Email": "second"}


def test_a_null_that_is_newer_clears() -> None:
    (record,) = merge([an_update(Email="a@example.com"), an_update(event_time=SENT_AT + 1, Email=None)])

    assert record.fields == {"Email": None}


def test_a_membership_goes_by_its_own_time_not_by_the_events() -> None:
    newer_status = an_update(times={"CDP_Loyal__c": 200}, event_time=SENT_AT, CDP_Loyal__c="exited")
    newer_event = an_update(times={"CDP_Loyal__c": 100}, event_time=SENT_AT + 1, CDP_Loyal__c="realized")

    (record,) = merge([newer_status, newer_event])

    assert record.fields == {"CDP_Loyal__c": "exited"}


def test_records_keep_the_order_in_which_they_first_came() -> None:
    records = merge([an_update("b"), an_update("a"), an_update("b")])

    assert [record.key for record in records] == ["b", "a"]


updates = st.lists(
    st.builds(
        lambda key, time, fields: Update(0, 0, key, key, fields, time),
        st.sampled_from("abc"),
        st.integers(0, 5),
        st.dictionaries(st.sampled_from(["F", "G"]), st.integers(0, 9)),
    ),
    max_size=12,
)


@given(updates)
def test_every_field_of_every_record_has_the_newest_value_that_came(batch: list[Update]) -> None:
    records = {record.key: record for record in merge(batch)}

    assert set(records) == {update.key for update in batch}
    assert sum(len(record.updates) for record in records.values()) == len(batch)
    for key, record in records.items():
        for field in ("F", "G"):
            mentions = [
                (update.event_time, position, update.fields[field])
                for position, update in enumerate(batch)
                if update.key == key and field in update.fields
            ]
            if mentions:
                assert record.fields[field] == max(mentions)[2]
            else:
                assert field not in record.fields


def test_what_has_a_time_of_its_own_is_as_old_as_an_equal_one_and_the_later_position_wins() -> None:
    first = an_update(message=0, times={"Vip__c": 200}, event_time=100, Vip__c="first")
    second = an_update(message=1, event_time=200, Vip__c="second")

    (record,) = merge([second, first])

    assert record.fields == {"Vip__c": "second"}


def test_events_of_one_time_stand_in_the_order_of_their_messages_and_then_of_their_profiles() -> None:
    last, middle, first = (Update(*place, "a", "a", {"F": place}, SENT_AT) for place in [(2, 0), (1, 1), (1, 0)])

    (record,) = merge([last, middle, first])

    assert record.updates == (first, middle, last)
    assert record.fields == {"F": (2, 0)}


def test_an_event_that_came_later_and_happened_before_stands_before() -> None:
    newer = Update(0, 0, "kunde", "newer", {"F": 1}, SENT_AT + 1)
    older = Update(1, 0, "kunde", "older", {"F": 2}, SENT_AT)

    (record,) = merge([newer, older])

    assert (record.updates, record.identity, record.fields) == ((older, newer), "newer", {"F": 1})


def test_the_latest_event_says_how_the_record_is_found_and_whether_it_may_be_created() -> None:
    older, newer = (Update(0, n, "kunde", f"Kunde {n}", {"F": n}, SENT_AT + n, updates_only=n == 1) for n in range(2))

    (record,) = merge([newer, older])

    assert (record.key, record.identity, record.updates_only) == ("kunde", "Kunde 1", True)


def test_fields_are_left_out_once_and_for_all() -> None:
    (record,) = merge([an_update(Email="x", Phone="x", Name="x")])

    without = record.without({"Email"}).without({"Phone", "Other"})

    assert without.fields == {"Name": "x"}
    assert without.left_out == {"Email", "Phone", "Other"}
    assert without.without({"Email"}) is without


def test_a_moved_record_is_written_by_its_id_with_what_is_newest() -> None:
    own, other = an_update(Email="own", Name="own"), an_update("b", SENT_AT + 1, message=1, Email="other")

    there = placed([other, own], Address("Contact"), "003", is_moved=True)

    assert (there.key, there.identity, there.sobject, there.is_moved) == ("003", "003", "Contact", True)
    assert there.fields == {"Email": "other", "Name": "own"}
    assert there.updates == (own, other)
