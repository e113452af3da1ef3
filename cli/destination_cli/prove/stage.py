"""The records that facts are tried with: which fields they have, how they are made, and that they are removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from salesforce_destination.destination.destination import Destination
from salesforce_destination.record.composite import CompositeWriter
from salesforce_destination.record.description import FieldDescription, ObjectDescription
from salesforce_destination.record.guards import Guards

from destination_cli.create_fields.metadata import refusal, soap
from destination_cli.org_api import OrgAnswer, OrgApi, OrgError, Texts

TAG_LENGTH, TEXT_LENGTH = 40, 20
Json = dict[str, Any]
Requests = Sequence[tuple[str, Json]]

COLLECTION = 200  # most records of one sObject Collection
COLLECTIONS = 5  # most collections of one composite request
CLEANINGS = 3

# Made by hundreds and all alike, the records would meet duplicate rules that only warn. No rule shall assign them.
CREATING = {"Sforce-Duplicate-Rule-Header": "allowSave=true", "Sforce-Auto-Assign": "FALSE"}


class CollectionRefusedError(Exception):
    """Salesforce refused every record of a collection by one answer. The text is its code."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a stage."""

    tag: str  # tells its records
    required: tuple[str, ...]  # filled with the same text
    text: str  # takes any text
    typed: str | None  # takes no text such as "none"
    moment: str | None  # a Date/Time
    number: str | None
    key: FieldDescription | None  # a unique external ID
    guards: dict[str, FieldDescription | None]  # those of the file; None where the org does not show one
    email: str | None = None
    has_owner: bool = True

    @property
    def writable_guards(self) -> dict[str, FieldDescription]:
        """The guards that this user may write."""
        return {name: field for name, field in self.guards.items() if field and field.updateable}


def choose(description: ObjectDescription, destination: Destination) -> Fields:
    """Choose the fields; OrgError where no records of this sObject can be made to try with."""
    # An account with a last name is a person: it has a business's fields and its own, but for the name.
    persons = description.name == "Account" and description.has_person_accounts
    fields = [f for f in description.fields.values() if not (persons and f.name == "Name")]
    required = [f for f in fields if f.createable and not f.nillable and not f.defaulted and f.type != "boolean"]
    if unfit := [f.name for f in required if f.type != "string" or f.length < TAG_LENGTH]:
        raise OrgError(f"{description.name} needs values for {', '.join(unfit)} that this command cannot invent.")
    name = "LastName" if persons else "Name"
    if not (tags := required or [f for f in fields if f.name == name and f.createable and f.length >= TAG_LENGTH]):
        raise OrgError(f"{description.name} has no field to mark the records of the trial.")
    guards = {guard: description.fields.get(guard) for guard in Guards.of(destination).guard_of.values()}
    free = [f for f in fields if f.updateable and f.name not in guards and f not in tags]
    texts = [f for f in free if f.type == "string" and f.length >= TEXT_LENGTH and not f.unique and not f.external_id]
    if not texts:
        raise OrgError(f"{description.name} has no text field that this user may write.")
    # A Date/Time of the file, else one that an administrator made: a standard one may mean something.
    custom = [f for f in fields if f.updateable and f.type == "datetime" and f.name.endswith("__c")]
    ordering = description.fields.get(destination.ordering.field) if destination.ordering else None
    own = description.fields.get(destination.identity.target)
    keys = [f for f in (own, *fields) if f and f.external_id and f.unique and f.createable and f.type == "string"]
    return Fields(
        tag=tags[0].name,
        required=tuple(f.name for f in tags),
        text=texts[0].name,
        typed=next((f.name for f in free if f.type in ("date", "datetime", "double")), None),
        moment=next((f.name for f in sorted(custom, key=lambda f: f.name not in guards)), None),
        number=ordering.name if ordering and ordering.updateable else None,
        key=next(iter(keys), None),
        guards=guards,
        email=next((f.name for f in free if f.type == "email" and f.createable), None),
        has_owner="OwnerId" in description.fields,
    )


@dataclass(slots=True)
class Stage:
    """One org with some records of one sObject in it."""

    api: OrgApi
    destination: Destination
    fields: Fields
    tag: str
    pairs: int = 500  # races of two writers
    delivering: OrgApi | None = None  # the stack's own user, where another one makes and removes the records
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

    def create(self, records: Sequence[Json], headers: Mapping[str, str] = CREATING) -> list[str]:
        """Make records that have the tag; all of them, or OrgError."""
        body = {"allOrNone": True, "records": [self.new(**record) for record in records]}
        answer = self.api.send("POST", "composite/sobjects", body, headers=headers)
        results = answer.body if answer.good else []
        if not results or not all(result["success"] for result in results):
            codes = sorted({error["statusCode"] for result in results for error in result["errors"]} or {answer.code})
            cause = "A validation rule, a trigger or a required field of the org may be the cause."
            raise OrgError(f"Salesforce refuses to create a {self.sobject} for the trial: {', '.join(codes)}. {cause}")
        return [str(result["id"]) for result in results]

    def gone(self, count: int = 1) -> list[str]:
        """This many records that were made and deleted."""
        ids = self.create([{}] * count)
        self.delete(ids)
        return ids

    def row(self, id_: str, **values: Any) -> Json:
        """A record that is there, as a request holds it."""
        return {"attributes": {"type": self.sobject}, "id": id_, **values}

    def said(self, id_: str, text: str) -> Json:
        """A record that is there, with another text."""
        return self.row(id_, **{self.fields.text: text})

    def new(self, **values: Any) -> Json:
        """A record to be created, with what it needs."""
        return {"attributes": {"type": self.sobject}, **dict.fromkeys(self.fields.required, self.tag), **values}

    def composite(
        self, collections: Sequence[Sequence[Json]], path: str = "", *, headers: Texts = None, **how: Any
    ) -> OrgAnswer:
        """Send collections to a path behind composite/sobjects as one composite request, as deliveries with headers."""
        given = CompositeWriter(self.destination).headers([[]]) if headers is None else dict(headers)
        bodies = [{"allOrNone": False, "records": list(rows)} for rows in collections]
        asked = [(f"composite/sobjects{path}", body) for body in bodies]
        return self.together(asked, **{"method": "PATCH", **how}, headers=given)

    def together(
        self, requests: Requests, method: str = "GET", headers: Texts = None, api: OrgApi | None = None
    ) -> OrgAnswer:
        """Send requests to resources, each with its body, as one composite request."""
        asked = [
            {
                "method": method,
                "url": f"/services/data/v{self.api.version}/{resource}",
                "referenceId": f"collection{number}",
                **({"httpHeaders": headers} if headers else {}),
                **({"body": body} if body else {}),
            }
            for number, (resource, body) in enumerate(requests)
        ]
        body = {"allOrNone": False, "collateSubrequests": False, "compositeRequest": asked}
        return (api or self.api).send("POST", "composite", body, headers=headers)

    def collection(self, rows: Sequence[Json], path: str = "", **how: Any) -> OrgAnswer:
        """Send one collection in a composite request, and take its answer out."""
        return replies_in(self.composite([rows], path, **how))[0]

    def update(self, rows: Sequence[Json], path: str = "", **how: Any) -> list[Json]:
        """Update records, each for itself; the results, CollectionRefusedError, or OrgError in an outage."""
        answer = self.collection(rows, path, **how)
        if answer.status in (400, 404):
            raise CollectionRefusedError(answer.code)
        if not answer.good:
            raise OrgError(f"Salesforce refused a request of the trial: {answer.code}. {answer.text}")
        return list(answer.body)

    def upsert(self, rows: Sequence[Json], key: str, update_only: bool = True) -> list[Json]:
        """Update, or create, the records that the values of a field name."""
        query = "?updateOnly=true" if update_only else ""
        return self.update(rows, f"/{self.sobject}/{key}{query}", headers=CREATING)

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

    def merge(self, kept: str, lost: str, **values: Any) -> tuple[str, str] | None:
        """Merge a record into another, which gets values; the code and the text if that was refused."""
        record = {"type": self.sobject, "Id": kept, **values}
        fields = "".join(f"<s:{name}>{value}</s:{name}>" for name, value in record.items())
        master = f"<masterRecord>{fields}</masterRecord><recordToMergeIds>{lost}</recordToMergeIds>"
        answer = soap(self.api, "u", f"<merge><request>{master}</request></merge>")
        return None if "<success>true</success>" in answer[1] else refusal(*answer)

    def delete(self, ids: Sequence[str]) -> int:
        """Delete records; how many of them."""
        deleted = 0
        for start in range(0, len(ids), COLLECTION):
            parameters = {"ids": ",".join(ids[start : start + COLLECTION]), "allOrNone": "false"}
            answer = self.api.send("DELETE", "composite/sobjects", parameters=parameters)
            deleted += sum(result["success"] for result in answer.body) if answer.good else 0
        return deleted

    def clean(self) -> tuple[int, int]:
        """Delete every record with the tag; how many went and stayed."""
        # A lock may have held some back, and a request that was never answered may have made some meanwhile.
        deleted, found, tries = 0, self._tagged(), CLEANINGS
        while found and tries:
            deleted, tries = deleted + self.delete(found), tries - 1
            found = self._tagged()
        return deleted, len(found)

    def _tagged(self) -> list[str]:
        return [str(row["Id"]) for row in self.api.query("Id", self.sobject, {self.fields.tag: self.tag})]


def replies_in(answer: OrgAnswer) -> list[OrgAnswer]:
    """The answers in that to a composite request; itself where the request was refused."""
    replies = answer.body["compositeResponse"] if answer.good else []
    return [OrgAnswer(reply["httpStatusCode"], reply["body"]) for reply in replies] or [answer]
