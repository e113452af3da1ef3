"""CloudFormation's intrinsic functions, as far as template.yaml uses them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = Any

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
_NOTHING = object()


class IntrinsicError(Exception):
    """The template says something that the local stack cannot work out."""


class Resolver:
    """Works out the values of a template.

    `values` holds parameters and pseudo parameters; `reference` and `attribute` say what `Ref` and `Fn::GetAtt` of a
    resource are, and may create it in order to know.
    """

    def __init__(
        self,
        values: Mapping[str, Json],
        conditions: Mapping[str, Json],
        reference: Callable[[str], str],
        attribute: Callable[[str, str], str],
    ) -> None:
        self._values, self._conditions = values, conditions
        self._reference, self._attribute = reference, attribute

    def resolve(self, value: Json) -> Json:
        """The value with every function in it worked out; what is `AWS::NoValue` is left out."""
        if isinstance(value, Mapping):
            if len(value) == 1 and (function := _FUNCTIONS.get(next(iter(value)))):
                return function(self, next(iter(value.values())))
            return {k: v for k, v in ((k, self.resolve(v)) for k, v in value.items()) if v is not _NOTHING}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [v for v in map(self.resolve, value) if v is not _NOTHING]
        return value

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template is true."""
        return bool(self.resolve(self._conditions[condition]))

    def _ref(self, name: str) -> Json:
        if name == "AWS::NoValue":
            return _NOTHING
        return self._values[name] if name in self._values else self._reference(name)

    def _get_att(self, target: str | Sequence[str]) -> str:
        logical_id, name = target.split(".", 1) if isinstance(target, str) else target
        return self._attribute(logical_id, name)

    def _sub(self, text: str | Sequence[Json]) -> str:
        pattern, extra = (text, {}) if isinstance(text, str) else (text[0], self.resolve(text[1]))

        def value(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            if name in extra:
                return str(extra[name])
            return str(self._get_att(name) if "." in name else self._ref(name))

        return _VARIABLE.sub(value, str(pattern))

    def _select(self, arguments: Sequence[Json]) -> Json:
        index, items = self.resolve(arguments)
        return items[int(index)]

    def _split(self, arguments: Sequence[Json]) -> list[str]:
        separator, text = self.resolve(arguments)
        return str(text).split(separator)

    def _join(self, arguments: Sequence[Json]) -> str:
        separator, items = self.resolve(arguments)
        return str(separator).join(map(str, items))

    def _if(self, arguments: Sequence[Json]) -> Json:
        condition, yes, no = arguments
        return self.resolve(yes if self.holds(condition) else no)

    def _equals(self, arguments: Sequence[Json]) -> bool:
        left, right = self.resolve(arguments)
        return str(left) == str(right)

    def _not(self, arguments: Sequence[Json]) -> bool:
        return not self.resolve(arguments)[0]

    def _and(self, arguments: Sequence[Json]) -> bool:
        return all(self.resolve(arguments))

    def _or(self, arguments: Sequence[Json]) -> bool:
        return any(self.resolve(arguments))

    def _unknown(self, _: Json) -> Json:
        raise IntrinsicError("The template uses a function that the local stack does not know.")


_FUNCTIONS: Mapping[str, Callable[[Resolver, Json], Json]] = {
    "Ref": Resolver._ref,
    "Condition": Resolver.holds,
    "Fn::GetAtt": Resolver._get_att,
    "Fn::Sub": Resolver._sub,
    "Fn::Select": Resolver._select,
    "Fn::Split": Resolver._split,
    "Fn::Join": Resolver._join,
    "Fn::If": Resolver._if,
    "Fn::Equals": Resolver._equals,
    "Fn::Not": Resolver._not,
    "Fn::And": Resolver._and,
    "Fn::Or": Resolver._or,
    "Fn::ImportValue": Resolver._unknown,
    "Fn::FindInMap": Resolver._unknown,
}
