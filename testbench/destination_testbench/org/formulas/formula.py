"""Formulas of validation rules: read once, against the fields of an sObject, then evaluated for each record saved."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from pyparsing import (
    Forward,
    ParseBaseException,
    ParserElement,
    ParseResults,
    Regex,
    Suppress,
    c_style_comment,
    one_of,
)

from destination_testbench.org.formulas.functions import FIELD_FUNCTIONS, FUNCTIONS, Scope, Term
from destination_testbench.org.schema.schema import SObject

PARSING = Lock()
"""pyparsing learns at its first calls how many arguments an action takes; two threads at once would confuse it."""

LEVELS = (r"[*/]", r"[+-]", r"&(?!&)", r"==?|!=|<>|[<>]=?", r"&&", r"\|\|")
"""The operators, those that bind most first."""

CONSTANTS: dict[str, object] = {"TRUE": True, "FALSE": False, "NULL": None}
PERMISSION = "$Permission."
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
FORMULAS_KEPT = 500


class FormulaError(Exception):
    """A formula cannot be understood."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, a number, TRUE, FALSE or NULL."""

    value: object


@dataclass(frozen=True, slots=True)
class Name:
    """A field, or a custom permission of the user."""

    text: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function, or an operator, with its arguments."""

    name: str
    arguments: tuple[Node, ...]


Node = Constant | Name | FunctionCall


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
    reader = NameReader(sobject, permissions)
    term = reader.term(parse(source))
    return Formula(term, frozenset(reader.fields))


@lru_cache(FORMULAS_KEPT)
def parse(source: str) -> Node:
    """The formula as a tree; FormulaError where it is none."""
    try:
        with PARSING:
            node: Node = FORMULA.parse_string(source, parse_all=True)[0]
    except ParseBaseException as error:
        rest = source[error.loc :].lstrip()
        known = WORD.match(rest)
        word = known[0] if known else rest[:1]
        wanted = error.msg.removeprefix("Expected ") if known or not rest else "operand"
        said = {"operand": f"Syntax error. Found '{word}'", "end of text": f"Extra '{word}'"}
        raise FormulaError(said.get(wanted, f"Syntax error. Missing {wanted}")) from None
    return node


class NameReader:
    """Knows what names mean: permissions, and fields of one sObject, of which it keeps those that it was asked for."""

    def __init__(self, sobject: SObject, permissions: Collection[str]) -> None:
        self._sobject, self._permissions = sobject, permissions
        self.fields: set[str] = set()

    def term(self, node: Node) -> Term:
        """What a part of a formula comes to for a record."""
        match node:
            case Constant(value):
                return lambda scope: value
            case Name(name):
                return self._named(name)
            case FunctionCall(name, (Name(field),)) if name in FIELD_FUNCTIONS:
                return FIELD_FUNCTIONS[name](self._field(field))
            case FunctionCall(name) if name in FIELD_FUNCTIONS:
                raise FormulaError(f"Incorrect parameter type for function '{name}()'.")
            case FunctionCall(name, arguments) if name in FUNCTIONS:
                least, most, maker = FUNCTIONS[name]
                if len(arguments) < least or (most >= 0 and len(arguments) > most):
                    raise FormulaError(f"Incorrect number of parameters for function '{name}()'.")
                return maker([self.term(argument) for argument in arguments])
        raise FormulaError(f"Unknown function {node.name}. Check spelling.")

    def _named(self, name: str) -> Term:
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


def _unquoted(tokens: ParseResults) -> Constant:
    return Constant(ESCAPE.sub(lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), tokens[0][1:-1]))


def _named(tokens: ParseResults) -> Node:
    name: str = tokens[0]
    return Constant(CONSTANTS[name.upper()]) if name.upper() in CONSTANTS else Name(name)


def _from_left_to_right(tokens: ParseResults) -> Node:
    node: Node = tokens[0]
    for sign, right in zip(tokens[1::2], tokens[2::2], strict=True):
        node = FunctionCall(sign, (node, right))
    return node


def _grammar() -> ParserElement:
    expression, operand = Forward(), Forward()
    end, more = Suppress(")"), Suppress(",") - expression
    word = Regex(r"\$?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
    arguments = end | expression - more[...] - end.copy().set_name("','")
    call = word + Suppress("(") - arguments.set_name("operand")
    sign = one_of("! -") - operand
    operand <<= (
        Regex(r"\d+(?:\.\d+)?|\.\d+").set_parse_action(lambda tokens: Constant(float(tokens[0])))
        | Regex(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL).set_parse_action(_unquoted)
        | call.set_parse_action(lambda tokens: FunctionCall(tokens[0].upper(), tuple(tokens[1:])))
        | word.copy().set_parse_action(_named)
        | Suppress("(") - expression - end.set_name("')'")
        | sign.set_parse_action(lambda tokens: FunctionCall(f"{tokens[0]}1", (tokens[1],)))
    ).set_name("operand")
    level: ParserElement = operand
    for operators in LEVELS:
        level = (level + (Regex(operators) - level)[...]).set_parse_action(_from_left_to_right)
    expression <<= level
    return expression.ignore(c_style_comment).parse_with_tabs()


FORMULA = _grammar()
WORD = re.compile(r"""\$?[A-Za-z_][\w.]*|\d[\d.]*|\.\d+|".*?"|'.*?'|&&|\|\||<>|!=|<=|>=|==|[-+*/^&=<>!(),]""")
"""A word of a formula, as a refusal names it."""
