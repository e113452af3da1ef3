from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from destination_cli.org_api import OrgAnswer, OrgApi
from destination_cli.prove.fact import Standing
from destination_cli.prove.request_facts import COUNTED_REQUESTS, one_call
from destination_cli.prove.stage import Fields, Stage
from guarded_org import GUARDED
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.login.token import AccessToken

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
