from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from destination_cli.org_api import OrgAnswer, OrgApi
from destination_cli.prove.fact import Standing
from destination_cli.prove.stage import Fields, Stage
from destination_cli.prove.write_facts import COUNTED_REQUESTS, foldings, one_call
from guarded_org import GUARDED
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.login.token import AccessToken
from salesforce_destination.record.description import read_description

FIELDS = Fields("LastName", ("LastName",), "Title", None, None, None, None, {})


class CountingApi(OrgApi):
    """Answers everything with the next count of the org's calls."""

    def __init__(self, counts: Iterator[int | None]) -> None:
        super().__init__(AccessToken("token", "https://acme.my.salesforce.com"), "66.0")
        self.counts = counts

    def send(self, *call: Any, **more: Any) -> OrgAnswer:
        return OrgAnswer(200, {}, next(self.counts))


def tried(*counts: int | None) -> tuple[Standing, int]:
    """What came of a count that goes so, and how often there was a wait."""
    waits: list[float] = []
    stage = Stage(CountingApi(iter(counts)), read_destination(GUARDED), FIELDS, "tag")
    stage._ids = [f"00{number}" for number in range(5)]
    return one_call.attempt(stage, waits.append).standing, len(waits)


def rising(start: int, by: int) -> list[int]:
    return [start + by * number for number in range(COUNTED_REQUESTS + 1)]


@pytest.mark.parametrize(("by", "standing"), [(1, Standing.HOLDS), (2, Standing.HOLDS), (5, Standing.FAILS)])
def test_the_count_tells_what_a_composite_request_costs(by: int, standing: Standing) -> None:
    assert tried(*rising(100, by)) == (standing, 0)


def test_a_count_that_lags_is_waited_for_without_our_own_readings() -> None:
    lagging = [100] * (COUNTED_REQUESTS + 1)

    assert tried(*lagging, 101, 112) == (Standing.HOLDS, 2)
    assert tried(*lagging, 101, 153) == (Standing.FAILS, 2)


def test_a_count_that_never_comes_up_or_is_not_there_says_nothing() -> None:
    stuck: list[int | None] = [100] * (COUNTED_REQUESTS + 10)

    assert tried(*stuck) == (Standing.UNTRIED, 6)
    assert tried(*[None] * (COUNTED_REQUESTS + 1)) == (Standing.UNTRIED, 0)


class FoldingApi(OrgApi):
    """An org with one record, whose key it finds by a way of its own to fold case."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        super().__init__(AccessToken("token", "https://acme.my.salesforce.com"), "66.0")
        self.fold, self.kept = fold, ""

    def send(self, method: str, resource: str, body: Any = None, *more: Any, **others: Any) -> OrgAnswer:
        if resource == "composite/sobjects":
            self.kept = body["records"][0]["Key__c"]
            return OrgAnswer(200, [{"id": "003", "success": True}])
        asked = body["compositeRequest"][0]["body"]["records"][0]["Key__c"]
        found = self.fold(asked) == self.fold(self.kept)
        result = {"id": "003", "success": True} if found else {"success": False, "errors": []}
        return OrgAnswer(200, {"compositeResponse": [{"httpStatusCode": 200, "body": [result]}]})


def without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


@pytest.mark.parametrize(
    ("fold", "otherwise"),
    [
        (str.lower, set()),
        (str.casefold, {"ß and ss", "ς and σ", "ſ and s", "ﬁ and fi"}),  # noqa: RUF001
        (str.upper, {"ß and ss", "ß and ẞ", "ς and σ", "ı and I", "ſ and s", "ﬁ and fi"}),  # noqa: RUF001
        (without_accents, {"é and e", "i and İ", "ſ and s", "ﬁ and fi", "ａ and a"}),  # noqa: RUF001
    ],
)
def test_letters_that_an_org_takes_for_the_same_otherwise_than_this_software_are_named(
    fold: Callable[[str], str], otherwise: set[str]
) -> None:
    key = read_description({"fields": [{"name": "Key__c", "length": 80}]}).fields["Key__c"]
    fields = replace(FIELDS, key=key)

    trial = foldings.tried(Stage(FoldingApi(fold), read_destination(GUARDED), fields, "tag-1"))

    assert trial.standing is (Standing.FAILS if otherwise else Standing.HOLDS)
    assert set(trial.seen.removeprefix("otherwise: ").split(", ")) == (otherwise or {"13 pairs of letters"})
