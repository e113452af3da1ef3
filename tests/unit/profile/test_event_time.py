from __future__ import annotations

import pytest
from salesforce_destination.profile.event_time import EventTimeError, check_event_time, parse_time, to_salesforce

MOMENT = 1_641_936_279_000  # 2022-01-11T21:24:39Z


@pytest.mark.parametrize(
    "written",
    [
        "2022-01-11T21:24:39Z",
        "2022-01-11T21:24:39+0000",
        "2022-01-11T21:24:39.000+0000",
        "2022-01-11T21:24:39+00:00",
        "2022-01-11T22:24:39+01:00",
        "2022-01-11T21:24:39",
        " 2022-01-11T21:24:39.000Z ",
        MOMENT,
        str(MOMENT),
        float(MOMENT),
    ],
)
def test_every_spelling_of_a_time_means_the_same_moment(written: object) -> None:
    assert parse_time(written) == MOMENT


@pytest.mark.parametrize(
    "written",
    ["yesterday", "", "YYYY-MM-DD", "9" * 5000, float("inf"), float("nan"), None, True, {}, ["2022-01-11T21:24:39Z"]],
)
def test_what_is_no_time_is_an_error_that_does_not_show_it(written: object) -> None:
    with pytest.raises(EventTimeError) as error:
        parse_time(written)

    assert "yesterday" not in str(error.value)


@pytest.mark.parametrize("event_time", [MOMENT // 1000, MOMENT * 1000, 10**12 - 1, 10**13, MOMENT + 300_001])
def test_a_time_that_would_freeze_the_record_is_refused(event_time: int) -> None:
    with pytest.raises(EventTimeError):
        check_event_time(event_time, sent_at=MOMENT)


def test_a_clock_may_be_five_minutes_fast() -> None:
    assert check_event_time(MOMENT + 300_000, sent_at=MOMENT) == MOMENT + 300_000


def test_salesforce_gets_utc_in_whole_seconds() -> None:
    assert to_salesforce(MOMENT + 999) == "2022-01-11T21:24:39Z"
