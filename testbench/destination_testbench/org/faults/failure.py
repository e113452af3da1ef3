"""The two shapes of Salesforce's errors: of one record inside a collection, and of a whole request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from destination_testbench.org.schema.schema import Field

NOT_BUILT = 501
NOT_FOUND_TEXT = "The requested resource does not exist"
STATUS_OF = {
    "ENTITY_IS_DELETED": 404,
    "NOT_FOUND": 404,
    "INSUFFICIENT_ACCESS_OR_READONLY": 403,
    "INSUFFICIENT_ACCESS": 403,
}


@dataclass(frozen=True, slots=True)
class SaveError:
    """Why one record was refused.

    `dml` is False for what the reader of the request finds before any database work: as the answer to a single row such
    an error has no `fields`. `row_code` is the code a single row gets where it differs.
    """

    code: str
    message: str
    fields: tuple[str, ...] = ()
    dml: bool = True
    row_code: str = ""
    row_message: str = ""

    def in_collection(self) -> dict[str, Any]:
        """As it stands in the `errors` of one result."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}

    def as_row(self) -> dict[str, Any]:
        """As it stands in the array that a single row's request is answered with."""
        error: dict[str, Any] = {"message": self.row_message or self.message, "errorCode": self.row_code or self.code}
        return {**error, "fields": list(self.fields)} if self.dml else error


class RequestFailure(Exception):
    """The whole request is refused: the status, and the array of errors."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.errors: list[dict[str, Any]] = [{"message": message, "errorCode": code}]


class RowFailure(RequestFailure):
    """A single row is refused for the reasons a record in a collection would be."""

    def __init__(self, errors: list[SaveError], lock_status: int = 400) -> None:
        first = errors[0]
        statuses = {**STATUS_OF, "UNABLE_TO_LOCK_ROW": lock_status}
        super().__init__(statuses.get(first.code, 400), first.code, first.message)
        self.errors = [error.as_row() for error in errors]


def not_found() -> RequestFailure:
    """No such resource. Salesforce names the code first here."""
    failure = RequestFailure(404, "NOT_FOUND", NOT_FOUND_TEXT)
    failure.errors = [{"errorCode": "NOT_FOUND", "message": NOT_FOUND_TEXT}]
    return failure


def not_simulated(what: str) -> RequestFailure:
    """This org's own answer, which no Salesforce gives: a refusal by Salesforce would be a fact, this is none."""
    return RequestFailure(
        NOT_BUILT, "NOT_SIMULATED", f"This simulated org has not built {what}; Salesforce may have it."
    )


def method_not_allowed(method: str, allowed: list[str]) -> RequestFailure:
    """The resource is there and does not take this method."""
    text = f"HTTP Method '{method}' not allowed. Allowed are {','.join(allowed)}"
    failure = RequestFailure(405, "METHOD_NOT_ALLOWED", text)
    failure.errors = [{"errorCode": "METHOD_NOT_ALLOWED", "message": text}]
    return failure


ROLLED_BACK = SaveError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
TOO_MANY_PASSES = SaveError(
    "LIMIT_EXCEEDED", "Too many batch retries in the presence of Apex triggers and partial failures."
)
MAINTENANCE = SaveError(
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
    "Insert, update and delete are not allowed while the instance is being maintained.",
)
DELETED = SaveError("ENTITY_IS_DELETED", "entity is deleted")
CONVERTED = SaveError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
NO_ACCESS = SaveError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
STORAGE_FULL = SaveError("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
ID_GIVEN = SaveError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",))
ID_MISSING = SaveError("MISSING_ARGUMENT", "Id not specified in an update call")


def unknown_field(name: str, sobject: str) -> SaveError:
    """A field the sObject has not, or that this user may not see: Salesforce tells no difference."""
    return SaveError("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}", dml=False)


def both_forms(field: Field) -> SaveError:
    """One field under two names: a relationship with the parent's external id, and the parent's id itself."""
    text = f"Cannot specify both an external ID reference {field.relationship} and a salesforce id, {field.name}"
    return SaveError("INVALID_FIELD", text, dml=False)


def malformed_id(label: str, value: object, field: str = "Id") -> SaveError:
    """An id of the wrong form, checksum or sObject."""
    return SaveError("MALFORMED_ID", f"{label}: id value of incorrect type: {value}", (field,))


def required(fields: list[str]) -> SaveError:
    """Fields that must have a value and were absent on create, or cleared."""
    return SaveError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(fields)}]", tuple(fields))


def read_only(fields: list[str]) -> SaveError:
    """Fields that nobody, or not this user, may write."""
    text = (
        f"Unable to create/update fields: {', '.join(fields)}. Please check the security settings of this field and"
        " verify that it is read/write for your profile or permission set."
    )
    return SaveError("INVALID_FIELD_FOR_INSERT_UPDATE", text, tuple(fields))


def locked(holders: list[str]) -> SaveError:
    """Another transaction holds the row or its parent for longer than Salesforce waits (about 10 s)."""
    text = f"unable to obtain exclusive access to this record or {len(holders)} records: {','.join(holders)}"
    return SaveError("UNABLE_TO_LOCK_ROW", text)


class Refused(Exception):
    """One record is not saved, for these reasons."""

    def __init__(self, *errors: SaveError) -> None:
        super().__init__(errors[0].code)
        self.errors = list(errors)
