"""What a destination file reads of a body, as the type of a msgspec decoder.

What it decodes has the body's own shape, without what the file does not name, so that one mapper reads both. Whatever
may mean something else than it seems (a prefix, a wrong type, another spelling, several profiles) has no place in the
type: decoding fails, and the body is read whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Required, TypedDict

from msgspec import Meta
from msgspec.json import Decoder

from salesforce_destination.profile.profile import PREFIX
from salesforce_destination.profile.source import path_read

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

_Type = Any
_Path = tuple[str | int, ...]

_MOST_NAMES = 50  # msgspec compares a key with every name of its object: quadratic where both are many
_NOTHING: _Type = Annotated[int, Meta(gt=1, lt=0)]
_UNPREFIXED = Annotated[str, Meta(pattern=f"^(?!{PREFIX})")]
_SCALAR: _Type = None | bool | int | float | str
_typed_dict: Any = TypedDict  # mypy follows only one that is written out


def body_decoder(destination: Destination, sources: Iterable[str]) -> Decoder[Any] | None:
    """Make the decoder for a file and its sources, or give None where every body has to be read whole."""
    found = [path_read(source) for source in sources]
    if destination.profiles.select != "@" or None in found:
        return None
    ways = _by_name(path[:-1] if len(path) > 1 and path[-1] == "value" else path for path in found if path)
    names = {name: _identity_map(rest) if name == "identityMap" else _read_by(rest) for name, rest in ways.items()}
    if destination.memberships and destination.memberships.audiences == "all":
        every: Any = dict[_UNPREFIXED, dict[_UNPREFIXED, _TIMED_MEMBERSHIP]]  # type: ignore[valid-type]
        names["segmentMembership"] = _NOTHING if "segmentMembership" in names else every
    elif destination.audiences:
        is_timed = [
            each.since_field or each.value == "timestamp" or not each.namespace for each in destination.audiences
        ]
        membership = _TIMED_MEMBERSHIP if any(is_timed) or destination.has_parts else _MEMBERSHIP
        audiences: Any = _object({audience.id: membership for audience in destination.audiences})
        names["segmentMembership"] = _NOTHING if "segmentMembership" in names else dict[str, audiences]
    return Decoder(_object({**names, "profiles": _NOTHING}))


def _identity_map(paths: list[_Path]) -> _Type:
    """The namespaces that are read, each there as it is spelled: else another spelling of it may be."""
    by_name = _by_name(paths)
    if len(by_name) == 1:
        return _object({name: Required[_read_by([*rest, (0, "primary")])] for name, rest in by_name.items()})
    return dict[_UNPREFIXED, _read_by([*(path[1:] for path in paths), (0, "primary")])]  # type: ignore[misc]


def _read_by(paths: list[_Path]) -> _Type:
    """All that these paths read, or nothing where they do not agree what is there."""
    by_name = _by_name(paths)
    if not by_name:
        return _VALUE
    if () in paths:
        return _NOTHING
    if all(type(name) is int for name in by_name):
        return list[_read_by([path[1:] for path in paths])]  # type: ignore[misc]
    return _object({name: _read_by(rest) for name, rest in by_name.items()})


def _by_name(paths: Iterable[_Path]) -> dict[str | int, list[_Path]]:
    found: dict[str | int, list[_Path]] = {}
    for path in paths:
        if path:
            found.setdefault(path[0], []).append(path[1:])
    return found


def _object(fields: Mapping[Any, _Type]) -> _Type:
    """A dictionary of no more than these fields. One that a prefixed key may be instead fails."""
    if len(fields) > _MOST_NAMES or not all(type(name) is str for name in fields):
        return _NOTHING
    prefixed = {f"{PREFIX}{name}" for name in fields} | {name for name in fields if name.startswith(PREFIX)}
    return _typed_dict("Read", {**fields, **dict.fromkeys(sorted(prefixed), _NOTHING)}, total=False)


_VALUE: _Type = _SCALAR | _object({"value": Required[_SCALAR]})
_MEMBERSHIP = _object({"status": str})
_TIMED_MEMBERSHIP = _object({"status": str, "lastQualificationTime": _VALUE, "timestamp": _VALUE})
