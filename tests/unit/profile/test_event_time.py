from __future__ import annotations

import pytest
from salesforce_destination.profile.event_time import (
    EventTimeError,
    check_event_time,
    parse_moment,
    parse_time,
    to_salesforce,
)

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


@pytest.mark.parametrize(
    "written",
    [
        "2022-01-11T21:24:39Z",
        "2022-01-11 21:24:39Z",
        "2022-01-11t21:24:39Z",
        "2022-01-11T21:24:39z",
        "2022-01-11T2124:39Z",
        "2022-01-11T21:24:39.9Z",
        "2022-01-11T21:24:39+01",
        "2022-W02-2T21:24:39Z",
        "20220111T21:24:39.9Z",
        "2022-01-11T24:00:00Z",
        MOMENT + 999,
        str(MOMENT),
    ],
)
def test_a_time_is_written_as_what_was_read_of_it(written: object) -> None:
    """Whatever a Python takes for a time: a text goes on as it is only where it says the same."""
    try:
        since = parse_time(written)
    except EventTimeError:
        with pytest.raises(EventTimeError):
            parse_moment(written)
    else:
        assert parse_moment(written) == (since, to_salesforce(since))


@pytest.mark.parametrize("written", ["2000-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "1", 10**13])
def test_a_moment_outside_2001_to_2286_is_none(written: object) -> None:
    with pytest.raises(EventTimeError):
        parse_moment(written)
