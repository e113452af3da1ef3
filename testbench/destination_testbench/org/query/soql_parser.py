"""The grammar of SOQL, as far as this org understands it."""

from __future__ import annotations

from destination_testbench.org.query.soql import Comparison, Condition, Group, Query, Word, literal, malformed, words

COMPARISONS = {"=", "!=", "<>", "<", "<=", ">", ">=", "LIKE"}
SETS = {"IN", "INCLUDES", "EXCLUDES"}


def read_query(source: str) -> Query:
    """The meaning of a query; refused with the place where it has none."""
    return QueryParser(source).query()


class QueryParser:
    """Reads a query word by word."""

    def __init__(self, source: str) -> None:
        self._source, self._words, self._position = source, words(source), 0

    def query(self) -> Query:
        """The whole query."""
        self._keyword("SELECT")
        fields = self._fields()
        self._keyword("FROM")
        sobject = self._take("name")
        where = self._conditions() if self._skip("WHERE") else None
        order = self._order() if self._skip("ORDER") else ()
        limit = self._count() if self._skip("LIMIT") else None
        offset = self._count() if self._skip("OFFSET") else 0
        if self._next.kind != "end":
            raise malformed(self._source, self._next)
        return Query(self._source, sobject, fields, where, order, limit, offset or 0)

    @property
    def _next(self) -> Word:
        return self._words[self._position]

    def _take(self, *kinds: str) -> Word:
        word = self._next
        if word.kind not in kinds:
            raise malformed(self._source, word)
        self._position += 1
        return word

    def _skip(self, keyword: str) -> bool:
        if self._next.upper != keyword:
            return False
        self._position += 1
        return True

    def _keyword(self, keyword: str) -> None:
        if not self._skip(keyword):
            raise malformed(self._source, self._next)

    def _fields(self) -> tuple[Word, ...]:
        if self._next.upper == "COUNT":
            self._position += 1
            self._keyword("(")
            self._keyword(")")
            return ()
        fields = [self._take("name")]
        while self._skip(","):
            fields.append(self._take("name"))
        return tuple(fields)

    def _conditions(self) -> Condition:
        first = self._condition()
        joiner = self._next.upper
        if joiner not in ("AND", "OR"):
            return first
        members = [first]
        while self._skip(joiner):
            members.append(self._condition())
        # Salesforce wants parentheses where AND and OR meet.
        if self._next.upper in ("AND", "OR"):
            raise malformed(self._source, self._next)
        return Group(joiner, tuple(members))

    def _condition(self) -> Condition:
        if self._skip("NOT"):
            return Group("NOT", (self._condition(),))
        if self._skip("("):
            inner = self._conditions()
            self._keyword(")")
            return inner
        field = self._take("name")
        operator = self._operator()
        values = self._set() if operator.removeprefix("NOT ") in SETS else (self._value(),)
        return Comparison(field, operator, values)

    def _operator(self) -> str:
        word = self._take("symbol", "name")
        if word.upper == "NOT":
            self._keyword("IN")
            return "NOT IN"
        if word.upper not in COMPARISONS | SETS:
            raise malformed(self._source, word)
        return "!=" if word.upper == "<>" else word.upper

    def _set(self) -> tuple[object, ...]:
        self._keyword("(")
        values = [self._value()]
        while self._skip(","):
            values.append(self._value())
        self._keyword(")")
        return tuple(values)

    def _value(self) -> object:
        word = self._take("text", "moment", "number", "name")
        try:
            return literal(word)
        except ValueError:
            raise malformed(self._source, word) from None

    def _order(self) -> tuple[tuple[Word, bool], ...]:
        self._keyword("BY")
        order = [self._ordering()]
        while self._skip(","):
            order.append(self._ordering())
        return tuple(order)

    def _ordering(self) -> tuple[Word, bool]:
        field = self._take("name")
        descending = self._skip("DESC")
        if not descending:
            self._skip("ASC")
        if self._skip("NULLS"):
            self._take("name")
        return field, descending

    def _count(self) -> int:
        return int(float(self._take("number").text))
