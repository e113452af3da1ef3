"""What only shows between the audiences of a destination file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from salesforce_destination.destination.mistakes import shown
from salesforce_destination.destination.tables import Table, part, tables
from salesforce_destination.errors import Mistake


def audience_fields(table: Table) -> Iterator[tuple[str, Any]]:
    """Every field that audiences write, once for all those that share it as `names` may, with its key in the file."""
    shared: set[Any] = set()
    for key, audience in tables(table, "audiences"):
        mapping_id = audience.get("mapping_id")
        is_names = audience.get("value") == "names" and isinstance(mapping_id, str)
        if not (is_names and mapping_id in shared):
            yield f"{key}.mapping_id", mapping_id
        if is_names:
            shared.add(mapping_id)
        yield f"{key}.since_field", audience.get("since_field")


def _too_many_audience_fields(table: Table) -> Iterator[Mistake]:
    most = table.get("max_audience_fields", 25)
    names = (audience.get("mapping_id") for _, audience in tables(table, "audiences"))
    fields = list(dict.fromkeys(name for name in names if isinstance(name, str)))
    if type(most) is int and 0 < most < len(fields):
        yield Mistake(
            "audiences",
            f"use {len(fields)} fields, but the limit is {most}; {fields[most]} is the first one too many.",
            f"Remove some, or set max_audience_fields = {len(fields)} if the org has room for them.",
        )


def _audience_mapped_twice(table: Table) -> Iterator[Mistake]:
    audiences = [(key, (str(a.get("namespace", "")).casefold(), str(a.get("id")))) for key, a in _with_id(table)]
    counts = Counter(identity for _, identity in audiences)
    for key, identity in audiences:
        if counts[identity] > 1:
            yield Mistake(f"{key}.id", f"{shown(identity[1])} is mapped {counts[identity]} times.", "Map it once.")


def _with_id(table: Table) -> Iterator[tuple[str, Table]]:
    yield from ((key, audience) for key, audience in tables(table, "audiences") if isinstance(audience.get("id"), str))


def _named(table: Table) -> Iterator[tuple[str, Table]]:
    yield from ((key, audience) for key, audience in tables(table, "audiences") if audience.get("value") == "names")


def _names_without_sense(table: Table) -> Iterator[Mistake]:
    for key, audience in _named(table):
        if part(table, "profiles").get("memberships", "changed") != "all":
            yield Mistake(
                f"{key}.value",
                'is "names", but a message may leave memberships out.',
                'Set memberships = "all" under [profiles] if every message holds them all, or use another value.',
            )
        name = audience.get("name")
        if not name:
            yield Mistake(f"{key}.name", 'is missing, but value = "names" needs it.', "Add it.")
        elif isinstance(name, str) and ";" in name:
            yield Mistake(
                f"{key}.name", "contains a semicolon, which separates names in Salesforce.", "Remove the semicolon."
            )
        if "since_field" in audience:
            yield Mistake(f"{key}.since_field", 'does not work with value = "names".', "Remove it.")


def _same_name_in_one_field(table: Table) -> Iterator[Mistake]:
    seen: dict[tuple[str, str], str] = {}
    for key, audience in _named(table):
        field, name = audience.get("mapping_id"), audience.get("name")
        if not isinstance(field, str) or not isinstance(name, str):
            continue
        first = seen.setdefault((field, name.casefold()), key)
        if first != key:
            yield Mistake(f"{key}.name", f"is {shown(name)}, like {first}.name.", "Give each its own name.")


AUDIENCE_CHECKS: Sequence[Callable[[Table], Iterator[Mistake]]] = (
    _too_many_audience_fields,
    _audience_mapped_twice,
    _names_without_sense,
    _same_name_in_one_field,
)
"""Each finds one kind of mistake."""
