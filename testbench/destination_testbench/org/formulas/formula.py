"""Formulas of validation rules: read once, against the fields of an sObject, then evaluated for each record saved."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from destination_testbench.org.formulas.formula_functions import function
from destination_testbench.org.formulas.lexer import FormulaError, Token, tokens
from destination_testbench.org.formulas.scope import Scope, Term, below, equal, number, text
from destination_testbench.org.schema.schema import SObject

Operation = Callable[[object, object], object]
# From the loosest to the tightest.
LEVELS: tuple[dict[str, Operation], ...] = (
    {"||": lambda left, right: bool(left) or bool(right)},
    {"&&": lambda left, right: bool(left) and bool(right)},
    {
        "=": equal,
        "==": equal,
        "<>": lambda left, right: not equal(left, right),
        "!=": lambda left, right: not equal(left, right),
        "<": below,
        ">": lambda left, right: below(right, left),
        "<=": lambda left, right: below(left, right) or (left is not None and left == right),
        ">=": lambda left, right: below(right, left) or (left is not None and left == right),
    },
    {"&": lambda left, right: text(left) + text(right)},
    {
        "+": lambda left, right: number(left) + number(right),
        "-": lambda left, right: number(left) - number(right),
    },
    {
        "*": lambda left, right: number(left) * number(right),
        "/": lambda left, right: number(left) / number(right) if number(right) else None,
    },
)
CONSTANTS: dict[str, object] = {"TRUE": True, "FALSE": False, "NULL": None}
PERMISSION = "$Permission."


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was understood. `fields` are the fields it speaks of."""

    term: Term
    fields: frozenset[str]

    def holds(self, scope: Scope) -> bool:
        """Whether it is true of a record."""
        return bool(self.term(scope))


def read_formula(source: str, sobject: SObject, permissions: Collection[str]) -> Formula:
    """The meaning of a formula; FormulaError when it has none for this sObject."""
    parser = Parser(tokens(source), sobject, permissions)
    term = parser.expression()
    parser.expect("")
    return Formula(term, frozenset(parser.fields))


class Parser:
    """Reads expressions by precedence, level by level."""

    def __init__(self, words: list[Token], sobject: SObject, permissions: Collection[str]) -> None:
        self._words, self._position = words, 0
        self._sobject, self._permissions = sobject, permissions
        self.fields: set[str] = set()

    def expression(self, level: int = 0) -> Term:
        """An expression whose operators bind at least as tightly as the level."""
        if level == len(LEVELS):
            return self._single()
        left = self.expression(level + 1)
        while self._next.kind == "operator" and (operation := LEVELS[level].get(self._next.text)):
            self._take()
            left = joined(operation, left, self.expression(level + 1))
        return left

    def expect(self, symbol: str) -> None:
        """Take exactly this word; the end is the empty one."""
        if self._next.text != symbol or self._next.kind not in ("operator", "end"):
            raise FormulaError(f"Syntax error. Missing '{symbol}'" if symbol else f"Extra '{self._next.text}'")
        self._take()

    @property
    def _next(self) -> Token:
        return self._words[self._position]

    def _take(self) -> Token:
        word = self._next
        self._position = min(self._position + 1, len(self._words) - 1)
        return word

    def _single(self) -> Term:
        word = self._take()
        if word.kind == "number":
            return constant(float(word.text))
        if word.kind == "text":
            return constant(word.text)
        if word.kind == "name":
            return self._call(word.text.upper()) if self._next.text == "(" else self._named(word.text)
        if word.text == "(":
            inner = self.expression()
            self.expect(")")
            return inner
        if word.text in ("!", "-"):
            return self._signed(word.text)
        raise FormulaError(f"Syntax error. Found '{word.text}'")

    def _signed(self, sign: str) -> Term:
        operand = self._single()
        if sign == "!":
            return lambda scope: not operand(scope)
        return lambda scope: -number(operand(scope))

    def _call(self, name: str) -> Term:
        self.expect("(")
        if name in ("PRIORVALUE", "ISCHANGED"):
            field = self._field(self._take().text)
            self.expect(")")
            return prior_value(field) if name == "PRIORVALUE" else is_changed(field)
        arguments: list[Term] = []
        while self._next.text != ")" or self._next.kind != "operator":
            arguments.append(self.expression())
            if self._next.text != ")":
                self.expect(",")
        self.expect(")")
        return function(name, arguments)

    def _named(self, name: str) -> Term:
        if name.upper() in CONSTANTS:
            return constant(CONSTANTS[name.upper()])
        if name.startswith(PERMISSION):
            permission = name.removeprefix(PERMISSION)
            if permission not in self._permissions:
                raise FormulaError(f"Field {name} does not exist. Check spelling.")
            return lambda scope: permission in scope.permissions
        field = self._field(name)
        return lambda scope: scope.after.get(field)

    def _field(self, name: str) -> str:
        if (field := self._sobject.find(name)) is None:
            raise FormulaError(f"Field {name} does not exist. Check spelling.")
        self.fields.add(field.name)
        return field.name


def constant(value: object) -> Term:
    """The same value for every record."""
    return lambda scope: value


def joined(operation: Operation, left: Term, right: Term) -> Term:
    """Two terms with an operator between them."""
    return lambda scope: operation(left(scope), right(scope))


def prior_value(field: str) -> Term:
    """PRIORVALUE(field): the value that is stored; of a new record, the new one."""
    return lambda scope: (scope.after if scope.before is None else scope.before).get(field)


def is_changed(field: str) -> Term:
    """ISCHANGED(field): false for a new record."""
    return lambda scope: scope.before is not None and scope.before.get(field) != scope.after.get(field)
