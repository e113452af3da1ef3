"""References between the subrequests of a composite: @{ref.field}, @{ref[0].id}."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)([^}]*)\}")
STEP = re.compile(r"\.?([A-Za-z0-9_]+)|\[(\d+)\]")


class UnresolvedError(Exception):
    """A reference names what no earlier subrequest has answered."""


def resolved(value: Any, answers: Mapping[str, Any]) -> Any:
    """The value with every reference in it replaced; untouched when there is none."""
    if isinstance(value, str):
        if "@{" not in value:
            return value
        whole = REFERENCE.fullmatch(value)
        if whole:
            return look_up(whole, answers)
        return REFERENCE.sub(lambda match: str(look_up(match, answers)), value)
    if isinstance(value, list):
        return [resolved(item, answers) for item in value]
    if isinstance(value, dict):
        return {key: resolved(item, answers) for key, item in value.items()}
    return value


def look_up(match: re.Match[str], answers: Mapping[str, Any]) -> Any:
    """What one reference stands for."""
    name, path = match[1], match[2]
    found = answers.get(name)
    for key, index in STEP.findall(path):
        found = (
            found[int(index)] if index and isinstance(found, list) and int(index) < len(found) else member(found, key)
        )
    if found is None:
        dotted = f"{name}{path}"
        raise UnresolvedError(f"Invalid reference specified. No value for {dotted} found in {name}")
    return found


def member(value: Any, key: str) -> Any:
    """A member of an object by its name in any case."""
    if not isinstance(value, dict):
        return None
    return next((item for name, item in value.items() if name.lower() == key.lower()), None)
