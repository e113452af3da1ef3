"""The functions that formulas can call."""

from __future__ import annotations

import re
from collections.abc import Callable

from destination_testbench.org.formulas.lexer import FormulaError
from destination_testbench.org.formulas.scope import Scope, Term, blank, equal, number, text
from destination_testbench.org.values.numeric import read_decimal


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


Maker = Callable[[list[Term]], Term]
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
}


def function(name: str, arguments: list[Term]) -> Term:
    """A call of a function, with as many arguments as it takes."""
    if name not in FUNCTIONS:
        raise FormulaError(f"Unknown function {name}. Check spelling.")
    least, most, maker = FUNCTIONS[name]
    if len(arguments) < least or (most >= 0 and len(arguments) > most):
        raise FormulaError(f"Incorrect number of parameters for function '{name}()'.")
    return maker(arguments)
