"""One mapping of a file: which value of a profile its field gets, and which it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from sys import maxsize
from typing import TYPE_CHECKING, Any, NoReturn
from unicodedata import category

from salesforce_destination.destination.standard_fields import LENGTHS, REQUIRED_TO_CREATE
from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.source import ABSENT, compile_source, in_digits, is_unicode, utf_16_units
from salesforce_destination.record.description import TEXT_TYPES

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import FieldMapping
    from salesforce_destination.record.description import ObjectDescription

Json = Any
Refused = dict[str, ProfileRefusedError | None]
"""Fields that are left alone, with the refusal of their value; None for an empty one where the field never is."""

RECORD_TYPE = "recordtype.developername"
"""The target that names a record type by its developer name, which is no key of Salesforce's: its Id is written."""

# A character as people see it: what follows a letter or an emoji and belongs to it, and the two letters of a flag.
_JOINED = "[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_CHARACTER = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|.{_JOINED}(?:\u200d.{_JOINED})*", re.DOTALL)


class FieldReader:
    """Reads the value of one mapping, and makes of it what its field takes."""

    def __init__(self, mapping: FieldMapping, salesforce_object: str) -> None:
        self.mapping, self.target = mapping, mapping.target
        self._record_types: Mapping[str, str] | None = None
        self.is_record_type = mapping.target.lower() == RECORD_TYPE
        if self.is_record_type:
            self.target = "RecordTypeId"
        self.source = compile_source(mapping.source) if mapping.source else lambda _: mapping.constant
        known = LENGTHS.get(salesforce_object, {}).get(mapping.target)
        self._is_text = bool(known or mapping.max_length)
        self._is_never_empty = mapping.target in REQUIRED_TO_CREATE.get(salesforce_object, ())
        self.longest = mapping.max_length or known or maxsize
        self.is_optional = mapping.default is None and not mapping.required and mapping.when_absent == "leave"
        self.values = {
            key.strip().lower(): (value.strip() or None) if isinstance(value, str) else value
            for key, value in (mapping.values or {}).items()
        }

    def use_description(self, description: ObjectDescription) -> None:
        """Follow what the org says of the field."""
        field = description.fields.get(self.target)
        self._record_types = description.record_types if self.is_record_type else None
        if self.is_record_type or "." in self.target:
            return
        if field is not None and field.type:
            self._is_text, self._is_never_empty = field.type in TEXT_TYPES, not field.nillable
            self.longest = min(self.mapping.max_length or maxsize, (self._is_text and field.length) or maxsize)

    def write(self, fields: dict[str, Json], refused: Refused, value: Json) -> None:
        """Add what is written for a value, or leave the field alone; raise ProfileRefusedError where neither may be."""
        is_given = value is not ABSENT and value is not None
        if not is_given:
            value = self._without_value(value)
        try:
            if is_given and self.values:
                value = self._listed(value)
            if value is None and self._is_never_empty:
                refused[self.target], value = None, ABSENT
            if value is not ABSENT:
                fields[self.target] = self._checked(value)
        except ProfileRefusedError as error:
            if not self.mapping.may_be_omitted:
                raise
            refused[self.target] = error

    def _listed(self, value: Json) -> Json:
        """What the file lists for a value of the profile, which is compared as JSON writes it, but for case and .0."""
        if isinstance(value, dict | list | ProfileRefusedError):
            return value
        text = value if type(value) is str else str(value) if type(value) is bool else in_digits(value)
        found = self.values.get((text or "").lower(), ABSENT)
        if found is ABSENT and self.mapping.other == "reject":
            text = f"The value for {self.target}, at {self.mapping.source}, is not listed in values."
            raise ProfileRefusedError(Reason("VALUE_NOT_LISTED", text, (self.target,)))
        return None if found is ABSENT and self.mapping.other == "clear" else found

    def _checked(self, value: Json) -> Json:
        if type(value) is ProfileRefusedError:
            text = f"{self.target}: {value.reason.text}"
            raise ProfileRefusedError(Reason("EXPRESSION_FAILED", text, (self.target,)))
        if isinstance(value, dict | list):
            self._refuse("is a list or an object; change the source to a single value")
        if type(value) is float:
            value = self._number(value)
        if self._is_text and type(value) in (int, float):
            value = in_digits(value)
            if value is None:
                self._refuse("is a number of more digits than JSON keeps; send it as text")
        return self._fitted(value) if type(value) is str else value

    def _number(self, value: float) -> float:
        if not isfinite(value):
            self._refuse("is not a number that JSON allows")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value

    def _refuse(self, problem: str) -> NoReturn:
        text = f"The value for {self.target} {problem}."
        raise ProfileRefusedError(Reason("VALUE_NOT_PLAIN", text, (self.target,)))

    def _without_value(self, value: Json) -> Json:
        mapping = self.mapping
        if mapping.default is not None:
            return mapping.default
        if mapping.required:
            text = f"{self.target} is required, and the profile has no value at {mapping.source}."
            raise ProfileRefusedError(Reason("REQUIRED_VALUE_MISSING", text, (self.target,)))
        return None if mapping.when_absent == "clear" else value

    def _fitted(self, value: str) -> str:
        if self._record_types is not None:
            if value not in self._record_types:
                self._refuse("names no record type that the integration user can give")
            return self._record_types[value]
        if not is_unicode(value):
            self._refuse("contains an unpaired surrogate (invalid Unicode)")
        length = utf_16_units(value)
        if length <= self.longest:
            return value
        if self.mapping.when_too_long == "truncate":
            return _cut(value, self.longest).rstrip()
        text = f"{self.target} holds {self.longest} characters, and the value has {length}."
        raise ProfileRefusedError(Reason("VALUE_TOO_LONG", text, (self.target,)))


def _cut(text: str, longest: int) -> str:
    """The beginning that fits, of whole characters."""
    end, left = 0, longest
    for match in _CHARACTER.finditer(text):
        left -= utf_16_units(match[0])
        if left < 0:
            break
        end = match.end()
    while end and end < len(text) and category(text[end])[0] == "M":  # vowel signs, points and viramas
        end -= 1
    return text[:end] or text.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", "ignore")
