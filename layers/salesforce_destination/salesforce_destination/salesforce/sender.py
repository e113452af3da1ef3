"""Sending collections of records as one composite request, as the delivery wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from salesforce_destination.domain.composite import Collection, CollectionReply, CompositeWriter, read_reply
from salesforce_destination.domain.errors import TimeIsUpError

from .client import SalesforceClient

SHORTEST_REQUEST_SECONDS = 10.0
"""A request that has less time than this is not begun: it could be written and not be known to be."""


@dataclass(frozen=True, slots=True)
class CompositeSender:
    """Writes, sends and reads composite requests; `seconds_left` is what remains of the invocation for a request."""

    client: SalesforceClient
    writer: CompositeWriter
    seconds_left: Callable[[], float]

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        """Send up to five collections; raise a DestinationError where the request as a whole came to nothing."""
        if self.seconds_left() < SHORTEST_REQUEST_SECONDS:
            raise TimeIsUpError
        writer = self.writer
        reply = self.client.post(writer.path(), writer.request(collections), writer.headers())
        return read_reply(reply, collections)
