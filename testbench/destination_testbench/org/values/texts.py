"""Checks of values that are texts: lengths, addresses, picklists."""

from __future__ import annotations

import re
from collections.abc import Callable

from destination_testbench.org.facts import Facts
from destination_testbench.org.faults.failure import RecordError
from destination_testbench.org.schema.field import Field
from destination_testbench.org.values.value_errors import ValueRefusedError, refused, unreadable

Check = Callable[[object], object]

# An address with a dot in its domain; Salesforce takes no address without.
EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}\Z"
)
MULTI_SELECT_VALUES = 100


def stored_length(text: str, facts: Facts) -> int:
    """How long Salesforce takes a text to be."""
    return len(text.encode("utf-16-le")) // 2 if facts.length_counts_utf16 and not text.isascii() else len(text)


def text_check(field: Field, facts: Facts) -> Check:
    """Text is stripped, empty text is no value, and nothing is ever truncated."""
    limit = field.length

    def check(value: object) -> object:
        if type(value) is not str:
            if value is None:
                return None
            if not facts.text_takes_scalars or isinstance(value, (list, dict)):
                raise unreadable(field, value)
            value = str(value)
        text = value.strip()
        if len(text) > limit or (not text.isascii() and stored_length(text, facts) > limit):
            message = f"{field.label}: data value too large: {text} (max length={limit})"
            raise ValueRefusedError(RecordError("STRING_TOO_LONG", message, (field.name,)))
        return text or None

    return check


def email_check(field: Field, facts: Facts) -> Check:
    """A text that is an address."""
    as_text = text_check(field, facts)

    def check(value: object) -> object:
        text = as_text(value)
        if isinstance(text, str) and not EMAIL.match(text):
            raise refused(field, "INVALID_EMAIL_ADDRESS", "invalid email address", text)
        return text

    return check


def picklist_check(field: Field, facts: Facts) -> Check:
    """One value of a picklist; an unrestricted one takes any text."""
    as_text = text_check(field, facts)
    if not field.restricted:
        return as_text
    fold = str.casefold if facts.picklist_ignores_case else str
    known = {fold(value): value for value, _ in field.values}

    def check(value: object) -> object:
        text = as_text(value)
        if isinstance(text, str):
            if (found := known.get(fold(text))) is None:
                raise refused(
                    field, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field", text
                )
            return found
        return text

    return check


def multipicklist_check(field: Field, facts: Facts) -> Check:
    """Several values in one text, joined by semicolons; at most 100."""
    as_text, one = text_check(field, facts), picklist_check(field, facts)

    def check(value: object) -> object:
        text = as_text(value)
        if not isinstance(text, str):
            return text
        parts = dict.fromkeys(one(part) for part in text.split(";") if part.strip())
        if len(parts) > MULTI_SELECT_VALUES:
            raise refused(field, "TOO_MANY_ENUM_VALUE", "too many values for multi-select picklist", len(parts))
        return ";".join(str(part) for part in parts) or None

    return check
