"""The chaos test can fail: each guard is broken in turn, from outside, and the accounting says so."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from destination_testbench.chaos.chaos import ChaosResult, run_chaos
from destination_testbench.chaos.settings import NOTHING, Broken, ChaosSettings
from salesforce_destination.delivery.batch import Batch

SMALL = ChaosSettings(seed=11, people=10, messages=900, hours=8.0, bad_share=0.04, batch_size=10)


FEW_EVENTS_EACH = replace(SMALL, people=300)
"""Of few events each may be the newest: what is lost is missed."""


def broken_run(broken: Broken, settings: ChaosSettings = SMALL) -> ChaosResult:
    return run_chaos(settings, broken)


class Swallowing:
    """SQS, but what is sent to the dead-letter queue is answered with success and gone."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        return {"Successful": [{"Id": entry["Id"]} for entry in call["Entries"]]}


class Hushing(Swallowing):
    """SQS, but a send to the dead-letter queue that fails looks as if it had not."""

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        with suppress(ClientError):
            self._client.send_message_batch(**call)
        return {"Successful": [{"Id": entry["Id"]} for entry in call["Entries"]]}


def none_named(settled: Batch) -> Sequence[str]:
    return []


def unanswered_not_named(settled: Batch) -> Sequence[str]:
    """A function that takes a broken connection for a success."""
    reasons = {delivery.message.id: delivery.outcome.reason for delivery in settled.deliveries}
    return [name for name in settled.kept if (reason := reasons[name]) and reason.code != "NO_ANSWER"]


@pytest.mark.parametrize("language", ["fr", "ja", "es"])
def test_no_message_is_lost_in_an_org_of_another_language(language: str) -> None:
    settings = ChaosSettings(people=60, messages=300, hours=3, language=language, all_errors_at_once=False)

    assert run_chaos(settings).accounting.is_good


def test_unbroken_the_small_run_is_good() -> None:
    accounting = broken_run(NOTHING).accounting

    assert (accounting.lost, accounting.stale, accounting.wrong_dead_letters) == ([], [], [])


@pytest.mark.parametrize(
    ("broken", "guard"),
    [
        (Broken(has_ordering_rule=False), "CDP_Event_Time__c"),
        (Broken(has_since_rules=False), "_Since__c"),
        (Broken(has_ordering_rule=False, has_since_rules=False), "_Since__c"),
    ],
    ids=["no ordering rule", "no since rules", "the function's memory alone"],
)
def test_a_guard_that_is_missing_in_the_org_lets_stale_values_in(broken: Broken, guard: str) -> None:
    accounting = broken_run(broken).accounting

    assert any(f"{guard} went back" in line for line in accounting.stale)


def test_rows_whose_guard_is_missing_in_the_org_are_found() -> None:
    accounting = broken_run(Broken(has_row_rule=False), replace(SMALL, with_parts=True)).accounting

    assert any("Since_Ms__c went back" in line for line in accounting.stale)


def test_an_org_that_does_not_compare_under_the_rows_lock_lets_stale_values_in() -> None:
    busy = replace(SMALL, people=3, workers=6, batch_size=4)

    accounting = broken_run(Broken(compares_under_lock=False), busy).accounting

    assert any("went back" in line for line in accounting.stale)


def test_a_redrive_that_forgets_the_event_time_is_found() -> None:
    accounting = broken_run(Broken(redrive_keeps_time=False)).accounting

    assert any("got a time that no message has" in line for line in accounting.stale)


@pytest.mark.parametrize("wrapped", [Swallowing, Hushing])
def test_a_dead_letter_that_was_not_sent_and_is_taken_for_sent_is_found(wrapped: type) -> None:
    accounting = broken_run(Broken(wrapped=wrapped)).accounting

    assert any("is neither queued nor a dead letter" in line for line in accounting.lost)


@pytest.mark.parametrize("named", [none_named, unanswered_not_named])
def test_a_deferred_message_that_is_deleted_is_found(named: Any) -> None:
    accounting = broken_run(Broken(named=named), FEW_EVENTS_EACH).accounting

    assert any("never reached the time" in line for line in accounting.lost)


def test_a_function_that_marks_nothing_never_gets_rid_of_a_message_that_kills_it() -> None:
    accounting = broken_run(Broken(marks_progress=False), replace(SMALL, patience_hours=6.0)).accounting

    assert any("is still queued" in line for line in accounting.lost)
    assert any("(KILLED_THE_FUNCTION) is neither queued nor a dead letter" in line for line in accounting.lost)


def test_a_backstop_that_comes_too_soon_is_found() -> None:
    accounting = broken_run(Broken(max_receive_count=4)).accounting

    assert any("is a dead letter (none, not any)" in line for line in accounting.wrong_dead_letters)


def test_keys_that_are_not_unique_let_somebody_be_created_twice() -> None:
    """Where two workers meet the same new person at once, which hangs on the seed."""
    crowd = replace(SMALL, people=100, messages=300, hours=0.1, batch_size=2, workers=8, bad_share=0.0, by_rules=True)
    runs = (broken_run(Broken(keys_are_unique=False), replace(crowd, seed=seed)).accounting for seed in range(1, 9))

    assert any(accounting.created_twice for accounting in runs)


def test_a_retention_that_is_too_short_is_found() -> None:
    accounting = broken_run(Broken(retention_seconds=3600)).accounting

    assert any("is expired" in line for line in accounting.lost)
