from __future__ import annotations

import re
from typing import Any

import pytest
from builders import CONTACTS, SENT_AT, a_destination, an_id, an_update
from salesforce_destination.errors import OutcomeUnknownError, TimeIsUpError
from salesforce_destination.record.record import Record, merge
from salesforce_destination.record.successor import Move, Successor
from salesforce_destination.salesforce.org import SalesforceOrg


class Client:
    """A client of an org in which each record was merged into the next one, up to the last."""

    usage = None

    def __init__(self, last: int) -> None:
        self.survivor_of = {an_id(number): an_id(number + 1) for number in range(1, last)}
        self.paths: list[str] = []

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        self.paths.append(path.rpartition("/")[2])
        if query is None:
            return {"fields": [{"name": name, "updateable": True} for name in ("LastName", "CDP_LOYAL__c")]}
        asked = re.findall(r"'(\w+)'", query["q"])
        return {"records": [{"Id": key, "MasterRecordId": self.survivor_of.get(key)} for key in asked]}


def an_org(client: Any, text: str = CONTACTS, seconds_left: float = 60.0) -> tuple[SalesforceOrg, list[float]]:
    """An org, and the clock that it looks at."""
    now = [1_000.0]
    return SalesforceOrg(client, a_destination(text), lambda: seconds_left, lambda: now[0]), now


def records(*numbers: int) -> list[Record]:
    return merge([an_update(an_id(number), SENT_AT) for number in numbers])


@pytest.mark.parametrize(("last", "found", "queries"), [(1, None, 1), (2, 2, 2), (3, 3, 3), (7, 7, 6), (8, 7, 6)])
def test_a_chain_of_merges_is_followed_for_five_survivors_of_the_first(
    last: int, found: int | None, queries: int
) -> None:
    client = Client(last)
    org, _ = an_org(client)

    successors = org.find(Move.MERGED, records(1))

    assert successors == ({} if found is None else {an_id(1): Successor("Contact", an_id(found))})
    assert client.paths == ["queryAll"] * queries


@pytest.mark.parametrize(("seconds", "is_begun"), [(10.0, True), (9.9, False)])
def test_a_request_is_begun_with_ten_seconds_left_and_not_with_less(seconds: float, is_begun: bool) -> None:
    client = Client(2)
    org, _ = an_org(client, seconds_left=seconds)

    if is_begun:
        assert org.describe().writable == {"LastName", "CDP_Loyal__c"}  # as the file spells it
    else:
        with pytest.raises(TimeIsUpError):
            org.describe()
    assert bool(client.paths) is is_begun


def test_a_describe_is_believed_for_five_minutes() -> None:
    client = Client(1)
    org, now = an_org(client)

    for seconds in (0.0, 300.0, 300.1):
        now[0] = 1_000.0 + seconds
        org.describe()

    assert client.paths == ["describe", "describe"]


@pytest.mark.parametrize("answer", [{"fields": 5}, {"fields": [{"name": "A", "length": "x"}]}])
def test_a_describe_of_another_shape_is_no_answer(answer: Any) -> None:
    client = Client(2)
    client.get = lambda path, query=None: answer  # type: ignore[method-assign]
    org, _ = an_org(client)

    with pytest.raises(OutcomeUnknownError):
        org.describe()
