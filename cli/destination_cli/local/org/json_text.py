"""Reading JSON bodies as strictly as Salesforce does, with its words for what is wrong."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from destination_cli.local.org.failure import RequestFailure

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
        raise RequestFailure(400, "JSON_PARSER_ERROR", f"Unexpected character: {error}") from None


def read_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object."""
    value = read_json(body)
    if not isinstance(value, dict):
        text = f"Cannot deserialize instance of object from {token(value)} value [line:1, column:1]"
        raise RequestFailure(400, "JSON_PARSER_ERROR", text)
    return value
