from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoRegionError,
    ParamValidationError,
    ReadTimeoutError,
)
from builders import a_message, a_queue
from salesforce_destination.aws.sqs_queue import SqsQueue, VisibilityTimeouts
from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.outcome import Wait


class Queue:
    """The one call of SQS's that sets delays; takes all entries but the refused ones."""

    def __init__(self, refused: set[str] | None = None, error: Exception | None = None) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._refused, self._error = refused or set(), error

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  # SQS's own names
        if self._error:
            raise self._error
        self.calls.append(Entries)
        return {"Failed": [{"Id": entry["Id"]} for entry in Entries if entry["ReceiptHandle"] in self._refused]}


def delays(wait: Wait, receive_count: int, visibility: int = 43_200) -> tuple[int | None, int | None]:
    least = Backoff(30, 1800, visibility, lambda: 0.0).delay_of(wait, receive_count)
    return least, Backoff(30, 1800, visibility, lambda: 1.0).delay_of(wait, receive_count)


@pytest.mark.parametrize(("receive_count", "longest"), [(1, 60), (2, 120), (5, 960), (6, 1800), (500, 1800)])
def test_the_delay_grows_exponentially_with_full_jitter(receive_count: int, longest: int) -> None:
    assert delays(Wait.BACKOFF, receive_count) == (30, longest)


@pytest.mark.parametrize(
    ("wait", "shortest", "longest"),
    [(Wait.UNKNOWN, 600, 900), (Wait.DAILY_LIMIT, 1800, 3600), (Wait.UNTIL_MENDED, 900, 1800)],
)
def test_what_needs_its_time_waits_as_long_the_first_time(wait: Wait, shortest: int, longest: int) -> None:
    assert delays(wait, 1) == delays(wait, 9) == (shortest, longest)


def test_no_call_is_made_where_the_queues_own_timeout_is_close_enough() -> None:
    assert delays(Wait.UNTIL_MENDED, 1, visibility=1800) == (None, None)
    assert delays(Wait.DAILY_LIMIT, 1, visibility=1800) == (None, 3600)
    assert delays(Wait.UNKNOWN, 1, visibility=1800) == (600, 900)
    assert delays(Wait.BACKOFF, 9, visibility=1800) == (30, None)


def test_every_message_gets_its_own_delay_ten_to_a_call() -> None:
    queue = Queue()
    messages = [(a_message(number=number), number) for number in range(25)]

    assert VisibilityTimeouts(*a_queue(queue)).set(messages) == 0

    assert sorted(len(call) for call in queue.calls) == [5, 10, 10]
    set_to = {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for call in queue.calls for entry in call}
    assert set_to == {f"handle-{number}": number for number in range(25)}


def test_no_message_is_no_call() -> None:
    queue = Queue()

    assert VisibilityTimeouts(*a_queue(queue)).set([]) == 0
    assert queue.calls == []


def test_a_delay_that_sqs_does_not_take_is_counted_and_nothing_is_raised() -> None:
    messages = [(a_message(number=number), 30) for number in range(12)]
    picky, broken = Queue(refused={"handle-3"}), Queue(error=EndpointConnectionError(endpoint_url="x"))

    assert VisibilityTimeouts(*a_queue(picky)).set(messages) == 1
    assert VisibilityTimeouts(*a_queue(broken)).set(messages) == 12


class Picky:
    """A batch action that fails with an error where a call holds entry 14."""

    def __init__(self, error: Exception) -> None:
        self.sizes: list[int] = []
        self._error = error

    def act(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  # SQS's own names
        self.sizes.append(len(Entries))
        if any(entry["Number"] == 14 for entry in Entries):
            raise self._error
        return {}

    def refused(self, entries: int = 25, **more: Any) -> set[int]:
        queue = SqsQueue(*a_queue(self, **more))
        return queue.refused("act", [{"Number": number} for number in range(entries)], [1] * entries)


@pytest.mark.parametrize(
    "error",
    [ClientError({"Error": {"Code": "InvalidMessageContents"}}, "SendMessageBatch"), ParamValidationError(report="x")],
)
def test_an_entry_that_refuses_its_whole_call_is_refused_alone(error: Exception) -> None:
    picky = Picky(error)

    assert picky.refused() == {14}
    assert sorted(picky.sizes) == [1] * 10 + [5, 10, 10]


@pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="x"), ReadTimeoutError(endpoint_url="x")])
def test_a_call_that_is_lost_is_not_made_again(error: Exception) -> None:
    picky = Picky(error)

    assert picky.refused() == set(range(10, 20))
    assert sorted(picky.sizes) == [5, 10, 10]


def test_no_call_begins_when_the_time_is_over() -> None:
    seconds = count(2, -1)
    picky = Picky(ClientError({}, "SendMessageBatch"))

    refused = picky.refused(30, seconds_left=lambda: next(seconds), calls_at_once=1)

    assert refused == set(range(10, 30))
    assert picky.sizes == [10, 10]


def test_without_a_client_nothing_is_taken() -> None:
    def no_client() -> Any:
        raise NoRegionError

    assert SqsQueue(no_client, *a_queue(None)[1:]).refused("act", [{}] * 12, [1] * 12) == set(range(12))
