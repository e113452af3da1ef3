"""The org, as the delivery needs it: what the HTTP edge has to offer, and what a simulation may stand in for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from salesforce_destination.record.composite import Collection, CollectionReply
from salesforce_destination.record.record import Record
from salesforce_destination.record.successor import Move, Successor

if TYPE_CHECKING:
    from salesforce_destination.record.description import ObjectDescription


class Org(Protocol):
    """One Salesforce org. Every call raises a DestinationError where the request as a whole came to nothing."""

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        """Send one composite request."""
        ...

    def find(self, move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        """Give the successors of records that are not there any more, by their keys."""
        ...

    def describe(self) -> ObjectDescription:
        """Describe the destination's sObject."""
        ...

    def api_usage_percent(self) -> float | None:
        """The share of the org's daily API calls that is spent, as the last answer told it."""
        ...
