"""How a profile names its record: by the record's own Id, by an external ID, or by a field such as Email."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.profile import Profile
from salesforce_destination.profile.source import compile_source, is_unicode
from salesforce_destination.record.salesforce_id import to_18

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

KEY_PREFIXES = {"Account": "001", "Contact": "003", "Lead": "00Q"}
"""The first three characters of a record's Id say what it is (keyPrefix in the describe)."""

_FOLDED_FIELDS = frozenset({"Email"})


class IdentityReader:
    """Reads the identity of profiles, and the key under which updates of one record are merged."""

    def __init__(self, destination: Destination) -> None:
        identity = destination.identity
        self._source = compile_source(identity.source)
        self._source_text = identity.source
        self._by_id = destination.updates_by_id
        self._object = destination.salesforce_object
        self._folds = identity.target in _FOLDED_FIELDS or not identity.case_sensitive

    def read(self, profile: Profile) -> tuple[str, str]:
        """
        Give the key of the record and the identity to send; raise ProfileRefusedError where there is none.

        The key is what the org holds for one: Ids by 18 characters, texts without their case where the field's is
        not told apart.
        """
        found = self._source(profile)
        identity = str(found).strip() if type(found) in (str, int) else ""
        if not identity:
            text = f"The profile has no identity at {self._source_text}."
            raise ProfileRefusedError(Reason("NO_IDENTITY", text))
        if not is_unicode(identity):
            raise ProfileRefusedError(
                Reason("IDENTITY_MALFORMED", "The identity contains an unpaired surrogate (invalid Unicode).")
            )
        if self._by_id:
            identity = self._record_id(identity)
            return identity, identity
        return (identity.casefold() if self._folds else identity), identity

    def _record_id(self, identity: str) -> str:
        record_id = to_18(identity)
        if record_id is None:
            text = (
                f"{identity[:40]!r} is not a valid Salesforce Id. An Id has 15 or 18 characters and is case-sensitive."
            )
            raise ProfileRefusedError(Reason("IDENTITY_MALFORMED", text))
        prefix = KEY_PREFIXES.get(self._object, record_id[:3])
        if not record_id.startswith(prefix):
            text = f"{record_id} is not the Id of a {self._object}. Those Ids start with {prefix}."
            raise ProfileRefusedError(Reason("IDENTITY_MALFORMED", text))
        return record_id
