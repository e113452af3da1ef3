"""What is wrong in one key of a destination file, in the words of the file and never in pydantic's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from salesforce_destination.errors import Mistake

_TABLE_KINDS = ("model_type", "model_attributes_type", "tuple_type")
_WORDS: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing.", "Add it."),
    "string_type": ("must be text.", 'Write it in quotes: "...".'),
    "string_too_short": ("is empty.", "Write something."),
    "bool_type": ("must be true or false.", "Write it without quotes."),
    "int_type": ("must be a whole number.", "Write it without quotes."),
}
_BOUNDS = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le")}
_KINDS_OF_VALUE = ("str", "bool", "int", "float")
"""How pydantic names the members of a union at the end of a place."""


def in_words(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Say what pydantic found as a person would: by key, what is wrong, what would be right."""
    found: dict[str, Mistake] = {}
    for details in error.errors(include_url=False):
        if details["type"] != "extra_forbidden" and details["loc"][-1] in _KINDS_OF_VALUE:
            key = _key(details["loc"][:-1])
            found.setdefault(key, Mistake(key, "must be text, a number, true or false.", 'Put text in quotes: "...".'))
        else:
            key = _key(details["loc"])
            found.setdefault(key, _mistake(key, dict(details), model))
    return list(found.values())


def _mistake(key: str, details: dict[str, Any], model: type[BaseModel]) -> Mistake:
    kind, context = details["type"], details.get("ctx", {})
    if kind in _TABLE_KINDS or (kind == "missing" and key in _tables_of(model)):
        return _no_table(key, kind, model)
    if kind in _WORDS:
        return Mistake(key, *_WORDS[kind])
    if kind == "extra_forbidden":
        return _unknown(key, details["loc"], model)
    if kind == "literal_error":
        expected = context["expected"].replace("'", '"')
        return Mistake(key, f"is {shown(details['input'])}.", f"Write {expected}.")
    if kind == "string_pattern_mismatch":
        return _misspelled(key, details["input"])
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return Mistake(key, f"is {shown(details['input'])}.", f"Write {words} {context[bound]}.")
    return Mistake(key, str(context.get("error", "cannot be read.")))


def _no_table(key: str, kind: str, model: type[BaseModel]) -> Mistake:
    name = key.partition("[")[0]
    wanted = "a list of tables" if kind == "tuple_type" else "a table"
    return Mistake(key, "is missing." if kind == "missing" else f"must be {wanted}.", f"Write {_header(name, model)}.")


def _header(name: str, model: type[BaseModel]) -> str:
    return f"[[{name}]]" if get_origin(model.model_fields[name].annotation) is tuple else f"[{name}]"


def _unknown(key: str, loc: Sequence[int | str], model: type[BaseModel]) -> Mistake:
    """A key may be right and in the wrong place: TOML gives it to the last table above it."""
    name, beside = str(loc[-1]), _keys_beside(loc, model)
    if not get_close_matches(name, beside, n=1, cutoff=0.6):
        if name in model.model_fields:
            return Mistake(key, "does not belong here.", "Move it to the top of the file, before every [table].")
        for table, inner in _tables_of(model).items():
            if name in inner.model_fields:
                return Mistake(key, "does not belong here.", f"Move it under {_header(table, model)}.")
    return Mistake(key, "is not a known key.", nearest(name, beside))


def _tables_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    return {name: inner for name, field in model.model_fields.items() for inner in _models_in(field.annotation)}


def _misspelled(key: str, text: str) -> Mistake:
    if key == "api_version":
        return Mistake(key, f"is {shown(text)}.", 'Write a version such as "66.0".')
    if any(char.isspace() for char in text):
        return Mistake(key, f"is {shown(text)}: white space is not allowed.", f"Write {shown('_'.join(text.split()))}.")
    return Mistake(
        key, f"is {shown(text)}, which is not an API name.", "Start with a letter, then use letters, digits and _."
    )


def _key(loc: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


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


def nearest(word: str, known: Sequence[str]) -> str:
    """Name the key that was probably meant, or all there are."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Known keys: {', '.join(known)}."


def shown(value: Any) -> str:
    """A value of the file as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if not isinstance(value, str) else f'"{value[:60]}"'


Table = Mapping[str, Any]


def tables(table: Table, key: str) -> list[tuple[str, Table]]:
    """The entries of a list of tables, each with its key in the file; what is no table is left to others to find."""
    entries = table.get(key)
    listed = entries if isinstance(entries, list) else []
    return [(f"{key}[{index}]", entry) for index, entry in enumerate(listed) if isinstance(entry, dict)]


def part(table: Table, key: str) -> Table:
    """The table under a key, empty where there is none."""
    found = table.get(key)
    return found if isinstance(found, dict) else {}
