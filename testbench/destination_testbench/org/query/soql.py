"""SOQL, as far as this org has it: fields and aggregates of one sObject, WHERE, GROUP BY, ORDER BY, LIMIT, OFFSET."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from pyparsing import (
    CaselessKeyword,
    Forward,
    Opt,
    ParseBaseException,
    ParserElement,
    ParseResults,
    Regex,
    Suppress,
    one_of,
    replace_with,
)

from destination_testbench.org.faults.failure import RequestFailure, not_simulated

PARSING = Lock()
"""pyparsing learns at its first calls how many arguments an action takes; two threads at once would confuse it."""

QUERIES_KEPT = 1_000
# What Salesforce's SOQL has beside; looked for only in what could not be read.
UNBUILT = re.compile(
    r"\(\s*SELECT\b|\b(?:TYPEOF|HAVING|FIELDS|FORMAT|TOLABEL|CONVERTCURRENCY|CONVERTTIMEZONE|DISTANCE|GEOLOCATION|GROUPING"
    r"|ROLLUP|CUBE|WITH|USING\s+SCOPE|FOR\s+(?:VIEW|REFERENCE|UPDATE)|UPDATE\s+(?:TRACKING|VIEWSTAT)|ALL\s+ROWS|ORDER\s+BY\s+\w+\s*\("
    r"|FROM\s+\w+\s*(?:,\s*\w+|\s(?!WHERE\b|WITH\b|GROUP\b|ORDER\b|LIMIT\b|OFFSET\b|FOR\b|USING\b|UPDATE\b|ALL\b)\w+)"
    r"|(?:CALENDAR|FISCAL|DAY|WEEK|HOUR)_\w+|DAY_ONLY|TODAY|YESTERDAY|TOMORROW|(?:LAST|THIS|NEXT)_\w+|N_\w+_AGO)\b",
    re.IGNORECASE,
)
LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
WORD = re.compile(r"'(?:[^'\\]|\\.)*'|<=|>=|!=|<>|[+-]?\d[\w.:+-]*|[A-Za-z_][\w.]*|\S", re.DOTALL)
"""A word of a query, as a refusal names it."""


@dataclass(frozen=True, slots=True)
class Word:
    """The name of a field or an sObject, and where it stands in the query."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """COUNT, COUNT_DISTINCT, MIN, MAX, SUM or AVG of a field, and the name that the query gives it."""

    function: str
    field: Word
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition on one field. `values` are several for IN and its like, or a query that finds them."""

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
    fields: tuple[Word | Aggregate, ...]
    sobject: Word
    where: Condition | None = None
    groups: tuple[Word, ...] = ()
    order: tuple[tuple[Word, bool], ...] = ()
    limit: int | None = None
    offset: int = 0


@lru_cache(QUERIES_KEPT)
def read_query(source: str) -> Query:
    """The meaning of a query; refused with the place where it has none."""
    try:
        with PARSING:
            return Query(source, *QUERY.parse_string(source, parse_all=True))
    except ParseBaseException as error:
        if clause := UNBUILT.search(LITERAL.sub("''", source)):
            raise not_simulated(f"the clause {clause[0].strip('( ').upper()} of SOQL") from None
        words = [(found.start(), found[0]) for found in WORD.finditer(source) if found.end() > error.loc]
        at, word = words[0] if words else (len(source.rstrip()), "<EOF>")
        raise RequestFailure(400, "MALFORMED_QUERY", pointed(source, at, f"unexpected token: '{word}'")) from None


def pointed(query: str, at: int, message: str) -> str:
    """A message that shows the place in the query, as Salesforce does."""
    return f"\n{query}\n{' ' * at}^\nERROR at Row:1:Column:{at + 1}\n{message}"


def _unquoted(tokens: ParseResults) -> str:
    return ESCAPE.sub(lambda match: {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1]), tokens[0][1:-1])


def _listed(element: ParserElement) -> ParserElement:
    listed: ParserElement = element + (Suppress(",") - element)[...]
    return listed.set_parse_action(tuple)


def _joined(tokens: ParseResults) -> Condition:
    first, *others = tokens
    return Group(others[0], (first, *others[1::2])) if others else first


def _grammar() -> ParserElement:
    word, keyword = Regex(r"[A-Za-z_][\w.]*"), CaselessKeyword
    name = word.copy().set_parse_action(lambda source, at, tokens: Word(tokens[0], at))
    number = Regex(r"[+-]?\d+(?:\.\d+)?").set_parse_action(lambda tokens: float(tokens[0]))
    value = (
        Regex(r"'(?:[^'\\]|\\.)*'", re.DOTALL).set_parse_action(_unquoted)
        | Regex(r"\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2}))?")
        | number
        | keyword("TRUE").set_parse_action(replace_with(True))
        | keyword("FALSE").set_parse_action(replace_with(False))
        | keyword("NULL").set_parse_action(replace_with(None))
    )
    signs = one_of("= != <> < <= > >=").set_parse_action(lambda tokens: tokens[0].replace("<>", "!="))
    one_of_many = (
        keyword("IN")
        | keyword("INCLUDES")
        | keyword("EXCLUDES")
        | (keyword("NOT") - keyword("IN")).set_parse_action(" ".join)
    )
    conditions, condition = Forward(), Forward()
    where = Opt(Suppress(keyword("WHERE")) - conditions, None)
    found = (
        Suppress("(") + Suppress(keyword("SELECT")) - name - Suppress(keyword("FROM")) - name - where - Suppress(")")
    )
    found.set_parse_action(lambda source, at, tokens: (Query(source, (tokens[0],), *tokens[1:]),))
    values = found | Suppress("(") - _listed(value) - Suppress(")")
    single = value.copy().add_parse_action(tuple)
    comparison = name - (one_of_many - values | (signs | keyword("LIKE")) - single)
    comparison.set_parse_action(lambda tokens: Comparison(*tokens))
    negation = keyword("NOT") - condition
    negation.set_parse_action(lambda tokens: Group("NOT", (tokens[1],)))
    condition <<= negation | Suppress("(") - conditions - Suppress(")") | comparison
    # Salesforce wants parentheses where AND and OR meet.
    both, either = ((keyword(joiner) - condition)[1, ...] for joiner in ("AND", "OR"))
    conditions <<= (condition + Opt(both | either)).set_parse_action(_joined)
    nulls = Suppress(keyword("NULLS") - word)
    descending = keyword("DESC").set_parse_action(replace_with(True)) | Suppress(keyword("ASC"))
    ordering = name + Opt(descending) + Opt(nulls)
    ordering.set_parse_action(lambda tokens: (tokens[0], len(tokens) > 1))
    count = number.copy().add_parse_action(lambda tokens: int(tokens[0]))
    counting = (Suppress(keyword("COUNT")) + Suppress("(") + Suppress(")")).set_parse_action(tuple)
    functions = one_of("COUNT COUNT_DISTINCT MIN MAX SUM AVG", caseless=True, as_keyword=True)
    alias = ~one_of("FROM", caseless=True, as_keyword=True) + word
    aggregate = functions + Suppress("(") - name - Suppress(")") - Opt(alias, None)
    aggregate.set_parse_action(lambda tokens: Aggregate(*tokens))
    return (
        Suppress(keyword("SELECT"))
        - (counting | _listed(aggregate | name))
        - Suppress(keyword("FROM"))
        - name
        - where
        - Opt(Suppress(keyword("GROUP")) - Suppress(keyword("BY")) - _listed(name), ())
        - Opt(Suppress(keyword("ORDER")) - Suppress(keyword("BY")) - _listed(ordering), ())
        - Opt(Suppress(keyword("LIMIT")) - count, None)
        - Opt(Suppress(keyword("OFFSET")) - count, 0)
    ).parse_with_tabs()


QUERY = _grammar()
