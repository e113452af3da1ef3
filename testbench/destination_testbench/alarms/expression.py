"""
CloudWatch's metric math, as far as the template's alarms use it ("Using metric math").

Parsed by a grammar of its own; what is not in it is refused. Functions of a single time series that give one number
(`MAX(m)`) are refused as well: AWS advises against them in alarms, whose evaluation range is not fixed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from destination_testbench.alarms.metrics import UnsupportedError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z]\w*)|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/<>()\[\],]))"
)
_LEVELS = (
    {"OR": "OR", "||": "OR"},
    {"AND": "AND", "&&": "AND"},
    {sign: sign for sign in ("==", "!=", "<=", ">=", "<", ">")},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/"},
)
"""The operators, those that bind least first."""

FUNCTIONS = {"FILL": 2, "IF": 3, "MAX": 1, "MIN": 1, "SUM": 1}
"""What may be called, and with how many arguments."""


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


def parse(text: str) -> Node:
    """The expression as a tree; UnsupportedError where it is not understood."""
    parser = _Parser(list(_tokens(text)), text)
    node = parser.level(0)
    parser.expect_end()
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


def _tokens(text: str) -> Iterator[str]:
    at, text = 0, text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise UnsupportedError(f"{text[at:]!r} in the expression {text!r}")
        yield found[0].strip()
        at = found.end()


class _Parser:
    def __init__(self, tokens: list[str], text: str) -> None:
        self._tokens, self._text = tokens[::-1], text

    def level(self, number: int) -> Node:
        if number == len(_LEVELS):
            return self._single()
        node = self.level(number + 1)
        while self._tokens and (sign := _LEVELS[number].get(self._tokens[-1])):
            self._tokens.pop()
            node = Operation(sign, node, self.level(number + 1))
        return node

    def expect_end(self) -> None:
        if self._tokens:
            raise UnsupportedError(f"{self._tokens[-1]!r} in the expression {self._text!r}")

    def _single(self) -> Node:
        token = self._take()
        if token == "(":
            node = self.level(0)
            self._take(")")
            return node
        if token == "[":
            return Array(self._list("]"))
        if token[0].isdigit():
            return Number(float(token))
        if token[0].islower():  # an Id begins with a lower-case letter, a function is in upper case
            return Reference(token)
        if token in FUNCTIONS and self._tokens and self._tokens[-1] == "(":
            return self._call(token)
        raise UnsupportedError(f"{token!r} in the expression {self._text!r}")

    def _call(self, name: str) -> Call:
        self._take("(")
        arguments = self._list(")")
        if len(arguments) != FUNCTIONS[name]:
            raise UnsupportedError(f"{name} with {len(arguments)} arguments in {self._text!r}")
        if FUNCTIONS[name] == 1 and not isinstance(arguments[0], Array):
            raise UnsupportedError(f"{name} of a single time series in an alarm: {self._text!r}")
        return Call(name, arguments)

    def _list(self, end: str) -> tuple[Node, ...]:
        items = [self.level(0)]
        while (token := self._take()) == ",":
            items.append(self.level(0))
        if token != end:
            raise UnsupportedError(f"{token!r} in the expression {self._text!r}")
        return tuple(items)

    def _take(self, wanted: str = "") -> str:
        token = self._tokens.pop() if self._tokens else ""
        if not token or (wanted and token != wanted):
            raise UnsupportedError(f"{wanted or 'more'!r} is missing in the expression {self._text!r}")
        return token
