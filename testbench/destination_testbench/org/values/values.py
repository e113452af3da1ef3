"""What may be written into a field: one check per field, compiled from its type, length and flags."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from destination_testbench.org.facts import Facts
from destination_testbench.org.faults.failure import SaveError, malformed_id
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.schema.schema import Field
from destination_testbench.org.values.json_text import token
from destination_testbench.org.values.moments import read_date, read_datetime, read_time


class ValueRefusedError(Exception):
    """A value cannot be stored. `unreadable`: not even its JSON type fits, so that reading the row ends there."""

    def __init__(self, error: SaveError, unreadable: bool = False) -> None:
        super().__init__(error.code)
        self.error, self.unreadable = error, unreadable


def unreadable(field: Field, value: object) -> ValueRefusedError:
    """The refusal of a value that the reader of the request cannot turn into the field's type."""
    in_collection = (
        f"Json Deserialization failed on token '{field.name}' and has left off in the middle of parsing a row."
        " Will go to end of row to begin parsing the next row"
    )
    kind = token(value)
    shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else value
    in_row = f"Cannot deserialize instance of {field.type} from {kind} value"
    if kind.startswith("START_"):
        in_row += " [line:1, column:1]"
    else:
        in_row += f" {shown} or request may be missing a required field at [line:1, column:1]"
    error = SaveError("INVALID_FIELD", in_collection, (), False, "JSON_PARSER_ERROR", in_row)
    return ValueRefusedError(error, unreadable=True)


def refused(field: Field, code: str, complaint: str, value: object) -> ValueRefusedError:
    """The refusal of a value that was read well: its label in the message, its API name in the fields."""
    return ValueRefusedError(SaveError(code, f"{field.label}: {complaint}: {value}", (field.name,)))


NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\Z")
LARGEST_INT = 2**31 - 1


def read_decimal(value: object) -> Decimal:
    """The number behind a JSON number or a numeric text; ValueError when it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("number")
    text = str(value).strip()
    if not NUMBER.match(text):
        raise ValueError("number")
    return Decimal(text)


def read_int(value: object, digits: int) -> int:
    """A whole number of at most so many digits; OverflowError beyond them."""
    number = read_decimal(value)
    if number != number.to_integral_value():
        raise ValueError("int")
    if abs(number) > LARGEST_INT or (digits and abs(number) >= 10**digits):
        raise OverflowError
    return int(number)


def read_number(value: object, precision: int, scale: int) -> float:
    """A number with at most `precision - scale` digits before the point, rounded to `scale` after it."""
    if type(value) is int and not scale and -(10**15) < value < 10**15 and (precision or 18) >= 15:
        return float(value)
    number = read_decimal(value)
    if abs(number) >= Decimal(10) ** ((precision or 18) - scale):
        raise OverflowError
    return float(number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP))


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
            raise ValueRefusedError(SaveError("STRING_TOO_LONG", message, (field.name,)))
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
    fold = str.lower if facts.picklist_ignores_case else str
    known = {fold(value): value for value, _ in field.values if value not in field.inactive}

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


TEXT_TYPES = {"string", "textarea", "phone", "url", "email", "picklist", "multipicklist", "combobox", "encryptedstring"}


def boolean_check(field: Field, facts: Facts) -> Check:
    """True or false: a checkbox is never empty."""

    def check(value: object) -> object:
        if isinstance(value, bool):
            return value
        if facts.boolean_takes_strings and isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise unreadable(field, value)

    return check


def parsed_check(field: Field, parse: Callable[[object], object]) -> Check:
    """A value that a parser must understand; it says so with ValueError, or OverflowError beyond the range."""

    def check(value: object) -> object:
        if value is None:
            return None
        try:
            return parse(value)
        except OverflowError:
            raise refused(
                field, "NUMBER_OUTSIDE_VALID_RANGE", "value outside of valid range on numeric field", value
            ) from None
        except ValueError:
            raise unreadable(field, value) from None

    return check


def reference_check(field: Field) -> Check:
    """An id of either length whose checksum agrees. Whether the record is there shows when it is saved."""

    def check(value: object) -> object:
        if value is None:
            return None
        if not isinstance(value, str):
            raise unreadable(field, value)
        if (found := normalised(value)) is None:
            raise ValueRefusedError(malformed_id(field.label, value, field.name))
        return found

    return check


def moment_check(field: Field, facts: Facts) -> Check:
    """A date, a time, or both."""
    if field.type == "datetime" and not facts.datetime_keeps_seconds:
        return parsed_check(field, lambda value: f"{read_datetime(value)[:17]}00.000+0000")
    return parsed_check(field, {"date": read_date, "datetime": read_datetime, "time": read_time}[field.type])


def number_check(field: Field, facts: Facts) -> Check:
    """A number of so many digits."""
    if facts.number_keeps_every_digit:
        return parsed_check(field, lambda value: read_number(value, field.precision, field.scale))
    return parsed_check(field, lambda value: float(f"{read_number(value, field.precision, field.scale):.9g}"))


def check_of(field: Field, facts: Facts) -> Check:
    """The check for one field."""
    if field.type in ("picklist", "multipicklist", "email"):
        make = {"picklist": picklist_check, "multipicklist": multipicklist_check, "email": email_check}[field.type]
        return make(field, facts)
    if field.type in TEXT_TYPES:
        return text_check(field, facts)
    if field.type == "boolean":
        return boolean_check(field, facts)
    if field.type in ("reference", "id"):
        return reference_check(field)
    if field.type in ("date", "datetime", "time"):
        return moment_check(field, facts)
    if field.type == "int":
        return parsed_check(field, lambda value: read_int(value, field.digits))
    return number_check(field, facts)
