"""What the answers to collections say, in the words of the software that will read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salesforce_destination.record.classification import Meaning, RecordError, meaning_of

Json = Mapping[str, Any]


def errors_of(result: Json) -> tuple[RecordError, ...]:
    """The errors of one record's result."""
    return tuple(
        RecordError(str(error.get("statusCode", "")), str(error.get("message", "")), tuple(error.get("fields") or ()))
        for error in result.get("errors") or ()
    )


def meanings_of(result: Json) -> set[Meaning]:
    """What the deliver function would do about them."""
    return {meaning_of(error) for error in errors_of(result)}


def codes_of(*results: Json) -> str:
    """Their codes, for a person."""
    return ", ".join(sorted({error.code for result in results for error in errors_of(result)})) or "no error"


def all_good(results: Any, count: int) -> bool:
    """Whether these are the results of so many records, all written."""
    return isinstance(results, list) and len(results) == count and all(result.get("success") for result in results)
