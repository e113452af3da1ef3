"""One Salesforce org as the delivery needs it: composite requests, where moved records went, what an sObject is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from salesforce_destination.errors import OutcomeUnknownError, RequestRefusedError, TimeIsUpError
from salesforce_destination.record.composite import (
    Collection,
    CollectionReply,
    CompositeWriter,
    read_queries,
    read_reply,
    rows_in,
)
from salesforce_destination.record.record import ID, Address, Record
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

Json = Any
Row = Mapping[str, Json]
Clock = Callable[[], float]

SHORTEST_REQUEST_SECONDS = 10.0  # with less time no request is begun: it could be written and not be known to be
DESCRIBE_GOOD_FOR_SECONDS = 300.0  # a person who mends a field sees it taken up within five minutes
LONGEST_CHAIN = 5  # merges of survivors that are followed before a record counts as gone


class SalesforceOrg:
    """The org that one destination writes to; `seconds_left` is what remains of the invocation for requests.

    Every call raises a DestinationError where its request as a whole came to nothing.
    """

    def __init__(self, client: SalesforceClient, destination: Destination, seconds_left: Clock, clock: Clock) -> None:
        self._client, self._destination, self._seconds_left, self._clock = client, destination, seconds_left, clock
        self.writer = CompositeWriter(destination)
        self._root = f"/services/data/v{destination.api_version}"
        self._described: dict[str, tuple[float, ObjectDescription]] = {}

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        """Send up to five collections as one composite request."""
        self._need_time()
        writer = self.writer
        reply = self._client.post(writer.path, writer.request(collections), writer.headers(collections))
        return read_reply(reply, collections)

    def query(self, queries: Sequence[str]) -> list[Row]:
        """Give the rows of up to five queries, deleted records among them, asked in one composite request."""
        self._need_time()
        urls = [f"{self._root}/queryAll?{urlencode({'q': soql})}" for soql in queries]
        asked = [{"method": "GET", "url": url, "referenceId": f"query{number}"} for number, url in enumerate(urls)]
        reply = self._client.post(self.writer.path, {"allOrNone": False, "compositeRequest": asked})
        return [row for answer in read_queries(reply, queries) for row in self._all_rows(answer)]

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> list[Row]:
        """Read fields of up to 2,000 records by their Ids; what is not there, or hidden, is left out."""
        self._need_time()
        rows = self._client.post(f"{self.writer.path}/sobjects/{sobject}", {"ids": ids, "fields": fields}, is_list=True)
        return [row for row in rows if isinstance(row, Mapping)]

    def is_nearly_full(self) -> bool:
        """Whether less than a tenth of the org's data storage is left; where the user may not know it is not."""
        self._need_time()
        try:
            storage = self._client.get(f"{self._root}/limits").get("DataStorageMB")
            return bool(10 * storage["Remaining"] < storage["Max"])
        except (RequestRefusedError, KeyError, TypeError):
            return False

    def seconds_left(self) -> float:
        """How long requests may begin in this invocation."""
        return self._seconds_left() - SHORTEST_REQUEST_SECONDS

    def api_calls(self) -> int:
        """How many API calls went out so far, whatever came of them."""
        return self._client.calls

    def api_usage_percent(self) -> float | None:
        """The share of the org's daily API calls that is spent, as the last answer told it."""
        return self._client.usage.percent if self._client.usage else None

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        """Describe an sObject, else the file's first, from memory where that is recent enough and not asked `anew`."""
        from salesforce_destination.record.description import read_description  # a good batch asks for none

        self._need_time()
        sobject = sobject or self._destination.salesforce_object
        now, known = self._clock(), self._described.get(sobject)
        if known is None or anew or now - known[0] > DESCRIBE_GOOD_FOR_SECONDS:
            answer = self._client.get(f"{self._root}/sobjects/{sobject}/describe")
            try:
                described = read_description(answer)
            except (AttributeError, KeyError, TypeError, ValueError):  # an answer of another shape says nothing
                raise OutcomeUnknownError(200) from None
            file = self._destination.of(sobject) if sobject in self._destination.objects else self._destination
            described = replace(described, name=sobject)
            known = now, described.spelled_as([*file.written_fields, *(rule.target for rule in file.rules)])
            self._described[sobject] = known
            self.writer.use_description(known[1])
        return known[1]

    def find(self, move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        """Give the successors by the keys of records of one address, by few queries; what has none is left out."""
        self._need_time()
        identity = self._destination.identity
        own = Address(self._destination.salesforce_object, ID if identity.is_id else identity.target)
        address = records[0].address or own
        identities = [record.identity for record in records]
        if move is Move.CONVERTED:
            found = self._pointers("query", address, "ConvertedContactId", identities)
            contact = self.contact_of_lead() if found else None
            ends = {lead: contact(record_id) for lead, record_id in found.items()} if contact else {}
        elif address.sobject not in MERGEABLE:
            return {}
        else:
            first = self._pointers("queryAll", address, "MasterRecordId", identities)
            further, asked, by_id = dict[str, str](), {*first.values()}, replace(address, field=ID)
            for _ in range(LONGEST_CHAIN):
                found = self._pointers("queryAll", by_id, "MasterRecordId", sorted(asked - {*further}))
                further, asked = further | found, {*found.values()}
            ends = {loser: Successor(address.sobject, end_of_chain(best, further)) for loser, best in first.items()}
        with_end = ((record.key, ends.get(record.identity.lower())) for record in records)
        return {key: successor for key, successor in with_end if successor}

    def contact_of_lead(self) -> Callable[[str], Successor]:
        """Make successors of converted leads from the Ids of their contacts."""
        writable = None if "Contact" in self._destination.objects else self.describe("Contact").writable
        return lambda record_id: Successor("Contact", record_id, writable)

    def _need_time(self) -> None:
        if self._seconds_left() < SHORTEST_REQUEST_SECONDS:
            raise TimeIsUpError

    def _all_rows(self, answer: Json) -> Iterator[Row]:
        """The rows of a query's answer, and of those that follow it: a match left out would be made again."""
        while True:
            yield from rows_in(answer)
            if not (following := answer.get("nextRecordsUrl")):
                return
            self._need_time()
            answer = self._client.get(str(following))

    def _pointers(self, resource: str, address: Address, pointer: str, keys: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for soql in successor_queries(address.sobject, address.field, pointer, keys):
            answer = self._client.get(f"{self._root}/{resource}", {"q": soql})
            found |= pointers_in(rows_in(answer), address.field, pointer)
        return found
