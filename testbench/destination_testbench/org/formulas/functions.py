"""What a formula sees of the record it is evaluated for, and the functions and operators that it can use."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from destination_testbench.org.values.values import read_decimal

Term = Callable[["Scope"], object]
Maker = Callable[[list[Term]], Term]


@dataclass(frozen=True, slots=True)
class Scope:
    """A record as it would be saved (`after`) and as it is (`before`, None for a new one).

    `permissions` are the custom permissions of the user who saves it; `stamp` is the time of saving.
    """

    after: Mapping[str, object]
    before: Mapping[str, object] | None
    permissions: Collection[str]
    stamp: str


def blank(value: object) -> bool:
    """Whether there is no value: text without characters counts as none."""
    return value is None or value == ""


def equal(left: object, right: object) -> bool:
    """Whether two values are the same; nothing equals nothing."""
    return (blank(left) and blank(right)) or left == right


def below(left: object, right: object) -> bool:
    """Whether one value comes before another. A comparison with nothing, or with another sort of value, is false."""
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left < right
    return False


def number(value: object) -> float:
    """A number to calculate with; nothing counts as zero."""
    return float(value) if isinstance(value, (int, float)) else 0.0


def text(value: object) -> str:
    """A value as text; nothing is empty."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def all_of(terms: list[Term]) -> Term:
    """AND: stops at the first that is false."""
    return lambda scope: all(term(scope) for term in terms)


def any_of(terms: list[Term]) -> Term:
    """OR: stops at the first that is true."""
    return lambda scope: any(term(scope) for term in terms)


def negation(terms: list[Term]) -> Term:
    """NOT: nothing counts as false."""
    return lambda scope: not terms[0](scope)


def choice(terms: list[Term]) -> Term:
    """IF(condition, then, else)."""
    return lambda scope: terms[1](scope) if terms[0](scope) else terms[2](scope)


def case(terms: list[Term]) -> Term:
    """CASE(value, one, result, ..., otherwise)."""

    def chosen(scope: Scope) -> object:
        value = terms[0](scope)
        for wanted, result in zip(terms[1:-1:2], terms[2:-1:2], strict=True):
            if equal(wanted(scope), value):
                return result(scope)
        return terms[-1](scope)

    return chosen


def is_blank(terms: list[Term]) -> Term:
    """ISBLANK, and ISNULL for fields that are not text."""
    return lambda scope: blank(terms[0](scope))


def blank_value(terms: list[Term]) -> Term:
    """BLANKVALUE(value, otherwise)."""
    return lambda scope: terms[1](scope) if blank(terms[0](scope)) else terms[0](scope)


def matches(terms: list[Term]) -> Term:
    """REGEX(text, expression): the whole text must match; an expression that is none matches nothing."""

    def matched(scope: Scope) -> object:
        try:
            return re.fullmatch(text(terms[1](scope)), text(terms[0](scope))) is not None
        except re.error:
            return False

    return matched


def includes(terms: list[Term]) -> Term:
    """INCLUDES(multi-select picklist, value)."""
    return lambda scope: text(terms[1](scope)) in text(terms[0](scope)).split(";")


def value_of(terms: list[Term]) -> Term:
    """VALUE(text): the number it says."""

    def read(scope: Scope) -> object:
        try:
            return float(read_decimal(text(terms[0](scope))))
        except ValueError:
            return None

    return read


def prior_value(field: str) -> Term:
    """PRIORVALUE(field): the value that is stored; of a new record, the new one."""
    return lambda scope: (scope.after if scope.before is None else scope.before).get(field)


def is_changed(field: str) -> Term:
    """ISCHANGED(field): false for a new record."""
    return lambda scope: scope.before is not None and scope.before.get(field) != scope.after.get(field)


OPERATORS: dict[str, Callable[[object, object], object]] = {
    "||": lambda left, right: bool(left) or bool(right),
    "&&": lambda left, right: bool(left) and bool(right),
    "=": equal,
    "==": equal,
    "<>": lambda left, right: not equal(left, right),
    "!=": lambda left, right: not equal(left, right),
    "<": below,
    ">": lambda left, right: below(right, left),
    "<=": lambda left, right: below(left, right) or (left is not None and left == right),
    ">=": lambda left, right: below(right, left) or (left is not None and left == right),
    "&": lambda left, right: text(left) + text(right),
    "+": lambda left, right: number(left) + number(right),
    "-": lambda left, right: number(left) - number(right),
    "*": lambda left, right: number(left) * number(right),
    "/": lambda left, right: number(left) / number(right) if number(right) else None,
}


def operated(sign: str) -> Maker:
    """An operator between two terms."""
    operate = OPERATORS[sign]
    return lambda terms: lambda scope: operate(terms[0](scope), terms[1](scope))


FIELD_FUNCTIONS = {"PRIORVALUE": prior_value, "ISCHANGED": is_changed}
# Name: fewest arguments, most arguments (-1: any number), what it does.
FUNCTIONS: dict[str, tuple[int, int, Maker]] = {
    "AND": (1, -1, all_of),
    "OR": (1, -1, any_of),
    "NOT": (1, 1, negation),
    "IF": (3, 3, choice),
    "CASE": (4, -1, case),
    "ISBLANK": (1, 1, is_blank),
    "ISNULL": (1, 1, is_blank),
    "BLANKVALUE": (2, 2, blank_value),
    "NULLVALUE": (2, 2, blank_value),
    "ISPICKVAL": (2, 2, lambda terms: lambda scope: equal(terms[0](scope), terms[1](scope))),
    "INCLUDES": (2, 2, includes),
    "REGEX": (2, 2, matches),
    "VALUE": (1, 1, value_of),
    "TEXT": (1, 1, lambda terms: lambda scope: text(terms[0](scope))),
    "LEN": (1, 1, lambda terms: lambda scope: len(text(terms[0](scope)))),
    "LOWER": (1, 1, lambda terms: lambda scope: text(terms[0](scope)).lower()),
    "UPPER": (1, 1, lambda terms: lambda scope: text(terms[0](scope)).upper()),
    "TRIM": (1, 1, lambda terms: lambda scope: text(terms[0](scope)).strip()),
    "CONTAINS": (2, 2, lambda terms: lambda scope: text(terms[1](scope)) in text(terms[0](scope))),
    "BEGINS": (2, 2, lambda terms: lambda scope: text(terms[0](scope)).startswith(text(terms[1](scope)))),
    "ABS": (1, 1, lambda terms: lambda scope: abs(number(terms[0](scope)))),
    "ISNEW": (0, 0, lambda terms: lambda scope: scope.before is None),
    "NOW": (0, 0, lambda terms: lambda scope: scope.stamp),
    "TODAY": (0, 0, lambda terms: lambda scope: scope.stamp[:10]),
    "!1": (1, 1, negation),
    "-1": (1, 1, lambda terms: lambda scope: -number(terms[0](scope))),
    **{sign: (2, 2, operated(sign)) for sign in OPERATORS},
}
