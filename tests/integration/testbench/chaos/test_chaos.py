from __future__ import annotations

import pytest
from destination_testbench.chaos.chaos import ChaosResult, run_chaos
from destination_testbench.chaos.settings import ChaosSettings

SHORT = ChaosSettings(seed=20_260_106, people=200, messages=2_000, hours=10.0, bad_share=0.02, batch_size=10)


@pytest.mark.parametrize("all_errors_at_once", [True, False])
def test_whatever_happens_nothing_is_lost_nothing_is_stale_and_nothing_is_misplaced(all_errors_at_once: bool) -> None:
    result = run_chaos(a_run(all_errors_at_once=all_errors_at_once))

    accounting = result.accounting
    found = (accounting.lost, accounting.stale, accounting.wrong_dead_letters)
    assert found == ([], [], []), f"seed {result.settings.seed}"
    assert result.outcomes.total() == result.messages
    assert result.settings.messages * 0.9 < result.messages < result.settings.messages
    assert_that_it_was_chaos(result)


def test_of_two_sobjects_and_new_people_nothing_is_mixed_and_nobody_is_created_twice() -> None:
    result = run_chaos(ChaosSettings(seed=42, people=160, messages=800, hours=6.0, bad_share=0.04, by_rules=True))

    assert result.accounting.lines == [], f"seed {result.settings.seed}"
    assert result.faults["lead converted"] >= 20
    assert min(result.deferrals[code] for code in ("CREATIONS_HELD", "FIELD_MISSING_IN_ORG")) >= 1
    assert result.outcomes["superseded"] >= 20
    assert result.accounting.dead_letters.keys() >= {
        "DUPLICATE_EXTERNAL_ID",
        "DUPLICATE_VALUE",
        "ENTITY_IS_DELETED",
        "IDENTITY_CONFLICT",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INVALID_CROSS_REFERENCE_KEY",
        "NOT_FOUND",
    }


def test_members_and_rows_are_as_the_newest_membership_has_them_whoever_dies_between_two_requests() -> None:
    settings = ChaosSettings(seed=8, people=400, messages=2_000, hours=2.0, bad_share=0.02, with_parts=True)

    result = run_chaos(settings)

    assert result.accounting.lines == [], f"seed {result.settings.seed}"
    assert result.outcomes.total() == result.messages
    assert {name for name, count in result.faults.items() if count} >= {
        "campaign lock",
        "killed before the answer",
        "killed behind a message of its own",
        "member moved by sales",
        "member status renamed",
    }
    assert result.deferrals["parts: MEMBER_STATUS_MISSING"] >= 1


def test_a_seed_reproduces_the_run() -> None:
    settings = a_run(messages=500, people=50, seed=3)

    assert run_chaos(settings) == run_chaos(settings)


def test_another_seed_is_another_run() -> None:
    assert run_chaos(a_run(messages=300, seed=4)).faults != run_chaos(a_run(messages=300, seed=5)).faults


def a_run(
    *,
    all_errors_at_once: bool = True,
    messages: int = SHORT.messages,
    people: int = SHORT.people,
    seed: int = SHORT.seed,
) -> ChaosSettings:
    return ChaosSettings(
        seed=seed,
        people=people,
        messages=messages,
        hours=SHORT.hours,
        bad_share=SHORT.bad_share,
        all_errors_at_once=all_errors_at_once,
    )


def assert_that_it_was_chaos(result: ChaosResult) -> None:
    """What did not happen has not been stood."""
    assert result.duplicates >= 50
    assert result.redriven >= 5
    assert result.outcomes["superseded"] >= 50
    assert result.accounting.dead_letters.keys() >= {"NOT_JSON", "KILLED_THE_FUNCTION", "INVALID_EMAIL_ADDRESS"}
    happened = {name for name, count in result.faults.items() if count}
    assert happened >= {
        "daily limit",
        "outage",
        "field removed",
        "rule refuses records",
        "row lock",
        "token revoked",
        "worker killed",
        "carried out late",
        "dead-letters: SendMessageBatch",
        "access-token: GetSecretValue",
        "queue: ChangeMessageVisibilityBatch",
    }
    assert len(happened) >= 20
