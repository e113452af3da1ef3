"""What a formula sees of the record it is evaluated for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

Term = Callable[["Scope"], object]


@dataclass(frozen=True, slots=True)
class Scope:
    """
    A record as it would be saved (`after`) and as it is (`before`, None for a new one).

    `permissions` are the custom permissions of the user who saves it; `stamp` is the time of saving.
    """

    after: Mapping[str, object]
    before: Mapping[str, object] | None
    permissions: Collection[str]
    stamp: str


def blank(value: object) -> bool:
    """Whether there is no value: text without characters counts as none."""
    return value is None or value == ""


def equal(left: object, right: object) -> bool:
    """Whether two values are the same; nothing equals nothing."""
    return (blank(left) and blank(right)) or left == right


def below(left: object, right: object) -> bool:
    """Whether one value comes before another. A comparison with nothing, or with another sort of value, is false."""
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left < right
    return False


def number(value: object) -> float:
    """A number to calculate with; nothing counts as zero."""
    return float(value) if isinstance(value, (int, float)) else 0.0


def text(value: object) -> str:
    """A value as text; nothing is empty."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
