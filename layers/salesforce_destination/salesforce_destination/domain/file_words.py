"""What pydantic finds wrong in one key of a destination file, in the words of the file and never in pydantic's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from .errors import Mistake

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
            key, "is no key of this file.", nearest(str(details["loc"][-1]), _keys_beside(details["loc"], model))
        )
    if kind == "literal_error":
        return Mistake(key, f"is {shown(details['input'])}.", f"Write {context['expected']}.")
    if kind == "string_pattern_mismatch":
        return _misspelled(key, details["input"])
    if kind in ("greater_than_equal", "less_than_equal"):
        bound, number = (
            ("at least", context.get("ge")) if kind == "greater_than_equal" else ("at most", context.get("le"))
        )
        return Mistake(key, f"is {shown(details['input'])}.", f"Write {bound} {number}.")
    return Mistake(key, str(context.get("error", "cannot be read.")))


def _misspelled(key: str, text: str) -> Mistake:
    if key == "api_version":
        return Mistake(key, f"is {shown(text)}.", 'Write a version such as "66.0".')
    if any(char.isspace() for char in text):
        return Mistake(key, f"is {shown(text)}: white space is not allowed.", f"Write {shown(''.join(text.split()))}.")
    return Mistake(key, f"is {shown(text)}, which is no API name.", "Use letters, digits and _, a letter first.")


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


def nearest(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}."


def shown(value: Any) -> str:
    return repr(value) if not isinstance(value, str) else f'"{value[:60]}"'
