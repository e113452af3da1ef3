"""What a batch costs, counted and not timed: a change that makes it dearer fails here on every machine."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import pytest
import requests
from builders import LOYAL, a_message, a_profile
from deliver_function import INSTANCE, DeliverStack
from destination_testbench.org import Fault, FaultKind, OrgAdapter, seed
from moto import mock_aws
from pydantic_core import from_json, to_json
from salesforce_destination.outcome import Message

BATCH, BATCH_OF_OTHERS = 1_000, 100
WIRE_BYTES_PER_RECORD = 8
"""6 where only the Ids and the e-mail addresses differ: gzip finds the rest again and again."""


@dataclass
class CountingAdapter(requests.adapters.BaseAdapter):
    """Counts the bytes of the bodies that go to the org."""

    inner: OrgAdapter
    sizes: list[int] = field(default_factory=list)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        self.sizes.append(len(request.body or b""))
        return self.inner.send(request, *args, **options)

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliverStack]:
    with mock_aws():
        made = DeliverStack(monkeypatch, contacts=BATCH_OF_OTHERS)
        made.environment(
            OUTCOME_KEY_SECRET_ID=made.secrets.create_secret(Name="key", SecretString="outcome-key")["ARN"]
        )
        yield made


@pytest.fixture
def aws_calls(stack: DeliverStack) -> Counter[str]:
    """The function's calls to AWS, by service and operation."""
    counted: Counter[str] = Counter()
    for client in (stack.app.secrets_client(), stack.app.sqs_client()):
        client.meta.events.register(
            "before-call", lambda event_name, **_: counted.update([event_name.removeprefix("before-call.")])
        )
    return counted


def a_batch(size: int = BATCH, **profile: Any) -> list[Message]:
    sent_at = int(time.time() * 1000)
    shape = {"last_name": "Okafor", "statuses": {LOYAL: "realized"}, **profile}
    return [
        a_message(a_profile(n, email=f"person{n}@example.com", **shape), number=n, sent_at=sent_at)
        for n in range(1, size + 1)
    ]


def calls_of(function: Callable[..., Any], work: Callable[[], Any]) -> int:
    """How often our code calls a function meanwhile, be it written in C or in Python."""
    counted = 0
    code = getattr(function, "__code__", None)

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        if event == "c_call" and argument is function:
            counted += is_ours(frame)
        elif event == "call" and frame.f_code is code:
            counted += is_ours(frame.f_back)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def is_ours(frame: FrameType | None) -> bool:
    name = frame.f_globals["__name__"] if frame else ""
    return name.startswith(("salesforce_destination.", "deliver_app_"))


def test_a_good_batch_costs_one_call_to_salesforce_and_few_bytes(stack: DeliverStack) -> None:
    seed(stack.org, contacts=BATCH, leads=0)
    adapter = CountingAdapter(OrgAdapter(stack.org))
    stack.app.session.mount(INSTANCE, adapter)

    kept = stack.invoke(a_batch())

    assert kept == []
    assert stack.api_calls() == 1 + 1  # the describe, once in an environment
    assert len(adapter.sizes) == 1 + 1
    assert 0 < adapter.sizes[1] <= WIRE_BYTES_PER_RECORD * BATCH


def test_a_good_batch_costs_one_secret_each_at_first_and_nothing_of_aws_later(
    stack: DeliverStack, aws_calls: Counter[str]
) -> None:
    stack.invoke(a_batch(10))

    assert aws_calls == {"secrets-manager.GetSecretValue": 2}

    aws_calls.clear()
    stack.invoke(a_batch(10))

    assert not aws_calls


@pytest.mark.parametrize(("refused", "calls"), [(1, 1), (10, 1), (11, 2), (100, 10)])
def test_dead_letters_cost_one_call_for_ten(
    stack: DeliverStack, aws_calls: Counter[str], refused: int, calls: int
) -> None:
    stack.invoke(a_batch(refused, last_name=None))

    assert aws_calls["sqs.SendMessageBatch"] == calls
    assert aws_calls["sqs.ChangeMessageVisibilityBatch"] == 0


@pytest.mark.parametrize(("deferred", "calls"), [(1, 1), (10, 1), (11, 2), (100, 10)])
def test_delays_cost_one_call_for_ten(stack: DeliverStack, aws_calls: Counter[str], deferred: int, calls: int) -> None:
    stack.org.faults.add(Fault(FaultKind.OUTAGE))

    stack.invoke(a_batch(deferred))

    assert aws_calls["sqs.ChangeMessageVisibilityBatch"] == calls
    assert aws_calls["sqs.SendMessageBatch"] == 0


def test_no_good_body_is_read_whole_and_each_request_is_written_once(stack: DeliverStack) -> None:
    stack.invoke(a_batch(1))
    batch = a_batch(100)

    assert calls_of(from_json, lambda: stack.invoke(batch)) == len(["answer"])
    written = ["request", "metrics", "statuses of one audience", "line of the batch"]
    assert calls_of(to_json, lambda: stack.invoke(batch)) == len(written)
    assert calls_of(json.loads, lambda: stack.invoke(batch)) == 0
    assert calls_of(json.dumps, lambda: stack.invoke(batch)) == 0


def test_a_good_batch_is_not_looked_through_for_garbage(stack: DeliverStack) -> None:
    stack.invoke(a_batch(1))
    batch = a_batch(BATCH)
    looked: list[str] = []
    gc.callbacks.append(lambda phase, _: looked.append(phase))
    try:
        gc.collect(0)
        stack.invoke(batch)
        of_batch = list(looked)
        leaked: list[Any] = []
        for _ in range(150_000):
            leaked = [leaked]
    finally:
        gc.callbacks.pop()

    assert of_batch == ["start", "stop"]
    assert len(looked) > len(of_batch)


def test_what_our_code_calls_is_counted_and_what_others_call_is_not(stack: DeliverStack) -> None:
    assert calls_of(stack.app.partial_batch_response, lambda: stack.invoke(a_batch(1))) == 1
    assert calls_of(json.loads, lambda: json.loads("{}")) == 0


def test_the_clients_are_made_at_the_start_and_by_no_batch(stack: DeliverStack) -> None:
    stack.app.started()
    made = stack.app.make_aws_client.cache_info().misses

    stack.invoke([*a_batch(10), *a_batch(10, last_name=None)])

    assert len(stack.dead_letters()) == 10
    assert made >= len({stack.app.secrets_client, stack.app.sqs_client})
    assert stack.app.make_aws_client.cache_info().misses == made


def test_as_many_calls_as_sqs_gets_at_once_have_a_connection_each(stack: DeliverStack) -> None:
    assert stack.app.started().surroundings.calls_at_once <= stack.app.SOON.max_pool_connections
