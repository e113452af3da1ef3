"""What one writes by hand with simple-salesforce, as its documentation shows it.

Whoever writes this knows that nothing is missing in a profile, and looks at nothing but whether a record was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from simple_salesforce import Salesforce

from benchmarks.answering.answers import TOKEN
from benchmarks.contenders import RECORDS, Contender, netloc
from benchmarks.events import Variant

Json = Any

ASK_AFTER_SECONDS = 1
"""simple-salesforce's own pause is 5 seconds; a job of a real org takes longer."""


def row_maker(variant: Variant) -> Callable[[Json], dict[str, Json]]:
    """A function that makes rows of profiles, the fields in the order of the destination file."""
    audiences = tuple(variant.audiences.items())

    def row(profile: Json) -> dict[str, Json]:
        name, memberships = profile["person"]["name"], profile["segmentMembership"]["ups"]
        made = {
            "Id": profile["identityMap"]["crmID"][0]["id"],
            "LastName": name["lastName"],
            "FirstName": name["firstName"],
            "Email": profile["personalEmail"]["address"],
        }
        for audience, field in audiences:
            made[field] = memberships[audience]["status"]
        return made

    return row


class Collections:
    """sObject Collections: a call for 200 profiles.

    simple-salesforce has no call for them, only the way to any address. Its own addresses are always https.
    """

    loads: Callable[[Any], Json] = staticmethod(json.loads)

    def __init__(self, org_url: str, variant: Variant) -> None:
        host = netloc(org_url, variant)
        self.salesforce: Any = Salesforce(instance=host, session_id=TOKEN, version="66.0")
        if variant is not Variant.TLS:
            self.salesforce.base_url = f"http://{host}/services/data/v66.0/"
            self.salesforce.bulk2_url = f"http://{host}/services/data/v66.0/jobs/"
        self.row = row_maker(variant)

    def deliver(self, event: dict[str, Any]) -> int:
        """Send a batch."""
        loads, row = self.loads, self.row
        rows = [row(loads(message["body"])) for message in event["Records"]]
        records = [{"attributes": {"type": "Contact"}, **made} for made in rows]
        return self.send([records[first : first + RECORDS] for first in range(0, len(records), RECORDS)])

    def send(self, collections: list[list[Json]]) -> int:
        """Send collections, one to a call."""
        bodies = [{"allOrNone": False, "records": records} for records in collections]
        results = [self.salesforce.restful("composite/sobjects", method="PATCH", json=body) for body in bodies]
        return sum(result["success"] for answer in results for result in answer)

    def finish(self) -> int:
        """Nothing was kept."""
        return 0


class CollectionsWithOrjson(Collections):
    """The same with the fastest reader and writer that one would think of."""

    def __init__(self, org_url: str, variant: Variant) -> None:
        import orjson

        super().__init__(org_url, variant)
        self.loads, self._dumps = orjson.loads, orjson.dumps

    def send(self, collections: list[list[Json]]) -> int:
        """Send collections, one to a call."""
        written = 0
        for records in collections:
            body = self._dumps({"allOrNone": False, "records": records})
            url = f"{self.salesforce.base_url}composite/sobjects"
            answer = self.salesforce._call_salesforce("PATCH", url, data=body)
            written += sum(result["success"] for result in self.loads(answer.content))
        return written


class CompositeCollections(Collections):
    """Five collections to a call."""

    def send(self, collections: list[list[Json]]) -> int:
        """Send all of a batch at once."""
        parts = [
            {
                "method": "PATCH",
                "url": "/services/data/v66.0/composite/sobjects",
                "referenceId": f"collection{number}",
                "body": {"allOrNone": False, "records": records},
            }
            for number, records in enumerate(collections)
        ]
        answer = self.salesforce.restful("composite", method="POST", json={"compositeRequest": parts})
        return sum(result["success"] for part in answer["compositeResponse"] for result in part["body"])


class Bulk(Collections):
    """Bulk 2.0: keeps all rows until the end and makes one job of them, the most that this API can be given."""

    def __init__(self, org_url: str, variant: Variant) -> None:
        super().__init__(org_url, variant)
        self._rows: list[dict[str, Any]] = []

    def deliver(self, event: dict[str, Any]) -> int:
        """Keep a batch."""
        self._rows += [self.row(json.loads(message["body"])) for message in event["Records"]]
        return 0

    def finish(self) -> int:
        """Run the job, and ask what became of the records."""
        if not self._rows:
            return 0
        rows, self._rows = self._rows, []
        contacts, written = self.salesforce.bulk2.Contact, 0
        for job in contacts.update(records=rows, wait=ASK_AFTER_SECONDS):
            contacts.get_failed_records(job["job_id"])
            contacts.get_unprocessed_records(job["job_id"])
            written += job["numberRecordsProcessed"] - job["numberRecordsFailed"]
        return written


class Single(Collections):
    """One update for each record."""

    def __init__(self, org_url: str, variant: Variant) -> None:
        super().__init__(org_url, variant)
        self._contacts = self.salesforce.Contact
        self._contacts.base_url = f"{self.salesforce.base_url}sobjects/Contact/"

    def deliver(self, event: dict[str, Any]) -> int:
        """Update record by record."""
        written = 0
        for message in event["Records"]:
            row = self.row(json.loads(message["body"]))
            written += self._contacts.update(row.pop("Id"), row) == 204
        return written


BY_HAND: Mapping[str, Callable[[str, Variant], Contender]] = {
    "collections": Collections,
    "orjson": CollectionsWithOrjson,
    "composite": CompositeCollections,
    "bulk": Bulk,
    "single": Single,
}
