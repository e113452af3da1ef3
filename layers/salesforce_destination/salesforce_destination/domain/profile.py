"""
Profiles as they come: the JSON of a message's body, in every variant that producers really send.

Adobe Experience Platform, its SDK and its XDM documents differ in prefixes, in the shape of attributes and in the
spelling of namespaces. Here they become one shape, so that a destination file is written once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from .outcome import ProfileRefusedError, Reason
from .source import ABSENT, Source

Json = Any
Profile = dict[str, Json]

_PREFIX = "xdm:"
_NAMESPACE = re.compile(r'\bidentityMap\.(?:"([^"\\]+)"|([A-Za-z_][A-Za-z0-9_]*))')


def read_body(body: str) -> Json:
    """Parse a message's body; a body that is not JSON, or nested too deep, is refused with the place."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ProfileRefusedError(Reason("NOT_JSON", f"The body is not JSON: {error}.")) from None
    return _without_prefix(value) if _PREFIX in body else value


def profiles_in(document: Json, select: Source | None) -> list[Profile]:
    """
    Find the profiles in a body: what `profiles.select` names, one profile or a list of them.

    `{"profiles": [...]}` is taken apart, bare or in an envelope, as Adobe's HTTP API destination means it.
    """
    found = select(document) if select else document
    if isinstance(found, dict) and isinstance(found.get("profiles"), list):
        found = found["profiles"]
    profiles = found if isinstance(found, list) else [found]
    if not profiles or found is ABSENT:
        raise ProfileRefusedError(
            Reason("NO_PROFILE", "The body holds no profile where profiles.select looks for one.")
        )
    if not all(isinstance(profile, dict) for profile in profiles):
        raise ProfileRefusedError(Reason("NO_PROFILE", "A profile must be a JSON object."))
    return profiles


def namespaces_in(sources: Iterable[str]) -> Mapping[str, str]:
    """Give the identity namespaces that sources name, as folded name to the spelling of the file."""
    found = (match.groups() for source in sources for match in _NAMESPACE.finditer(source))
    return {(quoted or name).casefold(): quoted or name for quoted, name in found}


def with_identities_in_order(profile: Profile, namespaces: Mapping[str, str]) -> Profile:
    """
    Spell the namespaces as the destination file does, and put each one's primary identity first.

    Namespace codes come in either case; of several ids in one namespace the primary one counts, else the first.
    """
    identity_map = profile.get("identityMap")
    if not isinstance(identity_map, dict):
        return profile
    ordered: dict[str, Json] = {}
    for name, identities in identity_map.items():
        spelled = namespaces.get(name.casefold(), name)
        ordered.setdefault(name if spelled in identity_map else spelled, _primary_first(identities))
    return {**profile, "identityMap": ordered}


def _primary_first(identities: Json) -> Json:
    if not isinstance(identities, list) or len(identities) < 2:
        return identities
    return sorted(identities, key=lambda identity: not (isinstance(identity, dict) and identity.get("primary") is True))


def _without_prefix(value: Json) -> Json:
    if isinstance(value, dict):
        return {key.removeprefix(_PREFIX): _without_prefix(inner) for key, inner in value.items()}
    return [_without_prefix(inner) for inner in value] if isinstance(value, list) else value
