"""Why a value cannot be stored, in Salesforce's words."""

from __future__ import annotations

from destination_testbench.org.faults.failure import RecordError
from destination_testbench.org.schema.field import Field
from destination_testbench.org.values.json_text import token


class ValueRefusedError(Exception):
    """A value cannot be stored. `unreadable`: not even its JSON type fits, so that reading the row ends there."""

    def __init__(self, error: RecordError, unreadable: bool = False) -> None:
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
    error = RecordError("INVALID_FIELD", in_collection, (), False, "JSON_PARSER_ERROR", in_row)
    return ValueRefusedError(error, unreadable=True)


def refused(field: Field, code: str, complaint: str, value: object) -> ValueRefusedError:
    """The refusal of a value that was read well: its label in the message, its API name in the fields."""
    return ValueRefusedError(RecordError(code, f"{field.label}: {complaint}: {value}", (field.name,)))
