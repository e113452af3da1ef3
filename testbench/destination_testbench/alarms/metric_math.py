"""CloudWatch's metric math, as far as the template's alarms use it ("Using metric math"): its grammar and its values.

What is not in the grammar is refused. Functions of a single time series that give one number (`MAX(m)`) are refused as
well: AWS advises against them in alarms, whose evaluation range is not fixed.

The values come period by period, as AWS documents it: a value that is missing on one side of an operator counts as 0;
a division by zero gives no value; IF gives 0 where its condition holds and its value is missing, and none where the
condition has none, or the number where it ends in one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from pyparsing import Forward, ParseBaseException, ParserElement, ParseResults, Regex, Suppress, one_of

from destination_testbench.alarms.metrics import Series, UnsupportedError

LEVELS = (r"[*/]", r"[+-]", r"[=!<>]=|[<>]", r"AND\b|&&", r"OR\b|\|\|")
"""The operators, those that bind most first."""

FUNCTIONS = {"FILL": 2, "IF": 3, "MAX": 1, "MIN": 1, "SUM": 1}
"""What may be called, and with how many arguments."""

PARSING = Lock()
"""pyparsing learns at its first calls how many arguments an action takes; two threads at once would confuse it."""

EXPRESSIONS_KEPT = 500


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Reference:
    """Another metric or expression of the same alarm, by its Id."""

    id: str


@dataclass(frozen=True, slots=True)
class Array:
    """Several time series in brackets."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator between two values."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Node, ...]


Node = Number | Reference | Array | Operation | Call


@lru_cache(EXPRESSIONS_KEPT)
def parse(text: str) -> Node:
    """The expression as a tree; UnsupportedError where it is not understood."""
    try:
        with PARSING:
            node: Node = EXPRESSION.parse_string(text, parse_all=True)[0]
    except ParseBaseException as error:
        raise UnsupportedError(f"{error} in the expression {text!r}") from None
    return node


def references(node: Node) -> Iterator[str]:
    """The Ids that an expression needs."""
    if isinstance(node, Reference):
        yield node.id
    elif isinstance(node, Operation):
        yield from references(node.left)
        yield from references(node.right)
    elif isinstance(node, Call | Array):
        for part in node.arguments if isinstance(node, Call) else node.items:
            yield from references(part)


def _called(tokens: ParseResults) -> Call:
    name, *arguments = tokens
    if len(arguments) != FUNCTIONS[name]:
        raise UnsupportedError(f"{name} with {len(arguments)} arguments")
    if FUNCTIONS[name] == 1 and not isinstance(arguments[0], Array):
        raise UnsupportedError(f"{name} of a single time series in an alarm")
    return Call(name, tuple(arguments))


def _operated_from_left_to_right(tokens: ParseResults) -> Node:
    node: Node = tokens[0]
    for sign, right in zip(tokens[1::2], tokens[2::2], strict=True):
        node = Operation(sign, node, right)
    return node


def _grammar() -> ParserElement:
    expression = Forward()
    listed = expression - (Suppress(",") - expression)[...]
    array = Suppress("[") - listed - Suppress("]")
    call = one_of(FUNCTIONS, as_keyword=True) - Suppress("(") - listed - Suppress(")")
    level: ParserElement = (
        Regex(r"\d+(?:\.\d+)?").set_parse_action(lambda tokens: Number(float(tokens[0])))
        | Regex(r"[a-z]\w*").set_parse_action(lambda tokens: Reference(tokens[0]))
        | call.set_parse_action(_called)
        | array.set_parse_action(lambda tokens: Array(tuple(tokens)))
        | Suppress("(") - expression - Suppress(")")
    )
    for operators in LEVELS:
        level = (level + (Regex(operators) - level)[...]).set_parse_action(_operated_from_left_to_right)
    expression <<= level
    return expression


EXPRESSION = _grammar()

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
    **dict.fromkeys(("AND", "&&"), lambda left, right: float(bool(left) and bool(right))),
    **dict.fromkeys(("OR", "||"), lambda left, right: float(bool(left) or bool(right))),
}
_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {"MAX": max, "MIN": min, "SUM": sum}


class Arithmetic:
    """Works out expressions over the series of an alarm.

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
