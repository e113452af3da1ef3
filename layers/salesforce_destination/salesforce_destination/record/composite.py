"""
Composite requests: up to 5 sObject Collections of 200 records each in one API call.

Salesforce counts the whole series as a single call ("Send Multiple Requests Using Composite"), so 1,000 records cost
one. Answers have the order of the request, and are read by position: failed rows carry no id to go by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from salesforce_destination.errors import OutcomeUnknownError, SalesforceError
from salesforce_destination.record.classification import RecordError, read_error, request_error
from salesforce_destination.record.record import Record

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

Json = Any
Collection = Sequence[Record]

WRITTEN: tuple[RecordError, ...] = ()
"""The errors of a record that was written: none."""

RecordErrors = tuple[RecordError, ...]
CollectionReply = Sequence[RecordErrors] | SalesforceError
"""What became of a collection: one tuple of errors for each record, or what failed the collection as a whole."""


class CompositeWriter:
    """Writes composite requests for one destination, to be sent to `path`."""

    def __init__(self, destination: Destination) -> None:
        identity = destination.identity
        self._object, self._by_id = destination.salesforce_object, destination.updates_by_id
        self._key, self._creates = identity.target, identity.create_missing
        self._allows_duplicates = destination.duplicate_rules == "allow"
        self.path = f"/services/data/v{destination.api_version}/composite"

    def request(self, collections: Sequence[Collection]) -> Json:
        """Build the body of one composite request. A refused record does not hold the others back."""
        headers = self.headers()
        return {
            "allOrNone": False,
            "collateSubrequests": False,
            "compositeRequest": [
                {
                    "method": "PATCH",
                    "url": self._url(collection[0]),
                    "referenceId": f"collection{number}",
                    **({"httpHeaders": headers} if headers else {}),
                    "body": {"allOrNone": False, "records": self._rows(collection)},
                }
                for number, collection in enumerate(collections)
            ],
        }

    def headers(self) -> dict[str, str]:
        """
        The headers that change what a write does, wanted on the request and on each subrequest.

        Without `Sforce-Auto-Assign: FALSE` an update of a lead may give it another owner ("Assignment Rule Header").
        """
        headers = {"Sforce-Auto-Assign": "FALSE"}
        if self._allows_duplicates:
            headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
        return headers

    def _url(self, first: Record) -> str:
        if first.moved_to or self._by_id:
            return f"{self.path}/sobjects"
        url = f"{self.path}/sobjects/{self._object}/{self._key}"
        return url if self._creates and not first.updates_only else f"{url}?updateOnly=true"

    def _rows(self, collection: Collection) -> list[Json]:
        """The records of one collection, which are of one sObject and found in one way."""
        moved_to = collection[0].moved_to
        key = "id" if moved_to or self._by_id else self._key
        attributes = {"type": moved_to or self._object}
        return [{"attributes": attributes, key: record.identity, **record.fields} for record in collection]


def read_reply(reply: Json, collections: Sequence[Collection]) -> list[CollectionReply]:
    """Read a composite answer by position; one of the wrong length says nothing about what was written."""
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
        if len([result for result in body if result["success"] is True]) == len(body):
            return [WRITTEN] * len(body)
    except (KeyError, TypeError):
        return OutcomeUnknownError(status)
    results = [_read_result(result) for result in body]
    return OutcomeUnknownError(status) if None in results else [errors for errors in results if errors is not None]


def _read_result(result: Json) -> RecordErrors | None:
    success = result.get("success") if isinstance(result, dict) else None
    if success is True:
        return WRITTEN
    if success is not False:
        return None
    errors = result.get("errors")
    listed = errors if isinstance(errors, list) else []
    return tuple(read_error(error) for error in listed if isinstance(error, Mapping)) or (RecordError("NO_REASON"),)
