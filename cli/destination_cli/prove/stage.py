"""The records that facts are tried with: which fields they have, how they are made, and that they are removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from salesforce_destination.destination.destination import Destination
from salesforce_destination.record.description import FieldDescription, ObjectDescription
from salesforce_destination.record.guards import Guards

from destination_cli.org_api import OrgAnswer, OrgApi, OrgError

TAG_LENGTH = 40
TEXT_LENGTH = 20
Json = dict[str, Any]

COLLECTION = 200
"""Most records of one sObject Collection."""

COLLECTIONS = 5
"""Most collections of one composite request."""

# Made by hundreds and all alike, the records would meet duplicate rules that only warn. No rule shall assign them.
_CREATING = {"Sforce-Duplicate-Rule-Header": "allowSave=true", "Sforce-Auto-Assign": "FALSE"}


class UnfitError(ValueError):
    """No records of this sObject can be made to try with. The text says why."""


@dataclass(frozen=True, slots=True)
class Fields:
    """
    The fields of a stage.

    `tag` tells its records, `required` are filled with the same text, `text` takes any text, `typed` takes no text such
    as "none", `moment` is a Date/Time, `key` a unique external ID, `guards` those of the file by whether the org shows
    them.
    """

    tag: str
    required: tuple[str, ...]
    text: str
    typed: str | None
    moment: str | None
    number: str | None
    key: FieldDescription | None
    guards: dict[str, FieldDescription | None]

    @property
    def writable_guards(self) -> dict[str, FieldDescription]:
        """The guards that this user may write."""
        return {name: field for name, field in self.guards.items() if field and field.updateable}


def choose(description: ObjectDescription, destination: Destination) -> Fields:
    """Choose the fields, or raise UnfitError."""
    fields = description.fields.values()
    required = [f for f in fields if f.createable and not f.nillable and not f.defaulted and f.type != "boolean"]
    unfit = [f.name for f in required if f.type != "string" or f.length < TAG_LENGTH]
    if unfit:
        raise UnfitError(f"{description.name} needs values for {', '.join(unfit)} that this command cannot invent.")
    named = [f for f in fields if f.name == "Name" and f.createable and f.length >= TAG_LENGTH]
    tags = required or named
    if not tags:
        raise UnfitError(f"{description.name} has no field to mark the records of the trial.")
    guards = {guard: description.fields.get(guard) for guard in Guards.of(destination).guard_of.values()}
    free = [f for f in fields if f.updateable and f.name not in guards and f not in tags]
    texts = [f for f in free if f.type == "string" and f.length >= TEXT_LENGTH and not f.unique and not f.external_id]
    if not texts:
        raise UnfitError(f"{description.name} has no text field that this user may write.")
    return Fields(
        tag=tags[0].name,
        required=tuple(f.name for f in tags),
        text=texts[0].name,
        typed=next((f.name for f in free if f.type in ("date", "datetime", "double")), None),
        moment=_moment(description, guards),
        number=_ordering(destination, description),
        key=_key(description, destination),
        guards=guards,
    )


def _moment(description: ObjectDescription, guards: Collection[str]) -> str | None:
    """A Date/Time of the file, else one that an administrator made: a standard one may mean something."""
    custom = [
        f for f in description.fields.values() if f.updateable and f.type == "datetime" and f.name.endswith("__c")
    ]
    return next((f.name for f in sorted(custom, key=lambda field: field.name not in guards)), None)


def _ordering(destination: Destination, description: ObjectDescription) -> str | None:
    field = description.fields.get(destination.ordering.field) if destination.ordering else None
    return field.name if field and field.updateable else None


def _key(description: ObjectDescription, destination: Destination) -> FieldDescription | None:
    """The file's own identity field if it will do, else any external ID that is unique."""
    own = description.fields.get(destination.identity.target)
    others = description.fields.values()
    fitting = (f for f in (own, *others) if f and f.external_id and f.unique and f.createable and f.type == "string")
    return next(fitting, None)


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
