"""
Where a value is found in a profile: JMESPath, compiled once.

Most sources are plain paths (`person.name.lastName`, `identityMap.crmID[0].id`). These follow the keys themselves and
cost no more than that; everything else goes through jmespath with Powertools' functions (`powertools_json` and the
like), which is imported only where a file uses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

Json = Any
Source = Callable[[Json], Json]
"""Reads one value out of a profile. Gives ABSENT where there is nothing, None where there is an explicit null."""


class _Absent:
    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()
"""Nothing is there, which is not the same as null: what is absent leaves its field alone."""

_PLAIN = re.compile(r'(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")(?:\.(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")|\[[0-9]+\])*')
_STEP = re.compile(r'"([^"\\]+)"|\[([0-9]+)\]|([A-Za-z_][A-Za-z0-9_]*)')


class SourceError(ValueError):
    """The text is no JMESPath. `position` counts characters from 0, or is None where jmespath gives none."""

    def __init__(self, problem: str, position: int | None) -> None:
        super().__init__(problem)
        self.position = position


def compile_source(expression: str) -> Source:
    """Compile JMESPath (https://jmespath.org/specification.html); raise SourceError where it cannot be read."""
    steps = plain_steps(expression)
    return _follow(steps) if steps is not None else _search(expression)


def plain_steps(expression: str) -> tuple[str | int, ...] | None:
    """Give the keys and indexes of a plain path, or None where the expression is more than that."""
    if not _PLAIN.fullmatch(expression):
        return None
    found = (match.groups() for match in _STEP.finditer(expression))
    return tuple(int(index) if index else quoted or name for quoted, index, name in found)


def _follow(steps: tuple[str | int, ...]) -> Source:
    def read(value: Json) -> Json:
        for step in steps:
            if type(value) is not (list if type(step) is int else dict):
                return _value_of_attribute(value) if step == "value" and step is steps[-1] else ABSENT
            try:
                value = value[step]  # type: ignore[index]  # the line above tells lists from objects
            except (KeyError, IndexError):
                return ABSENT
        return _value_of_attribute(value)

    return read


def _value_of_attribute(value: Json) -> Json:
    """Adobe's SDK writes an attribute as `x`, as `{"value": x}`, or as `{}` where it has no value."""
    if type(value) is dict:
        return value.get("value", value) if value else ABSENT
    return value


def _search(expression: str) -> Source:
    import jmespath
    from aws_lambda_powertools.utilities.jmespath_utils import PowertoolsFunctions

    try:
        compiled = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise SourceError(_in_one_line(error), getattr(error, "lex_position", None)) from None
    functions = PowertoolsFunctions()
    for name in _functions_in(compiled.parsed):
        if name not in functions.FUNCTION_TABLE:
            raise SourceError(f"calls {name}(), which is no function", expression.find(name))
    options = jmespath.Options(custom_functions=functions)

    def read(value: Json) -> Json:
        found = _value_of_attribute(compiled.search(value, options=options))
        return ABSENT if found is None else found

    return read


def _functions_in(node: Json) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        yield from _functions_in(child)


def _in_one_line(error: Exception) -> str:
    token = getattr(error, "token_value", None)
    return f"cannot be read at {token!r}" if token else "is incomplete"
