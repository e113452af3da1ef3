from __future__ import annotations

import itertools
from typing import Any

from builders import an_update
from hypothesis import given
from hypothesis import strategies as st
from salesforce_destination.delivery.attempt import Attempt, collections_of, in_order_of_parents
from salesforce_destination.errors import DestinationError
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.composite import read_reply
from salesforce_destination.record.record import Record, merge, moved

attempts = st.lists(
    st.tuples(st.integers(1, 7), st.sampled_from([None, "Contact", "Account"])).map(
        lambda drawn: Attempt(a_record(moved_to=drawn[1]), drawn[0])
    ),
    max_size=60,
)


def a_record(key: str = "a", moved_to: str | None = None, **fields: Any) -> Record:
    (record,) = merge([an_update(key, **fields)])
    return moved(record, moved_to, key) if moved_to else record


@given(attempts)
def test_every_record_is_in_one_collection_that_is_as_small_as_it_asks_and_about_one_sobject(
    batch: list[Attempt],
) -> None:
    packed = collections_of(batch)

    assert sorted(map(id, (attempt for collection in packed for attempt in collection))) == sorted(map(id, batch))
    for collection in packed:
        assert 0 < len(collection) <= min(attempt.most for attempt in collection)
        assert len({attempt.record.moved_to for attempt in collection}) == 1


@given(st.lists(st.sampled_from([None, "001A", "001B", "001C"]), max_size=40))
def test_the_children_of_one_parent_travel_together(parents: list[str | None]) -> None:
    records = [
        a_record(str(number), **({"AccountId": parent} if parent else {})) for number, parent in enumerate(parents)
    ]

    ordered = [record.fields.get("AccountId") for record in in_order_of_parents(records)]

    changes = sum(1 for before, after in itertools.pairwise(ordered) if before != after)
    assert sorted(map(str, ordered)) == sorted(map(str, parents))
    assert changes <= max(len(set(parents)) - 1, 0)


def test_without_a_known_parent_the_order_stays() -> None:
    records = [a_record(key) for key in "cab"]

    assert in_order_of_parents(records) == records


def a_row(code: str | None) -> dict[str, Any]:
    errors = [] if code is None else [{"statusCode": code, "message": "", "fields": []}]
    return {"id": "003", "success": code is None, "errors": errors}


codes = st.lists(st.lists(st.sampled_from([None, "LOCKED", "REFUSED"]), min_size=1, max_size=6), min_size=1, max_size=5)


@given(codes)
def test_results_are_matched_by_position_whatever_became_of_the_rows(collections: list[list[str | None]]) -> None:
    sent = [[a_record(str(number)) for number in range(len(rows))] for rows in collections]
    answers = [{"httpStatusCode": 200, "body": [a_row(code) for code in rows]} for rows in collections]

    read = read_reply({"compositeResponse": answers}, sent)

    expected = [[() if code is None else (RecordError(code),) for code in rows] for rows in collections]
    assert read == expected


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["body", "success", "x"]), inner),
    max_leaves=10,
)


@given(junk, st.integers(100, 599))
def test_an_answer_that_makes_no_sense_says_nothing_of_any_record(body: Any, status: int) -> None:
    (read,) = read_reply(
        {"compositeResponse": [{"httpStatusCode": status, "body": body}]}, [[a_record(), a_record("b")]]
    )

    assert isinstance(read, DestinationError) or len(read) == 2
