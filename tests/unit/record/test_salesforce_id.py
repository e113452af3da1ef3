from __future__ import annotations

import pytest
from salesforce_destination.record.record import to_18

# Pairs that real orgs answered with; the last is a documentation sample.
PAIRS = [
    ("0037e00001WZ310", "0037e00001WZ310AAD"),
    ("0037e00001WZ30q", "0037e00001WZ30qAAD"),
    ("0017e00001W4GYR", "0017e00001W4GYRAA3"),
    ("0067e00000K8i71", "0067e00000K8i71AAB"),
    ("0015500001QdQWa", "0015500001QdQWaAAN"),
    ("001RM000003oCpr", "001RM000003oCprYAE"),
]


@pytest.mark.parametrize(("short", "full"), PAIRS)
def test_a_short_id_gets_the_checksum_that_salesforce_gives_it(short: str, full: str) -> None:
    assert to_18(short) == full
    assert to_18(full) == full


@pytest.mark.parametrize(
    "damaged",
    [
        "0037e00001wz310AAD",  # case folded
        "0037e00001WZ310aad",
        "0037e00001WZ310AAE",
        "0037e00001WZ31",
        "0037e00001WZ310A",
        "0037e00001WZ31é",
        "0037e00001WZ31 ",
        "",
    ],
)
def test_what_is_no_id_is_told_before_anything_is_sent(damaged: str) -> None:
    assert to_18(damaged) is None


@pytest.mark.parametrize("length", range(20))
def test_an_id_has_fifteen_or_eighteen_characters(length: int) -> None:
    assert (to_18(("0" * 15 + "AAA0")[:length]) is not None) is (length in (15, 18))


@pytest.mark.parametrize("place", range(15))
def test_each_capital_counts_in_the_checksum_of_its_five_characters(place: int) -> None:
    alphabet, checks = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", ["A", "A", "A"]
    checks[place // 5] = alphabet[1 << place % 5]

    assert to_18("a" * place + "Z" + "0" * (14 - place)) == "a" * place + "Z" + "0" * (14 - place) + "".join(checks)


def test_a_checksum_of_capitals_only_is_the_last_of_the_alphabet() -> None:
    assert to_18("ABCDEFGHIJKLMNO") == "ABCDEFGHIJKLMNO555"
