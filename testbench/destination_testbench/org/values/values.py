"""What may be written into a field: one check per field, compiled from its type, length and flags."""

from __future__ import annotations

from collections.abc import Callable

from destination_testbench.org.facts import Facts
from destination_testbench.org.faults.failure import malformed_id
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.schema.field import Field
from destination_testbench.org.values.moments import read_date, read_datetime, read_time
from destination_testbench.org.values.numeric import read_int, read_number
from destination_testbench.org.values.texts import Check, email_check, multipicklist_check, picklist_check, text_check
from destination_testbench.org.values.value_errors import ValueRefusedError, refused, unreadable

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
