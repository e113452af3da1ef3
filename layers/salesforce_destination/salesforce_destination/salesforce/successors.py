"""Asking the org where converted and merged records went: a query for all of a batch's, on the bad path only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from salesforce_destination.record.record import Record
from salesforce_destination.record.successor import (
    MERGEABLE,
    Move,
    Successor,
    end_of_chain,
    keys_of,
    pointers_in,
    successor_queries,
)
from salesforce_destination.salesforce.client import SalesforceClient
from salesforce_destination.salesforce.describe import Describer

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

LONGEST_CHAIN = 5
"""Merges of survivors that are followed before a record counts as gone."""


@dataclass(frozen=True, slots=True)
class Successors:
    """Finds the records that took others' place."""

    client: SalesforceClient
    describer: Describer
    destination: Destination

    def find(self, move: Move, records: Sequence[Record]) -> dict[str, Successor]:
        """Give the successors by the records' keys; what has none is left out. Costs an API call or more."""
        key_field = "Id" if self.destination.updates_by_id else self.destination.identity.target
        if move is Move.CONVERTED:
            found = self._pointers("query", key_field, "ConvertedContactId", keys_of(records))
            writable = self.describer.describe("Contact").writable if found else None
            return {
                record.key: Successor("Contact", found[record.identity.casefold()], writable)
                for record in records
                if record.identity.casefold() in found
            }
        mergeable = self.destination.salesforce_object in MERGEABLE
        return self._survivors(key_field, records) if mergeable else {}

    def _survivors(self, key_field: str, records: Sequence[Record]) -> dict[str, Successor]:
        first = self._pointers("queryAll", key_field, "MasterRecordId", keys_of(records))
        further: dict[str, str] = {}
        asked = set(first.values())
        for _ in range(LONGEST_CHAIN):
            next_ones = self._pointers("queryAll", "Id", "MasterRecordId", sorted(asked - {*further}))
            if not next_ones:
                break
            further |= next_ones
            asked = set(next_ones.values())
        return {
            record.key: Successor(self.destination.salesforce_object, end_of_chain(survivor, further))
            for record in records
            if (survivor := first.get(record.identity.casefold()))
        }

    def _pointers(self, resource: str, key_field: str, pointer: str, keys: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for soql in successor_queries(self.destination.salesforce_object, key_field, pointer, keys):
            path = f"/services/data/v{self.destination.api_version}/{resource}"
            rows = self.client.get(path, {"q": soql}).get("records") or ()
            found |= pointers_in(rows, key_field, pointer)
        return found
