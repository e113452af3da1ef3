"""The examples of "Using metric math", and what is refused."""

from __future__ import annotations

import pytest
from destination_testbench.alarms.metric_math import Arithmetic, parse, references
from destination_testbench.alarms.metrics import Series, UnsupportedError

SERIES: dict[str, Series] = {
    "a": [30, 20, 0, 0],
    "b": [20, None, 20, None],
    "none": [None, None, None, None],
    "condition": [1, 1, 0, None],
    "yes": [30, None, 0, 30],
    "no": [0, 0, None, 20],
}


def worked_out(expression: str, fills_nothing: bool = True) -> object:
    return Arithmetic({**SERIES}, fills_nothing).value(parse(expression))


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("a < b", [0, 0, 1, 0]),
        ("a >= 30", [1, 0, 0, 0]),
        ("a > 15 AND b > 15", [1, 0, 0, 0]),
        ("a > 15 && b > 15", [1, 0, 0, 0]),
        ("a == 0 OR b == 20", [1, 0, 1, 1]),
        ("a != 30 || b <= 0", [0, 1, 1, 1]),
        ("a + b", [50, 20, 20, 0]),
        ("b - a", [-10, -20, 20, 0]),
        ("b + 1", [21, None, 21, None]),
        ("a + b * 2", [70, 20, 40, 0]),
        ("(a + b) * 2", [100, 40, 40, 0]),
        ("a - b - 1", [9, 19, -21, -1]),
        ("60 / a", [2, 3, None, None]),
        ("none + none", [None] * 4),
        ("FILL(b, 5)", [20, 5, 20, 5]),
        ("MAX([a, b])", [30, 20, 20, 0]),
        ("MIN([a, b])", [20, 20, 0, 0]),
        ("SUM([a, b, none])", [50, 20, 20, 0]),
        ("IF(condition, yes, no)", [30, 0, None, None]),
        ("IF(condition, yes, 5)", [30, 0, 5, 5]),
        ("IF(condition, 5, no)", [5, 5, None, None]),
        ("IF(a > 10, 1, 0)", [1, 1, 0, 0]),
    ],
)
def test_an_expression_has_the_value_that_aws_documents(expression: str, wanted: list[float | None]) -> None:
    assert worked_out(expression) == wanted


def test_both_readings_of_fill_are_there() -> None:
    assert worked_out("FILL(none, 0)") == [0, 0, 0, 0]
    assert worked_out("FILL(none, 0)", fills_nothing=False) == [None] * 4
    assert worked_out("FILL(b, 0)", fills_nothing=False) == [20, 0, 20, 0]


def test_both_readings_of_a_number_beside_nothing_are_there() -> None:
    assert Arithmetic({**SERIES}, counts_nothing=True).value(parse("b + 1")) == [21, 1, 21, 1]
    assert Arithmetic({**SERIES}, counts_nothing=False).value(parse("b + 1")) == [21, None, 21, None]


def test_both_readings_of_a_condition_that_is_missing_are_there() -> None:
    for drops, last in ((False, 5), (True, None)):
        assert Arithmetic({**SERIES}, drops_nothing=drops).value(parse("IF(condition, yes, 5)")) == [30, 0, 5, last]
        assert Arithmetic({**SERIES}, drops_nothing=drops).value(parse("IF(condition, yes, no)")) == [30, 0, None, None]


@pytest.mark.parametrize(
    "expression",
    [
        "MAX(a)",
        "SUM(a)",
        "RATE(a)",
        "FILL(a)",
        "FILL(a, REPEAT)",
        "SEARCH('x', 'Sum')",
        "METRICS()",
        "a +",
        "(a",
        "a b",
        "A",
        "",
        "a ^ 2",
        "fill(a, 0)",
        "IF(a, b)",
    ],
)
def test_what_is_not_modelled_is_refused(expression: str) -> None:
    with pytest.raises(UnsupportedError):
        parse(expression)


@pytest.mark.parametrize("expression", ["[a, b]", "FILL(5, 0)", "FILL(a, b)", "IF(1, a, b)", "1 / 0", "MAX([1, 2])"])
def test_a_value_of_the_wrong_sort_is_refused(expression: str) -> None:
    with pytest.raises(UnsupportedError):
        worked_out(expression)


def test_an_expression_tells_what_it_needs() -> None:
    assert set(references(parse("IF(FILL(a, 0) > 0, MAX([b, c]), 1)"))) == {"a", "b", "c"}
