"""Reading SOQL: SELECT fields or count() FROM one sObject, WHERE, ORDER BY, LIMIT, OFFSET."""

from __future__ import annotations

import re
from dataclasses import dataclass

from destination_testbench.org.faults.failure import RequestFailure

WORD = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<moment>\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2}))?)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_][\w.]*)
    | (?P<symbol><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a query and where it stands."""

    kind: str
    text: str
    at: int

    @property
    def upper(self) -> str:
        """The word as a keyword; empty for a quoted text."""
        return "" if self.kind == "text" else self.text.upper()


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition on one field. `values` are several for IN and its like."""

    field: Word
    operator: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by AND, OR or NOT."""

    operator: str
    members: tuple[Condition, ...]


Condition = Comparison | Group


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read. Without fields it is a count()."""

    source: str
    sobject: Word
    fields: tuple[Word, ...]
    where: Condition | None = None
    order: tuple[tuple[Word, bool], ...] = ()
    limit: int | None = None
    offset: int = 0


def pointed(query: str, at: int, message: str) -> str:
    """A message that shows the place in the query, as Salesforce does."""
    return f"\n{query}\n{' ' * at}^\nERROR at Row:1:Column:{at + 1}\n{message}"


def malformed(query: str, word: Word) -> RequestFailure:
    """The refusal of a query at the word that does not belong there."""
    what = f"unexpected token: '{word.text}'" if word.kind != "end" else "unexpected token: '<EOF>'"
    return RequestFailure(400, "MALFORMED_QUERY", pointed(query, word.at, what))


def words(query: str) -> list[Word]:
    """The words of a query, with an end after the last."""
    found: list[Word] = []
    position, end = 0, len(query.rstrip())
    while position < end:
        match = WORD.match(query, position)
        if match is None:
            at = position + len(query[position:]) - len(query[position:].lstrip())
            raise malformed(query, Word("symbol", query[at], at))
        kind = match.lastgroup or ""
        found.append(Word(kind, match[kind], match.start(kind)))
        position = match.end()
    return [*found, Word("end", "", end)]


def literal(word: Word) -> object:
    """The value that a word stands for; ValueError when it stands for none."""
    if word.kind == "text":
        return ESCAPE.sub(lambda match: {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1]), word.text[1:-1])
    if word.kind == "number":
        return float(word.text)
    if word.kind == "moment":
        return word.text
    constants: dict[str, object] = {"TRUE": True, "FALSE": False, "NULL": None}
    if word.upper not in constants:
        raise ValueError(word.text)
    return constants[word.upper]
