"""Where a record went that is not there any more: the contact of a converted lead, the survivor of a merge.

Salesforce refuses to write both kinds (CANNOT_UPDATE_CONVERTED_LEAD, ENTITY_IS_DELETED), and tells where they went only
when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = Any

MERGEABLE = frozenset({"Account", "Case", "Contact", "Individual", "Lead"})
"""The sObjects whose records can be merged; no other has a MasterRecordId that could be asked for."""

LONGEST_QUERY = 8_000
"""Characters of one SOQL query: Salesforce takes 16,384 bytes of URI and headers together, less when escaped."""


class Move(StrEnum):
    """How a record left its place."""

    CONVERTED = "converted"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Successor:
    """The record in its place: its sObject, its Id, and the fields that may be written there (None: the same ones)."""

    sobject: str
    record_id: str
    writable: frozenset[str] | None = None


def queries_by(
    sobject: str, columns: Iterable[str], wanted: Iterable[tuple[str, str]], most: int = LONGEST_QUERY
) -> Iterator[str]:
    """Ask for columns of the records that have one of these values, in as few queries of at most so many as fit.

    `wanted` are pairs of a field and a value as SOQL writes it.
    """
    # The names are API names, which the destination file's reader checks; texts are quoted, and numbers are digits.
    head = f"SELECT {', '.join(columns)} FROM {sobject} WHERE "  # noqa: S608  # nosec B608
    listed: dict[str, list[str]] = {}
    length = count = 0
    for field, literal in dict.fromkeys(wanted):
        if count == most or (count and length + len(literal) > LONGEST_QUERY):
            yield head + " OR ".join(f"{name} IN ({','.join(values)})" for name, values in listed.items())
            listed, length, count = {}, 0, 0
        listed.setdefault(field, []).append(literal)
        length, count = length + len(literal) + 1, count + 1
    if listed:
        yield head + " OR ".join(f"{name} IN ({','.join(values)})" for name, values in listed.items())


def successor_queries(sobject: str, key_field: str, pointer: str, keys: Iterable[str]) -> Iterator[str]:
    """Ask for `pointer` of the records with these keys, in as few queries as fit."""
    columns = dict.fromkeys(["Id", key_field, pointer])
    return queries_by(sobject, columns, ((key_field, quoted(key)) for key in keys))


def quoted(text: str) -> str:
    """Write a text as a SOQL literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def pointers_in(rows: Iterable[Mapping[str, Json]], key_field: str, pointer: str) -> dict[str, str]:
    """Read the rows of an answer: folded key to the Id that the row points to; rows that point nowhere are left out."""
    key_field, pointer = key_field.lower(), pointer.lower()
    found = ({name.lower(): value for name, value in row.items()} for row in rows)
    return {str(row[key_field]).lower(): str(row[pointer]) for row in found if row.get(key_field) and row.get(pointer)}


def end_of_chain(start: str, pointers: Mapping[str, str]) -> str:
    """Follow survivors of merges that were merged themselves; a circle, which should not be, ends where it began."""
    seen = {start}
    while (following := pointers.get(start.lower())) and following not in seen:
        seen.add(following)
        start = following
    return start
