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

from salesforce_destination.outcome import ProfileRefusedError, Reason

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

_NO_OBJECT: Final[dict[str, Json]] = {}

_PLAIN = re.compile(r'(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")(?:\.(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")|\[[0-9]+\])*')
_STEP = re.compile(r'"([^"\\]+)"|\[([0-9]+)\]|([A-Za-z_][A-Za-z0-9_]*)')

_TAKE_NULL = frozenset({"to_string", "to_array", "type"})
"""JMESPath's functions that accept null; the others give nothing for it."""


class SourceError(ValueError):
    """The text is no JMESPath. `position` counts characters from 0, or is None where jmespath gives none."""

    def __init__(self, problem: str, position: int | None) -> None:
        super().__init__(problem)
        self.position = position


def is_unicode(text: str) -> bool:
    """Whether a text can be sent: JSON may hold a lone half of a surrogate pair (`"\\ud800"`), UTF-8 may not."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def utf_16_units(text: str) -> int:
    """The length of a text as Salesforce counts it: two for an emoji."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def compile_source(expression: str, *, unwraps: bool = True) -> Source:
    """
    Compile JMESPath (https://jmespath.org/specification.html); raise SourceError where it cannot be read.

    A source `unwraps` the attributes of Adobe's SDK, `{"value": x}`; one that finds whole profiles must not.
    """
    steps = plain_steps(expression)
    unwrap = _value_of_attribute if unwraps else _as_it_is
    return _follow(steps, unwrap) if steps is not None else _search(expression, unwrap)


def plain_steps(expression: str) -> tuple[str | int, ...] | None:
    """Give the keys and indexes of a plain path, or None where the expression is more than that."""
    if not _PLAIN.fullmatch(expression):
        return None
    found = (match.groups() for match in _STEP.finditer(expression))
    return tuple(int(index) if index else quoted or name for quoted, index, name in found)


def _follow(steps: tuple[str | int, ...], unwrap: Source) -> Source:
    if type(steps[-1]) is int:
        return _follow_with_care(steps, unwrap)
    with_care = _follow_with_care(steps, unwrap)
    *before, last = steps
    is_indexed = any(type(step) is int for step in before)

    def read(profile: Json) -> Json:
        # A text can be indexed by a number, but what that gives by no key: the last step is one.
        value = profile
        try:
            for step in before:
                value = value[step] if is_indexed else value.get(step, _NO_OBJECT)
            value = value.get(last, ABSENT)
        except KeyError:
            return ABSENT
        except (IndexError, TypeError, AttributeError):
            return with_care(profile)
        return unwrap(value) if type(value) is dict else value

    return read


def _follow_with_care(steps: tuple[str | int, ...], unwrap: Source) -> Source:
    def read(value: Json) -> Json:
        for step in steps:
            if type(value) is not (list if type(step) is int else dict):
                return unwrap(value) if step == "value" and step is steps[-1] else ABSENT
            try:
                value = value[step]  # type: ignore[index]  # the line above tells lists from objects
            except (KeyError, IndexError):
                return ABSENT
        return unwrap(value)

    return read


def _value_of_attribute(value: Json) -> Json:
    """Adobe's SDK writes an attribute as `x`, as `{"value": x}`, or as `{}` where it has no value."""
    if type(value) is dict:
        return value.get("value", value) if value else ABSENT
    return value


def _as_it_is(value: Json) -> Json:
    return value


def _search(expression: str, unwrap: Source) -> Source:
    import jmespath
    from aws_lambda_powertools.utilities.jmespath_utils import PowertoolsFunctions

    class Functions(PowertoolsFunctions):
        """Where the specification makes the word null of nothing, nothing comes of it, and "9" comes of 9.0."""

        def call_function(self, name: str, arguments: list[Json]) -> Json:
            if name in _TAKE_NULL:
                arguments = arguments if name == "type" else [_without_nulls(argument) for argument in arguments]
                if arguments == [None]:
                    return None
            return super().call_function(name, arguments)

    try:
        compiled = jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise SourceError(_in_one_line(error), getattr(error, "lex_position", None)) from None
    functions = Functions()
    for name, arguments in _calls_in(compiled.parsed):
        _check_call(name, arguments, functions.FUNCTION_TABLE.get(name), expression.find(f"{name}("))
    options = jmespath.Options(custom_functions=functions)

    def read(value: Json) -> Json:
        try:
            found = unwrap(compiled.search(value, options=options))
        except Exception as error:  # whatever the libraries raise at a value that they do not expect
            return _nothing_or_refused(expression, error)
        return ABSENT if found is None else found

    return read


def _without_nulls(value: Json) -> Json:
    if type(value) is dict:
        return {key: inner for key, old in value.items() if (inner := _without_nulls(old)) is not None} or None
    if type(value) is list:
        return [inner for old in value if (inner := _without_nulls(old)) is not None] or None
    return int(value) if type(value) is float and value.is_integer() and abs(value) < 2**53 else value


def _nothing_or_refused(expression: str, error: Exception) -> Json:
    """A function that is given null has nothing to work on, and gives nothing; any other fault is the profile's."""
    given = getattr(error, "actual_type", None)
    if given in ("null", "NoneType"):
        return ABSENT
    function = getattr(error, "function_name", None)
    problem = f"{function}() does not accept a value of type {given}" if function else type(error).__name__
    text = f"{expression} failed: {problem}."
    raise ProfileRefusedError(Reason("EXPRESSION_FAILED", text)) from None


def _calls_in(node: Json) -> Iterator[tuple[str, int]]:
    if node["type"] == "function_expression":
        yield node["value"], len(node["children"])
    if node["type"] == "slice" and node["children"][2] == 0:
        raise SourceError("has a slice with the step 0", None)
    for child in node["children"]:
        if isinstance(child, dict):  # those of a slice are numbers
            yield from _calls_in(child)


def _check_call(name: str, arguments: int, known: Json, position: int) -> None:
    if known is None:
        raise SourceError(f"calls {name}(), which does not exist", position)
    takes = known["signature"]
    any_more = bool(takes) and takes[-1].get("variadic")
    if arguments < len(takes) or (arguments > len(takes) and not any_more):
        raise SourceError(f"calls {name}() with {arguments} arguments, but it takes {len(takes)}", position)


def _in_one_line(error: Exception) -> str:
    token = getattr(error, "token_value", None)
    return f"cannot be read at {token!r}" if token else "is incomplete"
