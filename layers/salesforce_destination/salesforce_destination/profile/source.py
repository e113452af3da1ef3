"""Where a value is found in a profile: JMESPath, compiled once.

Plain paths (`person.name.lastName`, `identityMap.crmID[0].id`) follow the keys themselves; everything else goes through
jmespath, imported only where a file uses it, with Powertools' functions (`powertools_json` and the like) and those of
this module, which write values as Salesforce and its users do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any, Final
from unicodedata import decimal

from msgspec import UNSET

from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.event_time import parse_time, to_salesforce

Json = Any
Source = Callable[[Json], Json]  # reads one value of a profile; ABSENT where nothing is there, None where null is


ABSENT: Final = UNSET  # nothing is there, which is not the same as null: what is absent leaves its field alone

_NO_OBJECT: Final[dict[str, Json]] = {}

_PLAIN = re.compile(r'(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")(?:\.(?:[A-Za-z_][A-Za-z0-9_]*|"[^"\\]+")|\[[0-9]+\])*')
_STEP = re.compile(r'"([^"\\]+)"|\[([0-9]+)\]|([A-Za-z_][A-Za-z0-9_]*)')

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_EXACT, _SURE_DIGITS = 2**53, 15  # JSON's floats hold every integer below the first, and every number of so many digits

_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ](?!24)\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)


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


def in_digits(number: str | float) -> str | None:
    """The one spelling of a number, as a person writes it; None of no number, or where JSON may have lost digits."""
    if type(number) is int:
        return str(number)
    text = str(number)
    shown = text.partition("e")[0].replace(".", "").strip("-0")
    is_sure = type(number) is str or abs(float(number)) < _EXACT or len(shown) <= _SURE_DIGITS
    if not is_sure or not _NUMBER.fullmatch(text):
        return None
    digits = format(Decimal(text) or 0, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def compile_source(expression: str, *, unwraps: bool = True, is_identity: bool = False) -> Source:
    """Compile JMESPath (https://jmespath.org/specification.html); raise SourceError where it cannot be read.

    A source `unwraps` the attributes of Adobe's SDK, `{"value": x}`; one that finds whole profiles must not. An
    identity that is joined of parts lacks none of them: what is left would be that of many people.
    """
    steps = plain_steps(expression)
    unwrap = _value_of_attribute if unwraps else (lambda value: value)
    return _follow(steps, unwrap) if steps is not None else _search(expression, unwrap, is_identity)


def plain_steps(expression: str) -> tuple[str | int, ...] | None:
    """Give the keys and indexes of a plain path, or None where the expression is more than that."""
    if not _PLAIN.fullmatch(expression):
        return None
    found = (match.groups() for match in _STEP.finditer(expression))
    return tuple(int(index) if index else quoted or name for quoted, index, name in found)


def path_read(expression: str) -> tuple[str | int, ...] | None:
    """The one plain path that an expression reads, also through this module's functions; None where it reads more."""
    call = _CALL.fullmatch(expression)
    return plain_steps(call[1] if call else expression)


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


class _FailedError(Exception):
    """An expression does not fit its profile. The text names the function, and no value."""


def _date(value: Json) -> str | None:
    """The day as it is written, where one is: a birthday is the same in every time zone."""
    in_utc = _datetime(value)
    return value.strip()[:10] if type(value) is str and _TIME.fullmatch(value.strip()) else in_utc and in_utc[:10]


def _datetime(value: Json) -> str | None:
    text = value.strip() if type(value) is str else format(value, ".0f")
    if not text or _TIME.fullmatch(text):
        return text and to_salesforce(parse_time(text))
    # What is short is a time in seconds, or a date without its hyphens, unless it is a whole day in milliseconds.
    is_in_ms = re.fullmatch("-?[0-9]{1,15}", text) and (len(text) > 10 or int(text) % 86_400_000 == 0)
    return to_salesforce(int(text)) if is_in_ms else None


def _text(value: Json) -> str | None:
    return str(value).lower() if type(value) is bool else value if type(value) is str else in_digits(value)


def _number(value: Json) -> Json:
    """Exactly the number that is written: a separator or a lost digit would make it another one."""
    if type(value) is not str or not value.strip():
        return value
    digits = in_digits(value.strip()) or ""
    number = float(digits) if "." in digits else int(digits)
    return number if in_digits(str(number)) == digits else None


def _digits(value: Json) -> str | None:
    text = _text(value) or ""
    is_taken = type(value) is str or text.isdecimal()
    return "".join(str(decimal(character)) for character in text if character.isdecimal()) if is_taken else None


_KINDS = {"s": ["string"], "n": ["number"], "w": ["string", "number"], "b": ["string", "number", "boolean"]}
_A_TIME = "ISO 8601 (1990-05-01, 1990-05-01T08:00:00Z) or milliseconds since 1970"
_FUNCTIONS: dict[str, tuple[Callable[..., Json], str, str]] = {
    "date": (_date, "w", _A_TIME),
    "datetime": (_datetime, "w", _A_TIME),
    "text": (_text, "b", "text, true, false, or a number whose digits JSON keeps"),
    "number": (_number, "w", "a number, or the text of one such as 1234.5"),
    "lower": (str.lower, "s", "text"),
    "upper": (str.upper, "s", "text"),
    "trim": (str.strip, "s", "text"),
    "substring": (lambda text, start, end: text[start:end], "snn", "text and two whole numbers"),
    "split": (str.split, "ss", "text and a separator that is not empty"),
    "replace": (lambda text, old, new: new.join(text.split(old)), "sss", "three texts, the second not empty"),
    "digits": (_digits, "w", "text or a whole number"),
}
# What they do (None: the value is not what they take), and what they take.
_CALL = re.compile(rf"(?:(?:{'|'.join(_FUNCTIONS)})\()+({_PLAIN.pattern})(?:(?:, ?(?:`-?[0-9]+`|'[^'\\]*'))*\))+")

_WORDS = {"string": "text", "number": "a number", "boolean": "true or false", "array": "a list", "object": "an object"}
_WORDS |= {"array-string": "a list of texts", "array-number": "a list of numbers", "expref": "an expression after &"}
_TYPES = {str: "string", int: "number", float: "number", bool: "boolean", list: "array", dict: "object"}
_GIVE = {
    "string": "date datetime text lower upper trim substring replace digits join to_string type",
    "number": "length sum avg abs ceil floor to_number",
    "boolean": "contains starts_with ends_with comparator not_expression",
    "array": "split keys values sort sort_by map to_array multi_select_list filter_projection value_projection",
    "object": "merge multi_select_dict",
    "expref": "expref",
}

ORDERS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}  # the specification has them for numbers alone


@cache
def _interpreter(is_identity: bool) -> Json:
    from aws_lambda_powertools.utilities.jmespath_utils import PowertoolsFunctions
    from jmespath.visitor import Options, TreeInterpreter

    class Functions(PowertoolsFunctions):
        def call_function(self, name: str, arguments: list[Json]) -> Json:
            arguments = _as_people_write(name, arguments, is_identity)
            if name != "not_null" and any(argument is None for argument in arguments):
                return None
            try:
                if (found := super().call_function(name, arguments)) is None and name in _FUNCTIONS:
                    raise ValueError
                return found
            except Exception as error:  # whatever the libraries raise at a value that they do not expect
                return _nothing_or_failed(name, self.FUNCTION_TABLE[name]["signature"], arguments, error)

    class Interpreter(TreeInterpreter):  # type: ignore[misc]
        def visit_comparator(self, node: Json, value: Json) -> Json:
            name, sides = node["value"], [self.visit(side, value) for side in node["children"]]
            return _in_order(name, sides, self.COMPARATOR_FUNC[name])

    for name, (call, kinds, _) in _FUNCTIONS.items():
        signature = [{"types": _KINDS[kind]} for kind in kinds]
        Functions.FUNCTION_TABLE[name] = {"function": lambda _, *of, call=call: call(*of), "signature": signature}
    return Interpreter(Options(custom_functions=Functions()))


def _in_order(name: str, sides: list[Json], compare: Callable[..., bool]) -> bool | None:
    kinds = [_TYPES.get(type(side)) for side in sides if name in ORDERS]
    if None in kinds:
        return None
    for kind in filter("number".__ne__, kinds):
        raise _FailedError(f"{ORDERS[name]} compares numbers, not {_WORDS[str(kind)]}")
    return compare(*sides)


def _as_people_write(name: str, arguments: list[Json], is_identity: bool) -> list[Json]:
    """Arguments without the word null in them, or a 9.0 where people write 9."""
    if name in _FUNCTIONS:
        return [None if (found := _value_of_attribute(each)) is ABSENT else found for each in arguments]
    if name == "to_string":
        return [_without_nulls(arguments[0])]
    if name == "join" and type(values := arguments[1]) is list and values:
        left = [each for each in values if each is not None and (not is_identity or str(each).strip())]
        return [arguments[0], left if left and (not is_identity or len(left) == len(values)) else None]
    return arguments


def _nothing_or_failed(name: str, signature: Json, arguments: list[Json], error: Exception) -> None:
    if isinstance(error, _FailedError):
        raise error
    found = getattr(error, "actual_type", "")
    given = {kind.__name__: name for kind, name in _TYPES.items()}.get(found, found)
    if given not in ("null", "NoneType"):
        does = _WORDS.get(given) or f"this {_WORDS[_TYPES[type(arguments[0])]].split()[-1]}"
        raise _FailedError(f"{name}() takes {_takes(name, signature)}, not {does}") from None


def _search(expression: str, unwrap: Source, is_identity: bool) -> Source:
    import jmespath

    try:
        parsed = jmespath.compile(expression).parsed
    except jmespath.exceptions.JMESPathError as error:
        token, position = getattr(error, "token_value", None), getattr(error, "lex_position", None)
        raise SourceError(f"cannot be read at {token!r}" if token else "is incomplete", position) from None
    interpreter = _interpreter(is_identity)
    _check(parsed, jmespath.lexer.Lexer().tokenize(expression), interpreter._functions)

    def read(value: Json) -> Json:
        try:
            found = unwrap(interpreter.visit(parsed, value))
        except Exception as error:
            problem = str(error) if type(error) is _FailedError else type(error).__name__
            raise ProfileRefusedError(Reason("EXPRESSION_FAILED", f"{expression} failed: {problem}.")) from None
        return ABSENT if found is None else found

    return read


def _without_nulls(value: Json) -> Json:
    if type(value) is dict:
        kept: Json = {key: inner for key, old in value.items() if (inner := _without_nulls(old)) is not None}
    elif type(value) is list:
        kept = [inner for old in value if (inner := _without_nulls(old)) is not None]
    else:
        return int(value) if type(value) is float and value.is_integer() and abs(value) < _EXACT else value
    return kept if kept or not value else None


def nodes_in(node: Json) -> Iterator[Json]:
    """All nodes of parsed JMESPath, in the order of its text."""
    yield node
    children = node["children"]
    for child in (children[place] for place in (0, 2, 1)) if node["type"] == "filter_projection" else children:
        if isinstance(child, dict):  # those of a slice are numbers
            yield from nodes_in(child)


def _check(parsed: Json, tokens: Iterable[Json], functions: Json) -> None:
    calls = ((one, other) for one, other in pairwise(tokens) if other["type"] == "lparen")
    positions = iter([name["start"] for name, _ in calls if name["type"] == "unquoted_identifier"])
    for node in nodes_in(parsed):
        if node["type"] == "slice" and node["children"][2] == 0:
            raise SourceError("has a slice with the step 0", None)
        if node["type"] == "function_expression":
            position = next(positions)
            try:
                _check_call(node["value"], node["children"], functions, position)
            except _FailedError as error:
                raise SourceError(f"fails: {error}", position) from None


def _check_call(name: str, arguments: list[Json], functions: Json, position: int) -> None:
    signature = functions.FUNCTION_TABLE.get(name, {}).get("signature")
    if signature is None:
        raise SourceError(f"calls {name}(), which does not exist", position)
    any_more = signature and signature[-1].get("variadic")
    if len(arguments) < len(signature) or (len(arguments) > len(signature) and not any_more):
        raise SourceError(f"calls {name}() with {len(arguments)} arguments, but it takes {len(signature)}", position)
    for number, (argument, each) in enumerate(zip(arguments, signature, strict=False), 1):
        given, allowed = type_of(argument), {kind.partition("-")[0] for kind in each["types"]}
        if ("expref" in allowed) != (given == "expref") or (given and allowed and given not in allowed):
            words = f"{_WORDS.get(given, 'a value')} as argument {number}, but it takes {_takes(name, signature)}"
            raise SourceError(f"calls {name}() with {words}", position)
    if name in _FUNCTIONS and all(argument["type"] == "literal" for argument in arguments[1:]):
        values = [argument["value"] if argument["type"] == "literal" else "" for argument in arguments]
        functions.call_function(name, values)


def type_of(node: Json) -> str:
    """The JMESPath type of what a part of an expression gives, empty where only a profile tells."""
    if node["type"] == "literal":
        return _TYPES.get(type(node["value"]), "")
    name = node["value"] if node["type"] == "function_expression" else node["type"]
    return next((given for given, names in _GIVE.items() if name in names), "")


def _takes(name: str, signature: Json) -> str:
    words = [" or ".join(_WORDS[kind] for kind in each["types"]) or "any value" for each in signature]
    return _FUNCTIONS[name][2] if name in _FUNCTIONS else " and ".join(words)
