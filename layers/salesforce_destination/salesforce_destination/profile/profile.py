"""
Profiles as they come: the JSON of a message's body, in every variant that producers really send.

Adobe Experience Platform, its SDK and its XDM documents differ in prefixes, in the shape of attributes and in the
spelling of namespaces. Here they become one shape, so that a destination file is written once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import MsgspecError
from msgspec.json import Decoder
from pydantic_core import from_json

from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.source import ABSENT, Source, plain_steps

Json = Any
Profile = dict[str, Json]

PREFIX = "xdm:"
"""What producers of XDM documents may put before a key. It means nothing, and is taken off."""

# What may reach an identity without naming it: a wildcard, the current node, the map as a whole.
_ANY_NAME = re.compile(r"identityMap|[*@]")
_NAMESPACE = re.compile(r'\bidentityMap\.(?:"([^"\\]+)"|([A-Za-z_][A-Za-z0-9_]*))')


def read_in_part(body: str, decoder: Decoder[Profile]) -> Profile | None:
    """Read of a body's one profile what a decoder asks for; None where only the whole body tells."""
    try:
        profile = decoder.decode(body)
    except (MsgspecError, UnicodeEncodeError, RecursionError):
        return None
    spelled = profile.get("segmentMembership", ())
    # Of two spellings of one namespace the latest membership counts, whose time may not have been read.
    is_once = len(spelled) < 2 or len({namespace.casefold() for namespace in spelled}) == len(spelled)
    return profile if is_once and not any(namespace.startswith(PREFIX) for namespace in spelled) else None


def read_body(body: str) -> Json:
    """Parse a message's body; a body that is not JSON, or nested too deep, is refused with the place."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ProfileRefusedError(Reason("NOT_JSON", f"The body is not JSON: {error}.")) from None
    return _without_prefix(value) if PREFIX in body else value


def profiles_in(document: Json, select: Source | None) -> list[Profile]:
    """
    Find the profiles in a body: what `profiles.select` names, one profile or a list of them.

    `{"profiles": [...]}` is taken apart, bare or in an envelope, as Adobe's HTTP API destination means it.
    """
    found = select(document) if select else document
    if type(found) is dict and "profiles" not in found:
        return [found]
    if isinstance(found, dict) and isinstance(found.get("profiles"), list):
        found = found["profiles"]
    profiles = found if isinstance(found, list) else [found]
    if not profiles or found is ABSENT:
        raise ProfileRefusedError(Reason("NO_PROFILE", "profiles.select finds no profile in the body."))
    if not all(isinstance(profile, dict) for profile in profiles):
        raise ProfileRefusedError(Reason("NO_PROFILE", "A profile must be a JSON object."))
    return profiles


class IdentitiesInOrder:
    """
    Spells the namespaces as a destination file's sources do, and puts each one's primary identity first.

    Namespace codes come in either case; of several ids in one namespace the primary one counts, else the first.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        named = (match[1] or match[2] for source in sources for match in _NAMESPACE.finditer(source))
        self._spelled: dict[str, str] = {name.casefold(): name for name in named}
        self._reads_others = any(plain_steps(source) is None and _ANY_NAME.search(source) for source in sources)

    def of(self, profile: Profile) -> Profile:
        """The profile with its identities in order; the same where those that the sources name are so already."""
        identity_map = profile.get("identityMap")
        if not isinstance(identity_map, dict):
            return profile
        for name in self._spelled.values():
            identities = identity_map.get(name)
            if not isinstance(identities, list) or len(identities) > 1:
                return self._in_order(profile, identity_map)
        return self._in_order(profile, identity_map) if self._reads_others else profile

    def _in_order(self, profile: Profile, identity_map: dict[str, Json]) -> Profile:
        ordered: dict[str, Json] = {}
        for name, identities in identity_map.items():
            spelled = self._spelled.get(name.casefold()) or name
            key = name if spelled in identity_map else spelled
            ordered.setdefault(key, _primary_first(identities))
        return {**profile, "identityMap": ordered}


def _primary_first(identities: Json) -> Json:
    if not isinstance(identities, list) or len(identities) < 2:
        return identities
    return sorted(identities, key=lambda identity: not (isinstance(identity, dict) and identity.get("primary") is True))


def _without_prefix(value: Json) -> Json:
    if isinstance(value, dict):
        return {key.removeprefix(PREFIX): _without_prefix(inner) for key, inner in value.items()}
    return [_without_prefix(inner) for inner in value] if isinstance(value, list) else value
