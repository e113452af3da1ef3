"""Composite requests: up to 5 sObject Collections of 200 records each in one API call.

Salesforce counts the whole series as a single call ("Send Multiple Requests Using Composite"), so 1,000 records cost
one. CollectionAnswer have the order of the request, and are read by position: failed rows carry no id to go by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from salesforce_destination.errors import OutcomeUnknownError, SalesforceError
from salesforce_destination.record.classification import RecordError, read_error, request_error
from salesforce_destination.record.record import ID, Address, Record

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination
    from salesforce_destination.record.description import ObjectDescription

Json = Any
Collection = Sequence[Record]

WRITTEN: tuple[RecordError, ...] = ()
"""The errors of a record that was written: none."""

RecordErrors = tuple[RecordError, ...]
CollectionReply = Sequence[RecordErrors] | SalesforceError
"""What became of a collection: one tuple of errors for each record, or what failed the collection as a whole."""


class CollectionAnswer(list[RecordErrors]):
    """The errors of each record of a collection, with the `ids` of those written and whether one `was_created`."""

    ids: Sequence[str] = ()
    was_created: bool = False


class CompositeWriter:
    """Writes composite requests for one destination, to be sent to `path`."""

    def __init__(self, destination: Destination) -> None:
        identity = destination.identity
        self._own = Address(destination.salesforce_object, ID if identity.is_id else identity.target)
        self._allows_duplicates = destination.duplicate_rules == "allow"
        self._assigns = destination.assignment_rules == "created"
        targets = {target for mapping in destination.mappings for target in mapping.targets.values()}
        self._nested = {target: nested(target) for target in targets if "." in target}
        self._id_fields: dict[tuple[str, str], str] = {}
        self.path = f"/services/data/v{destination.api_version}/composite"

    def use_description(self, description: ObjectDescription) -> None:
        """Follow what the org says of the fields behind relationships: a value is cleared by the field of the Id."""
        for name, (relationship, _, _) in self._nested.items():
            if known := description.relationships.get(relationship.lower()):
                self._id_fields[description.name, name] = known[0]

    def request(self, collections: Sequence[Collection]) -> Json:
        """Build the body of one composite request. A refused record does not hold the others back."""
        headers = self.headers(collections)
        return {
            "allOrNone": False,
            "collateSubrequests": False,
            "compositeRequest": [
                {
                    "method": "POST" if collection[0].creates else "PATCH",
                    "url": self._url(collection[0].address or self._own),
                    "referenceId": f"collection{number}",
                    "httpHeaders": headers,
                    "body": {"allOrNone": False, "records": self._rows(collection)},
                }
                if not (collection[0].address and collection[0].address.deletes)
                else self._deletion(collection, number)
                for number, collection in enumerate(collections)
            ],
        }

    def headers(self, collections: Sequence[Collection]) -> dict[str, str]:
        """The headers that change what a write does, wanted on the request and on each subrequest.

        Without `Sforce-Auto-Assign: FALSE` an update of a lead may give it another owner ("Assignment Rule Header").
        """
        headers = {
            "Sforce-Auto-Assign": "TRUE"
            if self._assigns and any(each.is_new_person for each in collections[0][:1])
            else "FALSE"
        }
        if self._allows_duplicates:
            headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
        return headers

    def _url(self, address: Address) -> str:
        if address.creates or address.field == ID:
            return f"{self.path}/sobjects"
        only = "" if address.upserts else "?updateOnly=true"
        return f"{self.path}/sobjects/{address.sobject}/{address.field}{only}"

    def _deletion(self, collection: Collection, number: int) -> Json:
        ids = ",".join(record.identity for record in collection)
        url = f"{self.path}/sobjects?ids={ids}&allOrNone=false"
        return {"method": "DELETE", "url": url, "referenceId": f"collection{number}"}

    def _rows(self, collection: Collection) -> list[Json]:
        """The records of one collection, which are found in one way."""
        address = collection[0].address or self._own
        attributes = {"type": address.sobject}
        if collection[0].address is None and not self._nested:
            key = "id" if address.field == ID else address.field
            return [{"attributes": attributes, key: record.identity, **record.fields} for record in collection]
        return [self._row(record) for record in collection]

    def _row(self, record: Record) -> Json:
        address = record.address or self._own
        row: dict[str, Json] = {"attributes": {"type": address.sobject}}
        if not address.creates:
            row["id" if address.field == ID else address.field] = record.identity
        for name, value in record.fields.items():
            if name not in self._nested:
                row[name] = value
            elif value is None:
                row[self._id_fields.get((address.sobject, name), name)] = None
            else:
                relationship, parent, field = self._nested[name]
                row[relationship] = {**({"attributes": {"type": parent}} if parent else {}), field: value}
        return row


def nested(target: str) -> tuple[str, str, str]:
    """The parts of `Relationship:sObject.Field`: the relationship, the sObject of the parent or nothing, its field."""
    relationship, _, field = target.partition(".")
    name, _, parent = relationship.partition(":")
    return name, parent, field


def read_reply(reply: Json, collections: Sequence[Collection]) -> list[CollectionReply]:
    """Read a composite answer by position; one of the wrong length says nothing about what was written.

    Where records have addresses of their own, the answers tell their Ids.
    """
    answers = reply.get("compositeResponse") if isinstance(reply, Mapping) else None
    if not isinstance(answers, list) or len(answers) != len(collections):
        raise OutcomeUnknownError(200)
    return [_read_subreply(answer, collection) for answer, collection in zip(answers, collections, strict=True)]


def _read_subreply(answer: Json, collection: Collection) -> CollectionReply:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("httpStatusCode"), int):
        return OutcomeUnknownError(None)
    status, body = answer["httpStatusCode"], answer.get("body")
    if status != 200 or not isinstance(body, list) or len(body) != len(collection):
        return request_error(status, body)
    try:
        is_good = len([result for result in body if result["success"] is True]) == len(body)
    except (KeyError, TypeError):
        return OutcomeUnknownError(status)
    results = [WRITTEN] * len(body) if is_good else [_read_result(result) for result in body]
    if None in results:
        return OutcomeUnknownError(status)
    answers = CollectionAnswer(errors for errors in results if errors is not None)
    if collection[0].address is not None:
        answers.ids = [str(result.get("id") or "") for result in body]
    if not (collection[0].creates or (collection[0].address and collection[0].address.upserts)):
        answers.was_created = any(result.get("created") is True for result in body)
    return answers


def _read_result(result: Json) -> RecordErrors | None:
    success = result.get("success") if isinstance(result, dict) else None
    if success is True:
        return WRITTEN
    if success is not False:
        return None
    errors = result.get("errors")
    listed = errors if isinstance(errors, list) else []
    return tuple(read_error(error) for error in listed if isinstance(error, Mapping)) or (RecordError("NO_REASON"),)


def read_queries(reply: Json, queries: Sequence[str]) -> list[Json]:
    """Read a composite answer to queries; raise the error of the first that was refused."""
    answers = reply.get("compositeResponse") if isinstance(reply, Mapping) else None
    if not isinstance(answers, list) or len(answers) != len(queries):
        raise OutcomeUnknownError(200)
    for answer in answers:
        status = answer.get("httpStatusCode") if isinstance(answer, Mapping) else None
        if status != 200 or not isinstance(answer.get("body"), Mapping):
            raise request_error(status if isinstance(status, int) else 500, answer.get("body") if status else None)
    return [answer["body"] for answer in answers]


def rows_in(answer: Json) -> list[Mapping[str, Json]]:
    """The rows of a query's answer, each a table by field name."""
    records = answer.get("records") if isinstance(answer, Mapping) else None
    return [row for row in records if isinstance(row, Mapping)] if isinstance(records, list) else []
