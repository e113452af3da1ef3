"""
What only shows between several keys of a destination file.

The checks read the file as it stands, mistakes of single keys included, so that a person sees all mistakes at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .errors import Mistake
from .file_words import shown
from .standard_fields import LENGTHS, REQUIRED_TO_CREATE

Table = Mapping[str, Any]

FIRST_VERSION_WITH_UPDATE_ONLY = 61
"""Upserts take `updateOnly` for fields other than the Id from this version of the REST API on."""


def cross_mistakes(table: Table) -> list[Mistake]:
    """Find what only shows when several keys of the file are seen together."""
    return [mistake for check in _CHECKS for mistake in check(table)]


def _tables(table: Table, key: str) -> list[tuple[str, Table]]:
    entries = table.get(key)
    listed = entries if isinstance(entries, list) else []
    return [(f"{key}[{index}]", entry) for index, entry in enumerate(listed) if isinstance(entry, dict)]


def _part(table: Table, key: str) -> Table:
    part = table.get(key)
    return part if isinstance(part, dict) else {}


def _mapping_without_value(table: Table) -> Iterator[Mistake]:
    for key, mapping in _tables(table, "mappings"):
        if "source" not in mapping and "constant" not in mapping:
            yield Mistake(f"{key}.source", "is missing.", "Add a source, or a constant.")
        if "source" in mapping and "constant" in mapping:
            yield Mistake(f"{key}.constant", "stands beside a source.", "Keep one of the two.")


def _nothing_to_cut_at(table: Table) -> Iterator[Mistake]:
    lengths = LENGTHS.get(str(table.get("salesforce_object")), {})
    for key, mapping in _tables(table, "mappings"):
        known = "max_length" in mapping or mapping.get("target") in lengths
        if mapping.get("when_too_long") == "truncate" and not known:
            yield Mistake(
                f"{key}.when_too_long",
                f'is "truncate", but how long {mapping.get("target")} may be is not known.',
                "Add max_length.",
            )


def _record_found_otherwise(table: Table) -> Iterator[Mistake]:
    identity = _part(table, "identity")
    if str(identity.get("target")).casefold() == "id":
        yield Mistake(
            "identity.target", f"is {shown(identity['target'])}.", 'Write "SalesforceId" for the record\'s own Id.'
        )
    for key, mapping in _tables(table, "mappings"):
        if mapping.get("target") in ("Id", "SalesforceId"):
            yield Mistake(f"{key}.target", "is the record's own Id.", "Name it under [identity].")


def _not_for_this_object(table: Table) -> Iterator[Mistake]:
    salesforce_object = table.get("salesforce_object")
    if table.get("converted_leads") == "contact" and salesforce_object != "Lead":
        yield Mistake(
            "converted_leads", f"is for leads, and salesforce_object is {shown(salesforce_object)}.", "Remove it."
        )


def _version_without_update_only(table: Table) -> Iterator[Mistake]:
    identity, version = _part(table, "identity"), str(table.get("api_version", "66.0"))
    by_id = identity.get("target") == "SalesforceId"
    if by_id or identity.get("create_missing") is True or not version.removesuffix(".0").isdigit():
        return
    if int(version.removesuffix(".0")) < FIRST_VERSION_WITH_UPDATE_ONLY:
        yield Mistake(
            "api_version",
            f"is {shown(version)}, which cannot update by {identity.get('target')} without creating records.",
            f'Write "{FIRST_VERSION_WITH_UPDATE_ONLY}.0" or later.',
        )


def _length_beyond_field(table: Table) -> Iterator[Mistake]:
    lengths = LENGTHS.get(str(table.get("salesforce_object")), {})
    for key, mapping in _tables(table, "mappings"):
        length, holds = mapping.get("max_length"), lengths.get(str(mapping.get("target")))
        if isinstance(length, int) and holds is not None and length > holds:
            target = mapping["target"]
            yield Mistake(
                f"{key}.max_length", f"is {length}.", f"{target} holds {holds} characters: write {holds} or less."
            )


def _needed_to_create(table: Table) -> Iterator[Mistake]:
    identity, salesforce_object = _part(table, "identity"), str(table.get("salesforce_object"))
    if identity.get("create_missing") is not True:
        return
    if identity.get("target") == "SalesforceId":
        yield Mistake(
            "identity.create_missing",
            "is true, but a record cannot be created by its own Id.",
            "Set identity.target to an external-ID field that is unique, or create_missing to false.",
        )
    if identity.get("target") == "Email":
        yield Mistake(
            "identity.create_missing",
            "is true, but Email is not unique: two records could be created for one address.",
            "Set identity.target to an external-ID field that is unique, or create_missing to false.",
        )
    sure = {
        mapping.get("target")
        for _, mapping in _tables(table, "mappings")
        if mapping.get("required") is True or "constant" in mapping or "default" in mapping
    }
    for field in REQUIRED_TO_CREATE.get(salesforce_object, ()):
        if field not in sure:
            yield Mistake(
                "mappings",
                f"leave {field} without a sure value, and Salesforce creates no {salesforce_object} without it.",
                f"Add a mapping to {field} with required = true.",
            )


def _field_written_twice(table: Table) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for key, target in _written_fields(table):
        first = seen.setdefault(target.casefold(), key)
        if first != key:
            yield Mistake(key, f"names {target}, which {first} names already.", "Give each its own field.")


def _written_fields(table: Table) -> Iterator[tuple[str, str]]:
    identity, ordering = _part(table, "identity").get("target"), _part(table, "ordering").get("field")
    named = [("identity.target", "Id" if identity == "SalesforceId" else identity), ("ordering.field", ordering)]
    named += [(f"{key}.target", mapping.get("target")) for key, mapping in _tables(table, "mappings")]
    named += _audience_fields(table)
    yield from ((key, target) for key, target in named if isinstance(target, str))


def _audience_fields(table: Table) -> Iterator[tuple[str, Any]]:
    shared: set[Any] = set()
    for key, audience in _tables(table, "audiences"):
        mapping_id = audience.get("mapping_id")
        if mapping_id not in shared:
            yield f"{key}.mapping_id", mapping_id
        if audience.get("value") == "names" and isinstance(mapping_id, str):
            shared.add(mapping_id)
        yield f"{key}.since_field", audience.get("since_field")


def _too_many_audience_fields(table: Table) -> Iterator[Mistake]:
    most = table.get("max_audience_fields", 25)
    fields = list(dict.fromkeys(str(audience.get("mapping_id")) for _, audience in _tables(table, "audiences")))
    if isinstance(most, int) and len(fields) > most:
        yield Mistake(
            "audiences",
            f"use {len(fields)} fields, and {most} are allowed; the first too many is {fields[most]}.",
            f"Remove some, or set max_audience_fields = {len(fields)} if the org has room for them.",
        )


def _audience_mapped_twice(table: Table) -> Iterator[Mistake]:
    audiences = [(key, (str(a.get("namespace", "")).casefold(), a.get("id"))) for key, a in _tables(table, "audiences")]
    counts = Counter(identity for _, identity in audiences)
    for key, identity in audiences:
        if identity[1] is not None and counts[identity] > 1:
            yield Mistake(f"{key}.id", f"{shown(identity[1])} is mapped {counts[identity]} times.", "Map it once.")


def _names_without_sense(table: Table) -> Iterator[Mistake]:
    for key, audience in _tables(table, "audiences"):
        if audience.get("value") != "names":
            continue
        if _part(table, "profiles").get("memberships", "changed") != "all":
            yield Mistake(
                f"{key}.value",
                'is "names", but a message may leave memberships out.',
                'Set memberships = "all" under [profiles] if every message holds them all; else use another value.',
            )
        name = audience.get("name")
        if not name:
            yield Mistake(f"{key}.name", 'is missing, and value = "names" writes it.', "Add it.")
        elif isinstance(name, str) and ";" in name:
            yield Mistake(f"{key}.name", "holds a semicolon, which parts the names in Salesforce.", "Write it without.")
        if "since_field" in audience:
            yield Mistake(f"{key}.since_field", "cannot guard one of several audiences in a field.", "Remove it.")


_CHECKS: Sequence[Callable[[Table], Iterator[Mistake]]] = (
    _mapping_without_value,
    _length_beyond_field,
    _nothing_to_cut_at,
    _record_found_otherwise,
    _not_for_this_object,
    _version_without_update_only,
    _needed_to_create,
    _field_written_twice,
    _too_many_audience_fields,
    _audience_mapped_twice,
    _names_without_sense,
)
