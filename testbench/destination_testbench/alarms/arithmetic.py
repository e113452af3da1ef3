"""
The value of a metric-math expression, period by period.

As AWS documents it: a value that is missing on one side of an operator counts as 0; a division by zero gives no value;
IF gives 0 where its condition holds and its value is missing, and none where the condition has none, or the number
where it ends in one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

from destination_testbench.alarms.expression import Array, Call, Node, Number, Operation, Reference
from destination_testbench.alarms.metrics import Series, UnsupportedError

Value = float | Series

_OPERATORS: Mapping[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else None,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    "<=": lambda left, right: float(left <= right),
    ">": lambda left, right: float(left > right),
    ">=": lambda left, right: float(left >= right),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}
_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {"MAX": max, "MIN": min, "SUM": sum}


class Arithmetic:
    """
    Works out expressions over the series of an alarm.

    AWS leaves three things open, and an alarm has to be right either way: `fills_nothing` says whether FILL fills a
    metric that has no value at all in the range, `counts_nothing` whether nothing counts as 0 beside a number too,
    `drops_nothing` whether IF gives nothing for a condition that has none even where it ends in a number (one row of
    one table of AWS's says it does not).
    """

    def __init__(
        self,
        series: Mapping[str, Value],
        fills_nothing: bool = True,
        counts_nothing: bool = False,
        drops_nothing: bool = False,
    ) -> None:
        self._series, self._drops_nothing = series, drops_nothing
        self._fills_nothing, self._counts_nothing = fills_nothing, counts_nothing

    def value(self, node: Node) -> Value:
        """The value of one expression."""
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Reference):
            return self._series[node.id]
        if isinstance(node, Operation):
            left, right = self.value(node.left), self.value(node.right)
            return _operated(_OPERATORS[node.sign], left, right, self._counts_nothing)
        if isinstance(node, Array):
            raise UnsupportedError("an array of time series as a result")
        return self._called(node)

    def _called(self, call: Call) -> Value:
        if call.name in _AGGREGATES:
            (array,) = call.arguments
            assert isinstance(array, Array)
            return _aggregated(_AGGREGATES[call.name], [self._series_of(item) for item in array.items])
        if call.name == "FILL":
            return self._filled(*call.arguments)
        condition, yes, no = (self.value(argument) for argument in call.arguments)
        return _chosen(condition, yes, no, self._drops_nothing)

    def _series_of(self, node: Node) -> Series:
        value = self.value(node)
        if not isinstance(value, list):
            raise UnsupportedError("a number where a time series is wanted")
        return value

    def _filled(self, of: Node, filler: Node) -> Series:
        series = self._series_of(of)
        if not isinstance(filler, Number):
            raise UnsupportedError("FILL with anything but a number")
        if not self._fills_nothing and all(value is None for value in series):
            return series
        return [filler.value if value is None else value for value in series]


def _operated(work: Callable[[float, float], float | None], left: Value, right: Value, counts_nothing: bool) -> Value:
    if not isinstance(left, list) and not isinstance(right, list):
        value = work(left, right)
        if value is None:
            raise UnsupportedError("a division of numbers by zero")
        return value
    return [
        None if one is None and other is None else work(one or 0.0, other or 0.0)
        for one, other in _pairs(left, right, counts_nothing)
    ]


def _pairs(left: Value, right: Value, counts_nothing: bool) -> list[tuple[float | None, float | None]]:
    """Values that belong together. Nothing belongs to nothing; beside a number it may count as 0."""
    if not isinstance(left, list):
        assert isinstance(right, list)
        return [(left if counts_nothing or other is not None else None, other) for other in right]
    if not isinstance(right, list):
        return [(one, right if counts_nothing or one is not None else None) for one in left]
    return list(zip(left, right, strict=True))


def _aggregated(work: Callable[[Sequence[float]], float], all_series: Sequence[Series]) -> Series:
    columns = ([value for value in column if value is not None] for column in zip(*all_series, strict=True))
    return [work(values) if values else None for values in columns]


def _chosen(condition: Value, yes: Value, no: Value, drops_nothing: bool) -> Series:
    if not isinstance(condition, list):
        raise UnsupportedError("IF with a number as its condition")

    def at(value: Value, index: int) -> float | None:
        return value[index] if isinstance(value, list) else value

    unknown = None if drops_nothing or isinstance(no, list) else no
    return [
        unknown if holds is None else (at(yes, index) or 0.0) if holds else at(no, index)
        for index, holds in enumerate(condition)
    ]
