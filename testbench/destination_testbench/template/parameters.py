"""The template's parameters on this machine: each can be set by an environment variable of the same name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NOT_FROM_THE_ENVIRONMENT = frozenset({"DestinationFile"})
"""`DESTINATION` chooses the destination file, by its name or path."""


class ParameterError(Exception):
    """A variable of the environment holds what its parameter does not allow."""


def variable_name(parameter: str) -> str:
    """The environment variable for a parameter: `BatchWindowSeconds` is `BATCH_WINDOW_SECONDS`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", parameter).upper()


def parameter_values(
    declared: Mapping[str, Mapping[str, Any]], environ: Mapping[str, str], given: Mapping[str, Any]
) -> dict[str, str]:
    """
    Every parameter's value: what is given, else what the environment says, else the template's default.

    What the environment says is held to what the template allows; what is given by code is not, so that a test can use
    a visibility timeout of a second.
    """
    return {
        name: str(given[name]) if name in given else _from_environ(name, declaration, environ)
        for name, declaration in declared.items()
    }


def _from_environ(name: str, declaration: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    text = environ.get(variable_name(name), "").strip()
    if not text or name in NOT_FROM_THE_ENVIRONMENT:
        return str(declaration["Default"])
    if not _allows(declaration, text):
        raise ParameterError(f"{variable_name(name)} is {text!r}; it has to be {declaration['ConstraintDescription']}.")
    return text


def _allows(declaration: Mapping[str, Any], text: str) -> bool:
    if "AllowedValues" in declaration and text not in map(str, declaration["AllowedValues"]):
        return False
    if declaration["Type"] == "Number":
        return text.isascii() and text.isdigit() and _in_range(declaration, int(text))
    return re.fullmatch(declaration.get("AllowedPattern", ".*"), text) is not None


def _in_range(declaration: Mapping[str, Any], number: int) -> bool:
    return int(declaration.get("MinValue", 0)) <= number <= int(declaration.get("MaxValue", number))
