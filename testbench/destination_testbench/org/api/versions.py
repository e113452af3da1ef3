"""The versions of the API that an org answers to."""

from __future__ import annotations

from destination_testbench.org.faults.failure import RequestFailure, not_found

# Versions 21 to 30 are retired; a new one comes with each season, Spring '26 being 66.
OLDEST = 31
RETIRED = range(21, 31)
SEASONS = ("Summer", "Winter", "Spring")
FIRST_YEAR = 14


def label(version: int) -> str:
    """The release that brought a version: 31 is Summer '14, 32 Winter '15."""
    passed = version - OLDEST
    return f"{SEASONS[passed % 3]} '{FIRST_YEAR + (passed + 2) // 3}"


def listed(newest: int) -> list[dict[str, str]]:
    """What /services/data/ answers, to anyone."""
    return [
        {"label": label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
        for number in range(OLDEST, newest + 1)
    ]


def check(version: str, newest: int) -> None:
    """Refuse a version that is retired, or not there yet."""
    whole, _, part = version.partition(".")
    if part != "0" or int(whole) > newest or int(whole) < RETIRED.start:
        raise not_found()
    if int(whole) in RETIRED:
        raise RequestFailure(410, "UNSUPPORTED_API_VERSION", "This version of the API is retired.")
