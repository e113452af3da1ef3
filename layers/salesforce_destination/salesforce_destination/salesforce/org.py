"""One Salesforce org as the delivery needs it: composite requests, where moved records went, what an sObject is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from salesforce_destination.errors import OutcomeUnknownError, TimeIsUpError
from salesforce_destination.record.composite import Collection, CollectionReply, CompositeWriter, read_reply
from salesforce_destination.record.record import Record
from salesforce_destination.record.successor import (
    MERGEABLE,
    Move,
    Successor,
    end_of_chain,
    pointers_in,
    successor_queries,
)
from salesforce_destination.salesforce.client import SalesforceClient

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination
    from salesforce_destination.record.description import ObjectDescription

SHORTEST_REQUEST_SECONDS = 10.0
"""A request that has less time than this is not begun: it could be written and not be known to be."""

DESCRIBE_GOOD_FOR_SECONDS = 300.0
"""How long a describe is believed: a person who mends a field sees it taken up within five minutes."""

LONGEST_CHAIN = 5
"""Merges of survivors that are followed before a record counts as gone."""


class SalesforceOrg:
    """
    The org that one destination writes to.

    `seconds_left` is what remains of the invocation for requests, `clock` gives seconds that only go forward. Every
    call raises a DestinationError where its request as a whole came to nothing.
    """

    def __init__(
        self,
        client: SalesforceClient,
        destination: Destination,
        seconds_left: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._client, self._destination, self._seconds_left, self._clock = client, destination, seconds_left, clock
        self._writer = CompositeWriter(destination)
        self._root = f"/services/data/v{destination.api_version}"
        self._described: dict[str, tuple[float, ObjectDescription]] = {}

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        """Send up to five collections as one composite request."""
        self._need_time()
        writer = self._writer
        reply = self._client.post(writer.path, writer.request(collections), writer.headers())
        return read_reply(reply, collections)

    def api_calls(self) -> int:
        """How many API calls went out so far, whatever came of them."""
        return self._client.calls

    def api_usage_percent(self) -> float | None:
        """The share of the org's daily API calls that is spent, as the last answer told it."""
        return self._client.usage.percent if self._client.usage else None

    def describe(self, *, anew: bool = False) -> ObjectDescription:
        """Describe the destination's sObject; `anew` takes no earlier answer for it."""
        self._need_time()
        if anew:
            self._described.pop(self._destination.salesforce_object, None)
        return self._description_of(self._destination.salesforce_object)

    def find(self, move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        """Give the successors by the records' keys, by as few queries as it takes; what has none is left out."""
        self._need_time()
        key_field = "Id" if self._destination.updates_by_id else self._destination.identity.target
        keys = [record.identity for record in records]
        if move is Move.CONVERTED:
            found = self._pointers("query", key_field, "ConvertedContactId", keys)
            writable = self._description_of("Contact").writable if found else None
            return {
                record.key: Successor("Contact", found[record.identity.lower()], writable)
                for record in records
                if record.identity.lower() in found
            }
        if self._destination.salesforce_object not in MERGEABLE:
            return {}
        first = self._pointers("queryAll", key_field, "MasterRecordId", keys)
        further: dict[str, str] = {}
        asked = set(first.values())
        for _ in range(LONGEST_CHAIN):
            next_ones = self._pointers("queryAll", "Id", "MasterRecordId", sorted(asked - {*further}))
            if not next_ones:
                break
            further |= next_ones
            asked = set(next_ones.values())
        return {
            record.key: Successor(self._destination.salesforce_object, end_of_chain(survivor, further))
            for record in records
            if (survivor := first.get(record.identity.lower()))
        }

    def _need_time(self) -> None:
        if self._seconds_left() < SHORTEST_REQUEST_SECONDS:
            raise TimeIsUpError

    def _description_of(self, sobject: str) -> ObjectDescription:
        """From memory where that is recent enough; costs an API call where it is not."""
        from salesforce_destination.record.description import read_description  # a good batch asks for none

        now = self._clock()
        known = self._described.get(sobject)
        if known is None or now - known[0] > DESCRIBE_GOOD_FOR_SECONDS:
            answer = self._client.get(f"{self._root}/sobjects/{sobject}/describe")
            try:
                described = read_description(answer)
            except (AttributeError, KeyError, TypeError, ValueError):  # an answer of another shape says nothing
                raise OutcomeUnknownError(200) from None
            known = now, described.spelled_as([*self._destination.written_fields, self._destination.identity.target])
            self._described[sobject] = known
        return known[1]

    def _pointers(self, resource: str, key_field: str, pointer: str, keys: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for soql in successor_queries(self._destination.salesforce_object, key_field, pointer, keys):
            rows = self._client.get(f"{self._root}/{resource}", {"q": soql}).get("records") or ()
            found |= pointers_in(rows, key_field, pointer)
        return found
