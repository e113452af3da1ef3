"""
What can be wrong in a destination file, in the words of the file.

Two kinds: what pydantic finds in one key (`in_words`), and what only shows between keys (`cross_mistakes`). Both read
the file as far as it can be read, so that a person sees all mistakes at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from .errors import Mistake
from .standard_fields import LENGTHS, REQUIRED_TO_CREATE

Table = Mapping[str, Any]

_WORDS: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing.", "Add it."),
    "string_type": ("must be text.", 'Write it in quotes: "...".'),
    "string_too_short": ("is empty.", "Write something, or remove the key."),
    "bool_type": ("must be true or false.", "Write it without quotes."),
    "int_type": ("must be a whole number.", "Write it without quotes."),
    "float_type": ("must be text, a number, true or false.", ""),
    "model_type": ("must be a table.", ""),
    "model_attributes_type": ("must be a table.", ""),
    "tuple_type": ("must be a list of tables.", "Start each entry with the key in double brackets: [[...]]."),
}


def in_words(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Say what pydantic found as a person would: by key, what is wrong, what would be right."""
    found: dict[str, Mistake] = {}
    for details in error.errors(include_url=False):
        key = _key(details["loc"], model)
        found.setdefault(key, _mistake(key, dict(details), model))
    return list(found.values())


def _mistake(key: str, details: dict[str, Any], model: type[BaseModel]) -> Mistake:
    kind, context = details["type"], details.get("ctx", {})
    if kind in _WORDS:
        return Mistake(key, *_WORDS[kind])
    if kind == "extra_forbidden":
        return Mistake(
            key, "is no key of this file.", _nearest(str(details["loc"][-1]), _keys_beside(details["loc"], model))
        )
    if kind == "literal_error":
        return Mistake(key, f"is {_shown(details['input'])}.", f"Write {context['expected']}.")
    if kind == "string_pattern_mismatch":
        return _misspelled(key, details["input"])
    if kind in ("greater_than_equal", "less_than_equal"):
        bound, number = (
            ("at least", context.get("ge")) if kind == "greater_than_equal" else ("at most", context.get("le"))
        )
        return Mistake(key, f"is {_shown(details['input'])}.", f"Write {bound} {number}.")
    return Mistake(key, str(context.get("error", "cannot be read.")))


def _misspelled(key: str, text: str) -> Mistake:
    if key == "api_version":
        return Mistake(key, f"is {_shown(text)}.", 'Write a version such as "66.0".')
    if any(char.isspace() for char in text):
        return Mistake(
            key, f"is {_shown(text)}: white space is not allowed.", f"Write {_shown(''.join(text.split()))}."
        )
    return Mistake(key, f"is {_shown(text)}, which is no API name.", "Use letters, digits and _, a letter first.")


def _key(loc: Sequence[int | str], model: type[BaseModel]) -> str:
    key = ""
    for part in loc:
        if isinstance(part, int):
            key += f"[{part}]"
        elif part not in ("str", "bool", "int", "float"):
            key += f".{part}" if key else part
    return key


def _keys_beside(loc: Sequence[int | str], model: type[BaseModel]) -> list[str]:
    for part in loc[:-1]:
        if isinstance(part, str):
            model = next(iter(_models_in(model.model_fields[part].annotation)), model)
    return list(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)


def _nearest(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}."


def _shown(value: Any) -> str:
    return repr(value) if not isinstance(value, str) else f'"{value[:60]}"'


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
            yield Mistake(f"{key}.id", f"{_shown(identity[1])} is mapped {counts[identity]} times.", "Map it once.")


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
    _needed_to_create,
    _field_written_twice,
    _too_many_audience_fields,
    _audience_mapped_twice,
    _names_without_sense,
)
