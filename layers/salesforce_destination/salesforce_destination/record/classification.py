"""What an error of Salesforce's means: one table for records, subrequests and whole requests.

Rows are tried from the top; the first whose code and text fit decides. Codes and API names (of fields, limits and
Apex's exceptions) decide, since texts come in the integration user's language; ENGLISH lists the exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from salesforce_destination.errors import (
    ORG_MOVED,
    BadRequestError,
    ConcurrentLimitError,
    DailyLimitError,
    OutcomeUnknownError,
    RequestRefusedError,
    SalesforceError,
    SalesforceUnavailableError,
    SessionExpiredError,
    UnknownCodeError,
)

Json = Any


@dataclass(frozen=True, slots=True)
class RecordError:
    """One of the errors of a refused record. The text echoes field values: it never goes into a log."""

    code: str
    text: str = field(default="", repr=False)
    fields: tuple[str, ...] = ()


class Meaning(StrEnum):
    """What an error means for what was refused, a record or all that a request held.

    REJECT: it will be refused again as it is, and a person has to look at it. UNKNOWN: nobody has described it; a
    record is tried a few times, then rejected, and a whole request waits.
    RETRY: it may pass later. LOCKED: so it may, and among fewer at once. SESSION: it may with another access token.
    BUSY: the org works on too many long requests. NO_CALLS: it has spent its API calls. FULL: a limit of the whole org,
    which hits everybody and passes by itself.
    MISMATCH: the destination file and the org do not fit; it waits for a person, and no record is to blame. FIELD: so
    it is if the org lacks a field, else this record alone cannot have it; the describe tells which.
    CONVERTED: it is a lead that was converted; it is rejected, or written to the contact it became. GONE: it is not
    there any more; it is rejected, or written to the record it was merged into.
    STALE: a guard in the org holds a newer time; what it guards is left out, and nothing is wrong.
    SPLIT: a limit of the org's own code, which counts by request; it may pass among fewer records.
    """

    REJECT = "reject"
    UNKNOWN = "unknown"
    RETRY = "retry"
    LOCKED = "locked"
    SESSION = "session"
    BUSY = "busy"
    NO_CALLS = "no calls"
    FULL = "full"
    MISMATCH = "mismatch"
    FIELD = "field"
    CONVERTED = "converted"
    GONE = "gone"
    STALE = "stale"
    SPLIT = "split"


UNKNOWN_CODE_TRIES = 3
"""How often a record with an unknown code is deferred before it is rejected."""

STALE_MARKER = "[CDP-STALE:"
"""Begins the marker in the error text of our own validation rules; the guard field's name and `]` follow."""

ENGLISH: Mapping[str, str] = {
    "timeout occurred while waiting to lock": "of the database, below all languages; it names no code",
    "unable to obtain exclusive access": "UNABLE_TO_LOCK_ROW without its code, as triggers hand it on",
    "Record Currently Unavailable": "of Apex's FOR UPDATE; else System.QueryException tells: tried as an unknown code",
    "enqueue failed": "of Apex, beside System.AsyncException where that is handed on",
    "CPU time limit": "of Apex, beside System.LimitException where that is handed on",
    "Too many SOQL queries": "the same",
    "Too many DML": "the same",
    "Too many query rows": "the same",
    "heap size": "the same",
    "Too many batch retries": "of UNKNOWN_EXCEPTION; elsewhere LIMIT_EXCEEDED tells",
    "Json Deserialization failed": "saves asking the org: the describe tells the same",
    "Foreign key external ID": "the same",
}
"""The fragments of English that decide something, with the reason for each."""

_LOCKS = ("UNABLE_TO_LOCK_ROW", *list(ENGLISH)[:3])
_LIMITS = ("LimitException", *list(ENGLISH)[4:10])
_FULL = ("AsyncApexExecutions", "System.AsyncException", "SINGLE_EMAIL_LIMIT_EXCEEDED", "enqueue failed")

WRAPPERS = (
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "UNKNOWN_EXCEPTION",
)
"""Codes of triggers, flows and accidents, whose text says what happened inside; a trigger's addError has the third."""

_PASSING = """
    FUNCTIONALITY_TEMPORARILY_UNAVAILABLE INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE INTERNAL_ERROR
    ORG_IN_MAINTENANCE ORG_LOCKED PLATFORM_EVENT_PUBLISHING_UNAVAILABLE QUERY_TIMEOUT
    REALTIME_PROCESSING_TIME_EXCEEDED REQUEST_RUNNING_TOO_LONG SERVER_UNAVAILABLE SSO_SERVICE_DOWN
    TOO_MANY_APEX_REQUESTS TXN_SECURITY_METERING_ERROR TXN_SECURITY_RUNTIME_ERROR
"""

_UNFIT = """
    API_CURRENTLY_DISABLED API_DISABLED_FOR_ORG CLIENT_NOT_ACCESSIBLE_FOR_USER CLIENT_REQUIRE_UPDATE_FOR_USER
    FUNCTIONALITY_NOT_ENABLED INVALID_OPERATION_WITH_EXPIRED_PASSWORD INVALID_TYPE METHOD_NOT_ALLOWED
    PASSWORD_LOCKOUT TRIAL_EXPIRED UNSUPPORTED_API_VERSION UNSUPPORTED_CLIENT UNSUPPORTED_MEDIA_TYPE
"""

_VALUES = """
    DUPLICATES_DETECTED DUPLICATE_EXTERNAL_ID DUPLICATE_VALUE ENTITY_IS_LOCKED FIELD_INTEGRITY_EXCEPTION
    INACTIVE_OWNER_OR_USER INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY INVALID_CROSS_REFERENCE_KEY
    INVALID_EMAIL_ADDRESS INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST INVALID_TYPE_ON_FIELD_IN_RECORD
    JSON_PARSER_ERROR MALFORMED_ID MISSING_ARGUMENT NUMBER_OUTSIDE_VALID_RANGE REQUIRED_FIELD_MISSING
    STORAGE_LIMIT_EXCEEDED STRING_TOO_LONG TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET TOO_MANY_ENUM_VALUE
"""

Row = tuple[str, str, Meaning]

TABLE: Sequence[Row] = (
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", STALE_MARKER, Meaning.STALE),
    ("UNABLE_TO_LOCK_ROW", "", Meaning.LOCKED),
    *((code, text, Meaning.LOCKED) for code in WRAPPERS for text in _LOCKS),
    *((code, text, Meaning.FULL) for code in WRAPPERS for text in _FULL),
    *((code, text, Meaning.SPLIT) for code in WRAPPERS for text in _LIMITS),
    *((code, text, Meaning.RETRY) for code in WRAPPERS for text in _PASSING.split()),
    *((code, "System.QueryException", Meaning.UNKNOWN) for code in WRAPPERS),
    ("UNKNOWN_EXCEPTION", "", Meaning.RETRY),
    *((code, "", Meaning.REJECT) for code in WRAPPERS[:3]),
    *(
        (code, "", Meaning.RETRY)
        for code in (*_PASSING.split(), "ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED")
    ),
    ("LIMIT_EXCEEDED", "", Meaning.SPLIT),
    *(("INVALID_FIELD", text, Meaning.REJECT) for text in ("Json Deserialization failed", "Foreign key external ID")),
    ("INVALID_FIELD", "", Meaning.FIELD),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", "", Meaning.FIELD),
    ("CANNOT_UPDATE_CONVERTED_LEAD", "", Meaning.CONVERTED),
    ("ENTITY_IS_DELETED", "", Meaning.GONE),
    ("NOT_FOUND", "", Meaning.GONE),
    ("REQUEST_LIMIT_EXCEEDED", "Concurrent", Meaning.BUSY),
    ("REQUEST_LIMIT_EXCEEDED", "", Meaning.NO_CALLS),
    *((code, "", Meaning.SESSION) for code in ("INVALID_SESSION_ID", "ORG_NOT_OWNED_BY_INSTANCE", "URL_NOT_RESET")),
    *((code, "", Meaning.MISMATCH) for code in _UNFIT.split()),
    *(
        (code, "", Meaning.REJECT)
        for code in ("INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", *_VALUES.split())
    ),
)

_BY_CODE: Mapping[str, Sequence[Row]] = {code: [row for row in TABLE if row[0] == code] for code, *_ in TABLE}


def meaning_of(error: RecordError) -> Meaning:
    """Look one error up."""
    for _, text, meaning in _BY_CODE.get(error.code, ()):
        if text in error.text:
            return meaning
    return Meaning.UNKNOWN


SET_UP_CODES = frozenset(
    {
        *WRAPPERS[:3],
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "STORAGE_LIMIT_EXCEEDED",
    }
)
"""What the org's own set-up may refuse to all records alike: validation, triggers, flows, rights, sharing, limits."""


_OUR_OWN = ("RECORD_MERGED", "IDENTITY_CONFLICT", "PARENT_NOT_FOUND")


def may_be_common(code: str) -> bool:
    """Whether a record with this refusal may be one of many that the org's set-up refuses; unknown codes may be."""
    return code in SET_UP_CODES or code not in {*_BY_CODE, *_OUR_OWN}


OF_A_WHOLE: Mapping[str, Meaning] = {
    **dict.fromkeys(("INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "NOT_FOUND"), Meaning.MISMATCH),
    "STORAGE_LIMIT_EXCEEDED": Meaning.MISMATCH,
    **dict.fromkeys(("EXCEEDED_ID_LIMIT", "EXCEEDED_MAX_SIZE_REQUEST", "OPERATION_TOO_LARGE"), Meaning.SPLIT),
}
"""Codes that say more of a request than of a record: the object or its key is not to be had, or it is too large."""

_ERRORS: Mapping[Meaning, type[SalesforceError]] = {
    Meaning.SESSION: SessionExpiredError,
    Meaning.NO_CALLS: DailyLimitError,
    Meaning.BUSY: ConcurrentLimitError,
    Meaning.LOCKED: SalesforceUnavailableError,
    Meaning.RETRY: SalesforceUnavailableError,
    Meaning.FULL: RequestRefusedError,
    Meaning.MISMATCH: RequestRefusedError,
    Meaning.SPLIT: BadRequestError,
    Meaning.UNKNOWN: UnknownCodeError,
}
"""
How a whole request failed, by what its code means; of several codes the first here decides.

What is not here says something of a record, and so of the content, as SPLIT does.
"""

BY_STATUS: Mapping[int, type[SalesforceError]] = {
    401: SessionExpiredError,
    413: BadRequestError,
    420: SalesforceUnavailableError,
    429: SalesforceUnavailableError,
}
"""What an edge server answers with a page of its own, and means by its status alone."""

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,79}")


class ApiCalls(NamedTuple):
    """The org's API calls of the last 24 hours."""

    used: int
    allowed: int

    @property
    def percent(self) -> float:
        """The share of the calls that is used."""
        return 100 * self.used / self.allowed if self.allowed else 0.0


def readable_code(code: Json) -> str:
    """A code as it may stand in logs and metrics; what does not look like one could be anything, people's data too."""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "UNREADABLE_CODE"


def request_error(status: int, body: Json) -> SalesforceError:
    """Name the error of a whole request, or of a subrequest, by what to do about it.

    `body` is the parsed answer, or None where it was not JSON: a page instead of an answer. A page with a status of
    success says nothing about what was written.
    """
    listed = body if isinstance(body, list) else []
    errors = [read_error(error) for error in listed if isinstance(error, Mapping) and error.get("errorCode")]
    order = list(_ERRORS)
    errors.sort(key=lambda error: order.index(_of_a_whole(error)))
    meaning = _of_a_whole(errors[0]) if errors else Meaning.UNKNOWN
    is_outage = status >= 500 or 300 <= status < 400 or not errors
    if 200 <= status < 300:
        kind: type[SalesforceError] = OutcomeUnknownError
    elif status in (301, 302, 303, 307, 308) and not errors:
        return SessionExpiredError(status, [ORG_MOVED])
    elif meaning is Meaning.UNKNOWN:
        kind = BY_STATUS.get(status, SalesforceUnavailableError if is_outage else UnknownCodeError)
    elif status >= 500 and meaning is Meaning.SPLIT and meaning_of(errors[0]) is not meaning:
        kind = SalesforceUnavailableError
    else:
        kind = _ERRORS[meaning]
    fields = [name for error in errors for name in error.fields]
    return kind(status, [error.code for error in errors], " ".join(error.text for error in errors), fields)


def _of_a_whole(error: RecordError) -> Meaning:
    meaning = OF_A_WHOLE.get(error.code) or meaning_of(error)
    return meaning if meaning in _ERRORS else Meaning.SPLIT


def read_error(error: Mapping[str, Json]) -> RecordError:
    """Read one error, of a record (`statusCode`) or of a request (`errorCode`)."""
    fields, text = error.get("fields"), str(error.get("message") or "")
    # What a duplicate rule found; Salesforce spells it so where a single row is refused.
    if twins := list(_ids_in([error.get("duplicateResult"), error.get("duplicateResut")])):
        text = f"{text} Records that look like it: {', '.join(twins)}."
    return RecordError(
        readable_code(error.get("statusCode") or error.get("errorCode") or "NO_REASON"),
        text,
        tuple(map(str, fields)) if isinstance(fields, list) else (),
    )


def _ids_in(answer: Json) -> Iterator[str]:
    """The Ids of the records that an answer holds, however deep."""
    if isinstance(answer, Mapping):
        if isinstance(record_id := answer.get("Id"), str):
            yield record_id
        answer = list(answer.values())
    for part in answer if isinstance(answer, list) else ():
        yield from _ids_in(part)
