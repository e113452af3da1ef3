"""The records that facts are tried with: made for it, told by one text in them, and removed whatever happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from salesforce_destination.destination.destination import Destination

from destination_cli.org_api import OrgAnswer, OrgApi, OrgError
from destination_cli.prove.fields import Fields

Json = dict[str, Any]

COLLECTION = 200
"""Most records of one sObject Collection."""

COLLECTIONS = 5
"""Most collections of one composite request."""

# Made by hundreds and all alike, the records would meet duplicate rules that only warn. No rule shall assign them.
_CREATING = {"Sforce-Duplicate-Rule-Header": "allowSave=true", "Sforce-Auto-Assign": "FALSE"}


@dataclass(slots=True)
class Stage:
    """
    One org with some records of one sObject in it.

    `pairs` is how many races of two writers are run.
    """

    api: OrgApi
    destination: Destination
    fields: Fields
    tag: str
    pairs: int = 500
    _ids: list[str] = field(default_factory=list)

    @property
    def sobject(self) -> str:
        """The sObject that the destination writes."""
        return self.destination.salesforce_object

    def ids(self, count: int) -> list[str]:
        """This many records, which are made when they are first asked for."""
        self._ids += self.create_many(count - len(self._ids))
        return self._ids[:count]

    def create_many(self, count: int) -> list[str]:
        """Make this many records."""
        starts = range(0, count, COLLECTION)
        return [id_ for start in starts for id_ in self.create([{}] * min(COLLECTION, count - start))]

    def create(self, records: Sequence[Json]) -> list[str]:
        """Make records that have the tag; all of them, or OrgError."""
        rows = [self.new(**record) for record in records]
        answer = self.collection("POST", "", rows, all_or_none=True, headers=_CREATING)
        results = answer.body if answer.good else []
        if not results or not all(result["success"] for result in results):
            codes = sorted({error["statusCode"] for result in results for error in result["errors"]} or {answer.code})
            raise OrgError(
                f"Salesforce refuses to create a {self.sobject} for the trial: {', '.join(codes)}."
                " A validation rule, a trigger or a required field of the org may be the cause."
            )
        return [str(result["id"]) for result in results]

    def row(self, **values: Any) -> Json:
        """A record of the sObject as a request holds it."""
        return {"attributes": {"type": self.sobject}, **values}

    def new(self, **values: Any) -> Json:
        """A record to be created, with what it needs."""
        return self.row(**dict.fromkeys(self.fields.required, self.tag), **values)

    def collection(
        self,
        method: str,
        path: str,
        rows: Sequence[Json],
        all_or_none: bool = False,
        headers: Mapping[str, str] | None = None,
        api: OrgApi | None = None,
    ) -> OrgAnswer:
        """Send one sObject Collection; `path` comes behind composite/sobjects."""
        body = {"allOrNone": all_or_none, "records": list(rows)}
        return (api or self.api).send(method, f"composite/sobjects{path}", body, headers=headers)

    def update(self, rows: Sequence[Json], api: OrgApi | None = None) -> OrgAnswer:
        """Update records by their ids, each for itself."""
        return self.collection("PATCH", "", rows, headers={"Sforce-Auto-Assign": "FALSE"}, api=api)

    def update_many(self, rows: Sequence[Json]) -> None:
        """Update any number of records; all of them, or OrgError."""
        for start in range(0, len(rows), COLLECTION):
            answer = self.update(rows[start : start + COLLECTION])
            if not answer.good or not all(result["success"] for result in answer.body):
                raise OrgError(f"The records of the trial cannot be written: {answer.code}.")

    def upsert(self, rows: Sequence[Json], key: str, update_only: bool = True) -> OrgAnswer:
        """Update, or create, the records that the values of a field name."""
        query = "?updateOnly=true" if update_only else ""
        return self.collection("PATCH", f"/{self.sobject}/{key}{query}", rows, headers=_CREATING)

    def composite(self, collections: Sequence[Sequence[Json]], inner: Mapping[str, str] | None = None) -> OrgAnswer:
        """Send collections of updates as one composite request, as deliveries do; `inner` are each one's headers."""
        url = f"/services/data/v{self.api.version}/composite/sobjects"
        requests = [
            {
                "method": "PATCH",
                "url": url,
                "referenceId": f"collection{number}",
                **({"httpHeaders": dict(inner)} if inner else {}),
                "body": {"allOrNone": False, "records": list(rows)},
            }
            for number, rows in enumerate(collections)
        ]
        body = {"allOrNone": False, "collateSubrequests": False, "compositeRequest": requests}
        return self.api.send("POST", "composite", body)

    def read(self, ids: Sequence[str], *names: str) -> list[Json]:
        """What records hold, in the order of their ids."""
        rows: list[Json] = []
        for start in range(0, len(ids), COLLECTION):
            body = {"ids": list(ids[start : start + COLLECTION]), "fields": ["Id", *names]}
            answer = self.api.send("POST", f"composite/sobjects/{self.sobject}", body)
            if not answer.good or None in answer.body:
                raise OrgError(f"The records of the trial cannot be read: {answer.code}.")
            rows += answer.body
        return rows

    def delete(self, ids: Sequence[str]) -> int:
        """Delete records; how many of them."""
        deleted = 0
        for start in range(0, len(ids), COLLECTION):
            parameters = {"ids": ",".join(ids[start : start + COLLECTION]), "allOrNone": "false"}
            answer = self.api.send("DELETE", "composite/sobjects", parameters=parameters)
            deleted += sum(result["success"] for result in answer.body) if answer.good else 0
        return deleted

    def clean(self) -> tuple[int, int]:
        """Delete every record with the tag, also those whose making was never answered; how many went and stayed."""
        found = [str(row["Id"]) for row in self.api.query("Id", self.sobject, {self.fields.tag: self.tag})]
        deleted = self.delete(found)
        return deleted, len(found) - deleted
