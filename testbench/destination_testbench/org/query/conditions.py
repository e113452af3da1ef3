"""WHERE: which records a condition is true of, and which of them need looking at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from destination_testbench.org.faults.failure import RequestFailure
from destination_testbench.org.formulas.functions import below
from destination_testbench.org.query.soql import Comparison, Condition
from destination_testbench.org.records.json_form import compound_value
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.store import RecordTable, StoredRecord
from destination_testbench.org.schema.schema import Field, SObject
from destination_testbench.org.values.moments import read_date, read_datetime

Test = Callable[[StoredRecord], bool]


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the records that are asked for, or of those behind their reference fields."""

    find: Callable[[object], tuple[SObject, StoredRecord] | None]
    sobject: SObject
    hops: tuple[Field, ...]
    field: Field

    def content(self, record: StoredRecord) -> object:
        """What a record holds there, in the form in which it is compared."""
        sobject = self.sobject
        for hop in self.hops:
            if (related := self.find(record.get(hop.name))) is None:
                # A checkbox is never empty, not even that of no record.
                return False if self.field.type == "boolean" else None
            sobject, record = related
        return content(sobject, record, self.field)


ColumnOf = Callable[[Comparison], Column]


def operand(field: Field, value: object) -> object:
    """A value in the form in which the field holds it."""
    if value is None:
        return None
    if field.type in ("id", "reference"):
        if (found := normalised(value)) is None:
            raise RequestFailure(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")
        return found
    if field.type in ("date", "datetime"):
        return (read_date if field.type == "date" else read_datetime)(value)
    return value.lower() if isinstance(value, str) and not field.case_sensitive else value


def content(sobject: SObject, record: StoredRecord, field: Field) -> object:
    """What a record holds in a field, in the form in which it is compared."""
    value = record.id if field.type == "id" else compound_value(sobject, record, field)
    folds = isinstance(value, str) and field.type not in ("id", "reference", "date", "datetime")
    return value.lower() if folds and isinstance(value, str) and not field.case_sensitive else value


def tested(condition: Condition, column_of: ColumnOf) -> Test:
    """The condition as a test of one record."""
    if isinstance(condition, Comparison):
        return compared(column_of(condition), condition)
    tests = [tested(member, column_of) for member in condition.members]
    if condition.operator == "NOT":
        return lambda record: not tests[0](record)
    together = all if condition.operator == "AND" else any
    return lambda record: together(test(record) for test in tests)


def compared(column: Column, comparison: Comparison) -> Test:
    """One comparison as a test."""
    field = column.field
    try:
        values = [operand(field, value) for value in comparison.values]
    except ValueError:
        text = f"value of filter criterion for field '{field.name}' must be of type {field.type}"
        raise RequestFailure(400, "INVALID_FIELD", text) from None
    operator, value, wanted = comparison.operator, values[0] if values else None, frozenset(values)
    pattern = re.compile(re.escape(str(value)).replace("%", ".*").replace("_", "."), re.DOTALL)
    tests: dict[str, Callable[[object], bool]] = {
        "=": lambda held: held == value,
        "!=": lambda held: held != value,
        "<": lambda held: below(held, value),
        ">": lambda held: below(value, held),
        "<=": lambda held: below(held, value) or (held is not None and held == value),
        ">=": lambda held: below(value, held) or (held is not None and held == value),
        "IN": lambda held: held in wanted,
        "NOT IN": lambda held: held not in wanted,
        "LIKE": lambda held: isinstance(held, str) and pattern.fullmatch(held) is not None,
        "INCLUDES": lambda held: included(held, values),
        "EXCLUDES": lambda held: not included(held, values),
    }
    test = tests[operator]
    return lambda record: test(column.content(record))


def included(held: object, wanted: Iterable[object]) -> bool:
    """Whether a multi-select value holds all parts of any of these."""
    parts = set(str(held or "").split(";"))
    return any(set(str(value).split(";")) <= parts for value in wanted)


def candidates(
    table: RecordTable, condition: Condition | None, column_of: ColumnOf, live: bool
) -> list[StoredRecord] | None:
    """The few records that can match, found by id or index; None when all must be looked at."""
    if condition is None:
        return None
    if not isinstance(condition, Comparison):
        if condition.operator == "NOT":
            return None
        found = [candidates(table, member, column_of, live) for member in condition.members]
        known = [records for records in found if records is not None]
        if condition.operator == "AND" or len(known) < len(found):
            return min(known, key=len) if known and condition.operator == "AND" else None
        return list({record.id: record for records in known for record in records}.values())
    column = column_of(condition)
    field = column.field
    if column.hops or condition.operator not in ("=", "IN") or None in condition.values:
        return None
    if field.type == "id":
        ids = dict.fromkeys(str(operand(field, value)) for value in condition.values)
        return [table.records[id_] for id_ in ids if id_ in table.records]
    # The indexes leave deleted records out.
    if live and table.indexed(field.name):
        matches = [record for value in condition.values for record in table.find(field, value)]
        return list({record.id: record for record in matches}.values())
    return None
