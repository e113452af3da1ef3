"""The template's parameters: its numbers, and those that environment variables of their names set on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from salesforce_destination.settings import conflicts

from destination_testbench.local.places import ROOT
from destination_testbench.template.template import read_template

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
    """Every parameter's value: what is given, else what the environment says, else the template's default.

    What the environment says is held to what the template allows; what is given by code is not, so that a test can use
    a visibility timeout of a second.
    """
    values = {
        name: str(given[name]) if name in given else _from_environ(name, declaration, environ)
        for name, declaration in declared.items()
    }
    if found := conflicts({variable_name(name): value for name, value in values.items() if name not in given}):
        raise ParameterError(str(found[0]))
    return values


def _from_environ(name: str, declaration: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    text = environ.get(variable_name(name), "").strip()
    if not text or name in NOT_FROM_THE_ENVIRONMENT:
        return str(declaration["Default"])
    if not _allows(declaration, text):
        allowed = declaration.get("ConstraintDescription", "a number")
        raise ParameterError(f"{variable_name(name)} is {text!r}; it has to be {allowed}.")
    return text


def _allows(declaration: Mapping[str, Any], text: str) -> bool:
    if "AllowedValues" in declaration and text not in map(str, declaration["AllowedValues"]):
        return False
    if declaration["Type"] != "Number":
        return re.fullmatch(declaration.get("AllowedPattern", ".*"), text) is not None
    if not (text.isascii() and text.isdigit()):
        return False
    return int(declaration.get("MinValue", 0)) <= int(text) <= int(declaration.get("MaxValue", text))


@dataclass(frozen=True, slots=True)
class Numbers:
    """The template's parameters that are numbers of the delivery, by their names in lower case."""

    batch_size: int
    batch_window_seconds: int
    maximum_concurrency: int
    function_timeout_seconds: int
    visibility_timeout_seconds: int
    redelivery_base_seconds: int
    redelivery_max_seconds: int
    give_up_after_seconds: int
    max_receive_count: int
    retention_seconds: int


@cache
def template_numbers(path: Path = ROOT / "template.yaml") -> Numbers:
    """Read what the template says where nobody says otherwise."""
    defaults = {name.lower(): declared.get("Default") for name, declared in read_template(path).parameters.items()}
    return Numbers(**{field.name: int(str(defaults[field.name.replace("_", "")])) for field in fields(Numbers)})
