"""
What only shows between several keys of a destination file, or between its audiences.

The checks read the file as it stands, mistakes of single keys included, so that a person sees all mistakes at once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from salesforce_destination.destination.mistakes import Table, part, shown, tables
from salesforce_destination.destination.standard_fields import LENGTHS, REQUIRED_TO_CREATE
from salesforce_destination.errors import Mistake

FIRST_VERSION_WITH_UPDATE_ONLY = 61
"""Upserts take `updateOnly` for fields other than the Id from this version of the REST API on."""


_OWN_ID = ("id", "salesforceid")
_COMPARED_WITH_KEY = re.compile(r'[=!<>]=?\s*"([^"]*)"')


def cross_mistakes(table: Table) -> list[Mistake]:
    """Find what only shows when several keys of the file are seen together."""
    return [mistake for check in CHECKS for mistake in check(table)]


def _mapping_without_value(table: Table) -> Iterator[Mistake]:
    for key, mapping in tables(table, "mappings"):
        if "source" not in mapping and "constant" not in mapping:
            yield Mistake(f"{key}.source", "is missing.", "Add a source, or a constant.")
        if "source" in mapping and "constant" in mapping:
            yield Mistake(f"{key}.constant", "cannot be combined with a source.", "Remove one of the two.")


def _nothing_to_cut_at(table: Table) -> Iterator[Mistake]:
    lengths = LENGTHS.get(str(table.get("salesforce_object")), {})
    for key, mapping in tables(table, "mappings"):
        known = "max_length" in mapping or mapping.get("target") in lengths
        if mapping.get("when_too_long") == "truncate" and not known:
            yield Mistake(
                f"{key}.when_too_long",
                f'is "truncate", but the length of {mapping.get("target")} is not known.',
                "Add max_length.",
            )


def _record_found_otherwise(table: Table) -> Iterator[Mistake]:
    identity = part(table, "identity")
    target = str(identity.get("target"))
    if target.casefold() in _OWN_ID and target != "SalesforceId":
        yield Mistake(
            "identity.target", f"is {shown(identity['target'])}.", 'Write "SalesforceId" for the record\'s own Id.'
        )
    for key, mapping in tables(table, "mappings"):
        if str(mapping.get("target")).casefold() in _OWN_ID:
            yield Mistake(f"{key}.target", "is the record's own Id.", "Set it under [identity].")


def _not_for_this_object(table: Table) -> Iterator[Mistake]:
    salesforce_object = table.get("salesforce_object")
    if table.get("converted_leads") == "contact" and salesforce_object != "Lead":
        yield Mistake(
            "converted_leads", f"is only for leads, but salesforce_object is {shown(salesforce_object)}.", "Remove it."
        )


def _version_without_update_only(table: Table) -> Iterator[Mistake]:
    identity, version = part(table, "identity"), str(table.get("api_version", "66.0"))
    profiles = part(table, "profiles")
    exits_some = "only_if" in profiles and profiles.get("when_skipped", "exit") == "exit"
    may_create = identity.get("create_missing") is True and not exits_some
    if identity.get("target") == "SalesforceId" or may_create or not version.removesuffix(".0").isdigit():
        return
    if int(version.removesuffix(".0")) < FIRST_VERSION_WITH_UPDATE_ONLY:
        yield Mistake(
            "api_version",
            f"is {shown(version)}, which cannot update by {identity.get('target')} without creating records.",
            f'Write "{FIRST_VERSION_WITH_UPDATE_ONLY}.0" or later.',
        )


def _length_beyond_field(table: Table) -> Iterator[Mistake]:
    lengths = LENGTHS.get(str(table.get("salesforce_object")), {})
    for key, mapping in tables(table, "mappings"):
        length, holds = mapping.get("max_length"), lengths.get(str(mapping.get("target")))
        if isinstance(length, int) and holds is not None and length > holds:
            target = mapping["target"]
            yield Mistake(
                f"{key}.max_length", f"is {length}.", f"{target} holds {holds} characters: write {holds} or less."
            )


def _needed_to_create(table: Table) -> Iterator[Mistake]:
    identity, salesforce_object = part(table, "identity"), str(table.get("salesforce_object"))
    if identity.get("create_missing") is not True:
        return
    if identity.get("target") == "SalesforceId":
        yield Mistake(
            "identity.create_missing",
            "is true, but Salesforce cannot create a record with a given Id.",
            "Set identity.target to a unique external-ID field, or create_missing to false.",
        )
    if str(identity.get("target")).casefold() == "email":
        yield Mistake(
            "identity.create_missing",
            "is true, but Email is not unique: two records could be created for one address.",
            "Set identity.target to a unique external-ID field, or create_missing to false.",
        )
    sure = {
        mapping.get("target")
        for _, mapping in tables(table, "mappings")
        if mapping.get("required") is True or "constant" in mapping or "default" in mapping
    }
    for field in REQUIRED_TO_CREATE.get(salesforce_object, ()):
        if field not in sure:
            yield Mistake(
                "mappings",
                f"{field} may stay without a value, but Salesforce requires it for a new {salesforce_object}.",
                f"Add a mapping to {field} with required = true.",
            )


def _value_beyond_length(table: Table) -> Iterator[Mistake]:
    lengths = LENGTHS.get(str(table.get("salesforce_object")), {})
    for key, mapping in tables(table, "mappings"):
        longest = mapping.get("max_length", lengths.get(str(mapping.get("target"))))
        if mapping.get("when_too_long") == "truncate" or not isinstance(longest, int):
            continue
        for name in ("constant", "default"):
            value = mapping.get(name)
            if isinstance(value, str) and len(value.strip()) > longest:
                problem = f"has {len(value)} characters, but {mapping.get('target')} holds {longest}."
                yield Mistake(f"{key}.{name}", problem, "Shorten it.")


def _text_in_double_quotes(table: Table) -> Iterator[Mistake]:
    sources = [("profiles.only_if", part(table, "profiles").get("only_if"))]
    sources += [("identity.source", part(table, "identity").get("source"))]
    sources += [(f"{key}.source", mapping.get("source")) for key, mapping in tables(table, "mappings")]
    for key, source in sources:
        if isinstance(source, str) and (found := _COMPARED_WITH_KEY.search(source)):
            problem = f'compares with "{found[1]}", which JMESPath reads as a key of the profile.'
            yield Mistake(key, problem, f"Write text in single quotes: '{found[1]}'.")


def _field_written_twice(table: Table) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for key, target in _written_fields(table):
        first = seen.setdefault(target.casefold(), key)
        if first != key:
            yield Mistake(key, f"writes {target}, which {first} writes already.", "Use another field.")


def _written_fields(table: Table) -> Iterator[tuple[str, str]]:
    identity, ordering = part(table, "identity").get("target"), part(table, "ordering").get("field")
    named = [("identity.target", "Id" if identity == "SalesforceId" else identity), ("ordering.field", ordering)]
    named += [(f"{key}.target", mapping.get("target")) for key, mapping in tables(table, "mappings")]
    named += audience_fields(table)
    yield from ((key, target) for key, target in named if isinstance(target, str))


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


CHECKS: Sequence[Callable[[Table], Iterator[Mistake]]] = (
    _mapping_without_value,
    _length_beyond_field,
    _value_beyond_length,
    _nothing_to_cut_at,
    _record_found_otherwise,
    _not_for_this_object,
    _version_without_update_only,
    _needed_to_create,
    _field_written_twice,
    _text_in_double_quotes,
    _too_many_audience_fields,
    _audience_mapped_twice,
    _names_without_sense,
    _same_name_in_one_field,
)
"""Each finds one kind of mistake."""
