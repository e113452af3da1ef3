"""The words of a formula."""

from __future__ import annotations

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"""\s*(?:
      (?P<comment>/\*.*?\*/)
    | (?P<number>\d+(?:\.\d+)?|\.\d+)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<name>\$?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<operator>&&|\|\||<>|!=|<=|>=|==|[-+*/^&=<>!(),])
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class FormulaError(Exception):
    """A formula cannot be understood."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind (number, text, name, operator, end) and what it says."""

    kind: str
    text: str


def tokens(formula: str) -> list[Token]:
    """The words of a formula, with an end after the last."""
    found: list[Token] = []
    text, position = formula.rstrip(), 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise FormulaError(f"Syntax error. Found '{text[position:].strip()[:1]}'")
        position = match.end()
        if (kind := match.lastgroup or "") != "comment":
            found.append(Token(kind, unquoted(match[kind]) if kind == "text" else match[kind]))
    return [*found, Token("end", "")]


def unquoted(text: str) -> str:
    """What stands between the quotation marks."""
    return ESCAPE.sub(lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1])
