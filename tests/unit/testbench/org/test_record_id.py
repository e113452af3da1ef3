from __future__ import annotations

import pytest
from destination_testbench.org import record_id
from destination_testbench.org.records.record_id import normalised, to_long

# Ids that real orgs have answered with.
REAL_IDS = [
    "0037e00001WZ310AAD",
    "0037e00001WZ316AAD",
    "0017e00001W4GYRAA3",
    "0067e00000K8i71AAB",
    "0015500001QdQWaAAN",
    "0015500001QdQWfAAN",
    "003ak00000luKU1AAM",
    "001Vr00000m4eGCIAY",
]


@pytest.mark.parametrize("real", REAL_IDS)
def test_the_checksum_of_real_ids_agrees(real: str) -> None:
    assert to_long(real[:15]) == real
    assert normalised(real) == normalised(real[:15]) == real


@pytest.mark.parametrize(
    "text",
    [
        "",
        "003",
        "0037e00001WZ31",
        "0037e00001WZ310AAC",
        "0037E00001WZ310AAD",
        "0037e00001WZ310aad",
        "0037e00001WZ31-",
        5,
        None,
    ],
)
def test_what_is_no_id_has_no_long_form(text: object) -> None:
    assert normalised(text) is None


def test_seeded_ids_are_the_same_in_every_run() -> None:
    assert record_id("003", 1) == "003Ab0000000001IAA"
