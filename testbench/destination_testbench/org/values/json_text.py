"""Reading JSON bodies as strictly as Salesforce does, with its words for what is wrong."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import from_json

from destination_testbench.org.faults.failure import RequestFailure

PLACE = re.compile(r"line (\d+) column (\d+)")
NO_BODY = "The HTTP entity body is required, but this request has no entity body."
TOKENS: dict[type, str] = {
    str: "VALUE_STRING",
    int: "VALUE_NUMBER_INT",
    float: "VALUE_NUMBER_FLOAT",
    list: "START_ARRAY",
    dict: "START_OBJECT",
}


def token(value: object) -> str:
    """The name that Salesforce's JSON reader has for a value of this kind."""
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    return TOKENS.get(type(value), "VALUE_NULL")


def read_json(body: bytes) -> Any:
    """The value of a JSON body, or the refusal of the whole request."""
    if not body.strip():
        raise RequestFailure(400, "JSON_PARSER_ERROR", NO_BODY)
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise RequestFailure(400, "JSON_PARSER_ERROR", complaint(body, str(error))) from None


def complaint(body: bytes, problem: str) -> str:
    """What Salesforce's reader says of a body that is no JSON: the character, and where it stands."""
    place = PLACE.search(problem)
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    at = f"at [line:{line}, column:{column}]"
    rest = b"\n".join(body.split(b"\n")[line - 1 :])[max(column - 1, 0) :].decode("utf-8", "replace")
    if not rest or "EOF" in problem:
        return f"Unexpected end-of-input {at}"
    wanted = "was expecting double-quote to start field name" if "key must be" in problem else "expected a valid value"
    return f"Unexpected character ({rest[0]!r} (code {ord(rest[0])})): {wanted} {at}"
