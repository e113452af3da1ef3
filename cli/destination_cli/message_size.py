"""What SQS lets one call carry: ten messages, and 1 MiB of bodies and attributes together ("Message quotas")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

ENTRIES_PER_CALL = 10
MOST_BYTES = 1_048_576

Item = TypeVar("Item")


def size_of_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """The bytes that attributes count for: name, type and value of each."""
    return sum(
        len(name.encode()) + len(attribute["DataType"]) + len(_value(attribute))
        for name, attribute in attributes.items()
    )


def in_calls(items: Iterable[Item], size_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Group what is sent, in order, so that each group fits into one call."""
    call: list[Item] = []
    room = MOST_BYTES
    for item in items:
        size = size_of(item)
        if call and (len(call) == ENTRIES_PER_CALL or size > room):
            yield call
            call, room = [], MOST_BYTES
        call.append(item)
        room -= size
    if call:
        yield call


def _value(attribute: Mapping[str, Any]) -> bytes:
    binary = attribute.get("BinaryValue")
    return bytes(binary) if binary is not None else str(attribute.get("StringValue", "")).encode()
