"""One good profile takes a short way through the package: few modules, few calls within calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from deliver_function import DeliverStack
from good_profile import Way, way_of_a_good_profile
from moto import mock_aws

MOST_MODULES = 20
DEEPEST = 10


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    with mock_aws():
        yield way_of_a_good_profile(DeliverStack(monkeypatch))


def test_the_way_is_followed_from_the_event_to_the_request(way: Way) -> None:
    assert {"profile.profile", "mapping.mapper", "salesforce.client"} <= set(way.modules)
    assert way.deepest[0] == "lambda_handler"
    assert way.calls >= len(way.modules)


def test_a_good_profile_crosses_few_modules(way: Way) -> None:
    assert len(way.modules) <= MOST_MODULES


def test_a_good_profile_lies_few_calls_deep(way: Way) -> None:
    assert way.depth <= DEEPEST
