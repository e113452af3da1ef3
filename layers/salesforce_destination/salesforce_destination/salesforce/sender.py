"""Sending collections of records as one composite request, as the delivery wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from salesforce_destination.errors import TimeIsUpError
from salesforce_destination.record.composite import Collection, CollectionReply, CompositeWriter, read_reply
from salesforce_destination.record.record import Record
from salesforce_destination.record.successor import Move, Successor
from salesforce_destination.salesforce.client import SalesforceClient
from salesforce_destination.salesforce.successors import Successors

if TYPE_CHECKING:
    from salesforce_destination.record.description import ObjectDescription

SHORTEST_REQUEST_SECONDS = 10.0
"""A request that has less time than this is not begun: it could be written and not be known to be."""


@dataclass(frozen=True, slots=True)
class SalesforceSender:
    """What the delivery needs of an org; `seconds_left` is what remains of the invocation for a request."""

    client: SalesforceClient
    writer: CompositeWriter
    successors: Successors
    seconds_left: Callable[[], float]

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        """Send up to five collections; raise a DestinationError where the request as a whole came to nothing."""
        if self.seconds_left() < SHORTEST_REQUEST_SECONDS:
            raise TimeIsUpError
        writer = self.writer
        reply = self.client.post(writer.path(), writer.request(collections), writer.headers())
        return read_reply(reply, collections)

    def find(self, move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        """Give the successors of records that are not there any more, by their keys."""
        if self.seconds_left() < SHORTEST_REQUEST_SECONDS:
            raise TimeIsUpError
        return self.successors.find(move, records)

    def describe(self) -> ObjectDescription:
        """Describe the destination's sObject."""
        if self.seconds_left() < SHORTEST_REQUEST_SECONDS:
            raise TimeIsUpError
        return self.successors.describer.describe(self.writer.destination.salesforce_object)

    def api_usage_percent(self) -> float | None:
        """The share of the org's daily API calls that is spent, as the last answer told it."""
        return self.client.usage.percent if self.client.usage else None
