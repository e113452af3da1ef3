from __future__ import annotations

from typing import Any

import pytest
from builders import an_id
from salesforce_destination.record.successor import end_of_chain, pointers_in, quoted, successor_queries

HEAD = "SELECT Id, Key__c, MasterRecordId FROM Contact WHERE Key__c IN ("


def queries(*keys: str) -> list[str]:
    return list(successor_queries("Contact", "Key__c", "MasterRecordId", keys))


def test_each_key_is_asked_for_once_and_each_column_too() -> None:
    assert queries("a", "b", "a") == [f"{HEAD}'a','b')"]
    assert list(successor_queries("Contact", "Id", "MasterRecordId", ["a"])) == [
        "SELECT Id, MasterRecordId FROM Contact WHERE Id IN ('a')"
    ]
    assert queries() == []


@pytest.mark.parametrize(("length", "count"), [(3_997, 1), (3_998, 2)])
def test_the_keys_of_one_query_have_eight_thousand_characters_with_quotes_and_commas(length: int, count: int) -> None:
    first, second = "a" * 3_998, "b" * length

    found = queries(first, second)

    assert len(found) == count
    assert "".join(query.removeprefix(HEAD).removesuffix(")") for query in found).replace(",", "") == (
        f"'{first}''{second}'"
    )


@pytest.mark.parametrize(
    ("lengths", "in_each"), [((3_998, 3_997) * 3, [2, 2, 2]), ((3_998,) * 3, [1, 1, 1]), ((1_996,) * 10, [4, 4, 2])]
)
def test_each_further_query_has_as_much_room_as_the_first(lengths: tuple[int, ...], in_each: list[int]) -> None:
    keys = [f"{number}".ljust(length, "x") for number, length in enumerate(lengths)]

    assert [query.count("'") // 2 for query in queries(*keys)] == in_each


def test_a_key_that_is_too_long_for_a_query_has_one_of_its_own() -> None:
    assert [query.removeprefix(HEAD)[1] for query in queries("a", "b" * 9_000, "c")] == ["a", "b", "c"]


def test_quotes_and_backslashes_of_a_key_stay_in_it() -> None:
    assert quoted("O'Neil\\") == "'O\\'Neil\\\\'"


def test_rows_that_point_nowhere_are_left_out_and_keys_are_folded() -> None:
    rows: list[dict[str, Any]] = [
        {"Key__c": "Kunde-1", "MasterRecordId": "003"},
        {"Key__c": "Kunde-2", "MasterRecordId": None},
        {"Key__c": None, "MasterRecordId": "004"},
    ]

    assert pointers_in(rows, "Key__c", "MasterRecordId") == {"kunde-1": "003"}
    assert pointers_in(rows, "key__C", "MasterRecordId") == {"kunde-1": "003"}


def test_a_chain_of_merges_is_followed_to_its_end_and_a_circle_to_where_it_closes() -> None:
    first, second, third, fourth = (an_id(number) for number in range(1, 5))
    chain = {first.casefold(): second, second.casefold(): third, third.casefold(): fourth}

    assert [end_of_chain(start, chain) for start in (first, third, fourth)] == [fourth] * 3
    assert end_of_chain(first, chain | {fourth.casefold(): second}) == fourth
    assert end_of_chain(first, {first.casefold(): first}) == first
