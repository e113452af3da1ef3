from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from builders import CONTACTS, SENT_AT, a_destination, an_update
from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.delivery.decision import _FIRST_DECIDES, Decision, Refusals, outcome_of_failure
from salesforce_destination.errors import (
    BadRequestError,
    ConcurrentLimitError,
    DailyLimitError,
    DestinationError,
    OutcomeUnknownError,
    RequestRefusedError,
    SalesforceUnavailableError,
    TimeIsUpError,
    UnknownCodeError,
)
from salesforce_destination.outcome import SKIPPED, OutcomeKind, Reason, Wait, rejected
from salesforce_destination.record.classification import Meaning, RecordError
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.record import Address, Update, merge, placed
from salesforce_destination.record.successor import Move

LEADS = CONTACTS.replace('"Contact"', '"Lead"')
EXTERNAL_ID = CONTACTS.replace('"SalesforceId"', '"CDP_Key__c"')
OMITTED = CONTACTS.replace("max_length = 40", 'when_refused = "omit"').replace(
    'target = "Email"', 'target = "Email"\nwhen_refused = "omit"'
)
GUARDED = "\n".join(
    [
        CONTACTS.rstrip(),
        'since_field = "Since__c"',
        '[ordering]\nfield = "Time__c"',
        '[profiles]\nonly_if = "consent"',
    ]
)
WITHOUT_CONSENT = GUARDED.replace('[profiles]\nonly_if = "consent"', "")

STALE = RecordError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "[CDP-STALE:Time__c]")
REJECTED = RecordError("INVALID_EMAIL_ADDRESS")
GONE = RecordError("ENTITY_IS_DELETED")
CONVERTED = RecordError("CANNOT_UPDATE_CONVERTED_LEAD")
MISMATCH = RecordError("INVALID_TYPE")
LIMIT = RecordError("LIMIT_EXCEEDED", "CPU time limit")
LOCKED = RecordError("UNABLE_TO_LOCK_ROW")
UNKNOWN = RecordError("A_CODE_OF_TOMORROW")


def an_attempt(*updates: Update, most: int = 200, fields: Iterable[str] = ("LastName",)) -> Attempt:
    (record,) = merge(updates or [Update(0, 0, "a", "a", dict.fromkeys(fields, "x"), SENT_AT)])
    return Attempt(record, most)


def decide(
    *errors: RecordError,
    text: str = CONTACTS,
    attempt: Attempt | None = None,
    receive_count: int = 1,
    collection_size: int = 1,
    org: Iterable[str] = (),
) -> Decision:
    """What follows these errors where the org has the fields `org`, and those that every file here names."""
    refusals = Refusals(a_destination(text))
    known = [*org, "LastName", "FirstName", "Email", "CDP_Key__c"]
    described = read_description({"fields": [{"name": name, "updateable": True} for name in known]})
    return refusals.decide(attempt or an_attempt(), errors, receive_count, collection_size, lambda _: described)


def code_of(decision: Decision) -> str | None:
    return decision.outcome.reason.code if decision.outcome.reason else None


@pytest.mark.parametrize(
    ("first", "second"),
    list(itertools.combinations([STALE, REJECTED, GONE, CONVERTED, MISMATCH, LIMIT, LOCKED, UNKNOWN], 2)),
    ids=lambda error: error.code,
)
def test_of_two_errors_the_one_that_is_more_certain_decides_in_either_order(
    first: RecordError, second: RecordError
) -> None:
    assert code_of(decide(first, second)) == first.code
    assert code_of(decide(second, first)) == first.code


def test_of_errors_that_mean_the_same_the_first_gives_the_reason() -> None:
    assert code_of(decide(RecordError("STRING_TOO_LONG"), REJECTED)) == "STRING_TOO_LONG"
    assert code_of(decide(REJECTED, RecordError("STRING_TOO_LONG"))) == "INVALID_EMAIL_ADDRESS"


@pytest.mark.parametrize(
    ("error", "receive_count", "kind", "wait"),
    [
        (LOCKED, 1, OutcomeKind.DEFERRED, Wait.BACKOFF),
        (LOCKED, 500, OutcomeKind.DEFERRED, Wait.BACKOFF),
        (UNKNOWN, 3, OutcomeKind.DEFERRED, Wait.BACKOFF),
        (UNKNOWN, 4, OutcomeKind.REJECTED, Wait.BACKOFF),
        (MISMATCH, 500, OutcomeKind.DEFERRED, Wait.UNTIL_MENDED),
        (REJECTED, 1, OutcomeKind.REJECTED, Wait.BACKOFF),
        (GONE, 1, OutcomeKind.REJECTED, Wait.BACKOFF),
        (CONVERTED, 1, OutcomeKind.REJECTED, Wait.BACKOFF),
        (LIMIT, 1, OutcomeKind.REJECTED, Wait.BACKOFF),
    ],
)
def test_a_record_that_is_refused_alone_waits_or_is_rejected_by_its_code(
    error: RecordError, receive_count: int, kind: OutcomeKind, wait: Wait
) -> None:
    decision = decide(error, receive_count=receive_count)

    assert (decision.outcome.kind, decision.outcome.wait) == (kind, wait)
    assert decision.resend is None


@pytest.mark.parametrize(
    ("field", "receive_count", "kind"),
    [
        ("CDP_Key__c", 3, OutcomeKind.DEFERRED),
        ("CDP_Key__c", 4, OutcomeKind.REJECTED),
        ("Other__c", 1, OutcomeKind.REJECTED),
        ("CDP_Key__c_too", 1, OutcomeKind.REJECTED),
    ],
)
def test_two_upserts_that_race_for_one_key_are_tried_as_often_as_an_unknown_code(
    field: str, receive_count: int, kind: OutcomeKind
) -> None:
    for text in (
        f"duplicate value found: {field} duplicates value on record with id: 003",
        f"valeur en double trouvée : {field} duplique une valeur dans l'enregistrement ID : 003",
        f"重複する値があります{field.lower()}は値を重複しています",
        f"se ha encontrado un valor duplicado: {field} duplica el valor",
    ):
        raced = RecordError("DUPLICATE_VALUE", text)
        assert decide(raced, text=EXTERNAL_ID, receive_count=receive_count).outcome.kind is kind


def test_a_duplicate_that_the_user_may_not_see_is_no_race_and_is_called_so() -> None:
    masked = RecordError("DUPLICATE_VALUE", "duplicate value found: <unknown> duplicates value on record: <unknown>")

    outcome = decide(masked, text=EXTERNAL_ID).outcome

    assert outcome.kind is OutcomeKind.REJECTED
    assert outcome.reason is not None
    assert outcome.reason.text.endswith("The integration user does not see the other record.")


def test_another_code_that_names_the_key_as_a_duplicate_is_no_race() -> None:
    other = RecordError("STRING_TOO_LONG", "duplicate value found: CDP_Key__c duplicates value on record with id: 003")

    assert decide(other, text=EXTERNAL_ID).outcome.kind is OutcomeKind.REJECTED


SAID = (
    "No such column '{}' on sobject of type Contact",
    "Aucune colonne '{}' sur le sobject de type Contact",
    "Contact 型の sobject に{}列がありません",
    "No existe la columna {}.",
)


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("code", ["INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE"])
@pytest.mark.parametrize(
    ("named", "org", "missing"),
    [
        ("A__c", ["B__c"], {"A__c"}),
        ("a__C", [], {"A__c"}),
        ("A__c, B__c", [], {"A__c", "B__c"}),
        ("A__c, B__c", ["a__c"], {"B__c"}),
        ("", ["B__c"], {"A__c"}),
        ("A__c", ["A__c"], set()),
        ("B__c", ["B__c"], set()),
        ("", ["A__c", "B__c"], set()),
    ],
)
def test_the_describe_says_whether_the_org_lacks_a_field_in_every_language(
    said: str, code: str, named: str, org: list[str], missing: set[str]
) -> None:
    attempt = an_attempt(fields=["A__c", "B__c", "LastName"])

    by_text = decide(RecordError(code, said.format(named)), attempt=attempt, org=org)
    by_fields = decide(RecordError(code, "", tuple(named.split(", ")) if named else ()), attempt=attempt, org=org)

    for decision in (by_text, by_fields):
        assert decision.missing == missing
        assert decision.outcome.kind is (OutcomeKind.DEFERRED if missing else OutcomeKind.REJECTED)
        assert decision.outcome.wait is (Wait.UNTIL_MENDED if missing else Wait.BACKOFF)


def test_a_key_that_the_org_lacks_is_the_fault_of_no_record() -> None:
    lacking = RecordError("INVALID_FIELD", SAID[0].format("CDP_Gone__c"))

    decision = decide(lacking, text=CONTACTS.replace('"SalesforceId"', '"CDP_Gone__c"'))

    assert (decision.outcome.kind, decision.outcome.wait) == (OutcomeKind.DEFERRED, Wait.UNTIL_MENDED)
    assert decision.missing == set()


def test_one_odd_record_is_refused_alone_and_without_the_field_where_that_may_be() -> None:
    odd = RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: Email. Please check.")
    marrying = RecordError(
        "INVALID_FIELD_FOR_INSERT_UPDATE", "Cannot specify any additional fields when marrying or separating a Person"
    )
    attempt = an_attempt(fields=["Email", "LastName"])

    assert decide(odd, attempt=attempt).outcome.reason == Reason(odd.code, odd.text, ("Email",))
    assert decide(odd, attempt=attempt, text=OMITTED).omitted == {"Email"}
    assert decide(marrying, attempt=attempt, text=OMITTED).is_rejection()


def test_the_describe_is_not_asked_for_what_the_code_alone_tells() -> None:
    def never(_: str) -> ObjectDescription:
        raise AssertionError("asked")

    wrong = RecordError("INVALID_FIELD", "Json Deserialization failed on token 'Email'")
    for error in (STALE, REJECTED, GONE, CONVERTED, MISMATCH, LIMIT, LOCKED, UNKNOWN, wrong):
        Refusals(a_destination()).decide(an_attempt(), [error], 1, 1, never)


def test_every_meaning_that_a_record_can_have_has_its_place() -> None:
    assert {*_FIRST_DECIDES} == {*Meaning} - {Meaning.FIELD}
    assert len(_FIRST_DECIDES) == len(Meaning) - 1


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (RecordError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "AsyncApexExecutions Limit exceeded."), Wait.ORG_LIMIT),
        (RecordError("REQUEST_LIMIT_EXCEEDED"), Wait.DAILY_LIMIT),
        (RecordError("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests"), Wait.BACKOFF),
        (RecordError("URL_NOT_RESET"), Wait.BACKOFF),
        (RecordError("ORG_LOCKED"), Wait.BACKOFF),
    ],
)
def test_what_passes_by_itself_is_deferred_however_often_it_came(error: RecordError, wait: Wait) -> None:
    outcome = decide(error, receive_count=500).outcome

    assert (outcome.kind, outcome.wait) == (OutcomeKind.DEFERRED, wait)


TOKEN = RecordError("INVALID_FIELD", "Json Deserialization failed on token 'email' and has left off in the middle")


@pytest.mark.parametrize(
    ("error", "values", "omitted"),
    [
        (TOKEN, {"Email": "x"}, {"Email"}),
        (RecordError("INVALID_FIELD", "Échec sur le jeton «EMAIL»"), {"Email": "x"}, {"Email"}),
        (
            RecordError("INVALID_FIELD", "トークン'FirstName'で失敗しました"),
            {"Email": "x", "FirstName": "y"},
            {"FirstName"},
        ),
        (RecordError("INVALID_FIELD", "Json Deserialization failed on token 'LastName'"), {"Email": "x"}, set()),
        (RecordError("JSON_PARSER_ERROR", "of date from VALUE_STRING value 1990-05"), {"Email": "1990-05"}, {"Email"}),
        (
            RecordError("JSON_PARSER_ERROR", "of date from VALUE_STRING value 1990-05"),
            {"Email": "1990-05", "FirstName": "y"},
            {"Email"},
        ),
        (RecordError("JSON_PARSER_ERROR"), {"Email": "x", "FirstName": None}, {"Email", "FirstName"}),
        (RecordError("JSON_PARSER_ERROR"), {"Phone": "x"}, set()),
        (RecordError("INVALID_FIELD", "Foreign key external ID: 7 not found for field X"), {"Email": "x"}, set()),
        (RecordError("STRING_TOO_LONG", "", ("EMAIL",)), {"Email": "x"}, {"Email"}),
        (RecordError("CANNOT_EXECUTE_FLOW_TRIGGER", "Give another email."), {"Email": "x"}, set()),
    ],
)
def test_a_refusal_is_pinned_on_a_field_by_its_name_in_any_case_or_by_its_value(
    error: RecordError, values: dict[str, Any], omitted: set[str]
) -> None:
    decision = decide(error, text=OMITTED, attempt=an_attempt(an_update(LastName="Ok", **values)))

    assert decision.omitted == omitted
    assert decision.is_rejection() is not bool(omitted)


@pytest.mark.parametrize("written", ["MailingState", "MailingStateCode", "OtherCountry", "OtherCountryCode"])
def test_a_state_or_country_is_left_out_by_its_name_or_its_code(written: str) -> None:
    text = CONTACTS + f'[[mappings]]\nsource = "a"\ntarget = "{written}"\nwhen_refused = "omit"\n'
    for name in (written.removesuffix("Code"), written.removesuffix("Code") + "Code"):
        error = RecordError("FIELD_INTEGRITY_EXCEPTION", "There's a problem", (name,))
        assert decide(error, text=text, attempt=an_attempt(fields=["LastName", written])).omitted == {written}


def test_a_value_of_a_wrong_type_is_rejected_with_the_name_of_its_field() -> None:
    reason = decide(TOKEN, attempt=an_attempt(fields=["Email", "LastName"])).outcome.reason

    assert reason is not None
    assert reason.fields == ("Email",)
    assert reason.text.startswith("Email does not take a value of this type. Json")


@pytest.mark.parametrize(
    ("error", "size", "most", "kind"),
    [
        (BadRequestError(400, ["JSON_PARSER_ERROR"]), 8, 4, OutcomeKind.REJECTED),
        (BadRequestError(400, ["JSON_PARSER_ERROR"]), 1, None, OutcomeKind.REJECTED),
        (BadRequestError(413), 1, None, OutcomeKind.REJECTED),
        (BadRequestError(400, ["INVALID_FIELD"], "Aucune colonne LastName"), 8, 4, OutcomeKind.REJECTED),
        (BadRequestError(400, ["INVALID_FIELD"], "Aucune colonne", ["Gone__c"]), 8, None, OutcomeKind.DEFERRED),
    ],
)
def test_a_collection_is_cut_down_for_its_content_alone(
    error: BadRequestError, size: int, most: int | None, kind: OutcomeKind
) -> None:
    described = read_description({"fields": [{"name": "LastName", "updateable": True}]})
    attempt = an_attempt(fields=["LastName", "Gone__c"] if "Gone__c" in error.fields else ["LastName"])

    decision = Refusals(a_destination()).decide_whole(attempt, error, 1, size, lambda _: described)

    assert (decision.resend.most if decision.resend else None) == most
    assert decision.outcome.kind is kind
    assert decision.missing == {*error.fields}


def test_a_value_for_which_a_whole_request_is_refused_is_left_out_of_a_record_that_is_alone() -> None:
    error = BadRequestError(400, ["JSON_PARSER_ERROR"], "Cannot deserialize instance of date from VALUE_STRING value x")
    attempt = an_attempt(fields=["LastName", "Email"])

    decision = Refusals(a_destination(OMITTED)).decide_whole(attempt, error, 1, 1, lambda _: read_description({}))

    assert decision.omitted == {"Email"}


def test_a_field_that_an_error_of_another_kind_names_is_not_missing() -> None:
    lacking = RecordError("INVALID_FIELD", "No such column 'A__c' on sobject of type Contact")
    attempt = an_attempt(fields=["A__c", "B__c", "LastName"])

    decision = decide(lacking, RecordError("UNABLE_TO_LOCK_ROW", "", ("B__c",)), attempt=attempt, org=["B__c"])

    assert decision.missing == {"A__c"}


@pytest.mark.parametrize(
    ("error", "text", "more", "move"),
    [
        (GONE, CONTACTS, "", Move.MERGED),
        (GONE, CONTACTS, 'merged_records = "follow"\n', Move.MERGED),
        (CONVERTED, LEADS, "", None),
        (CONVERTED, LEADS, 'converted_leads = "contact"\n', Move.CONVERTED),
    ],
)
def test_a_moved_record_is_looked_for_where_the_file_says_so(
    error: RecordError, text: str, more: str, move: Move | None
) -> None:
    decision = decide(error, text=more + text)

    assert (decision.move, decision.is_whole) == (move, True)
    assert decision.outcome.kind is OutcomeKind.REJECTED


@pytest.mark.parametrize(("error", "text"), [(GONE, CONTACTS), (CONVERTED, 'converted_leads = "contact"\n' + LEADS)])
def test_a_record_that_was_followed_once_is_not_followed_further(error: RecordError, text: str) -> None:
    (record,) = merge([an_update(LastName="x")])

    decision = decide(
        error, text=text, attempt=Attempt(placed(record.updates, Address("Contact"), "003", is_moved=True), 1)
    )

    assert (decision.move, decision.outcome.kind) == (None, OutcomeKind.REJECTED)


@pytest.mark.parametrize(
    ("error", "updates_only", "is_skipped"), [(GONE, True, True), (GONE, False, False), (CONVERTED, True, False)]
)
def test_who_must_not_be_created_and_is_gone_is_skipped(
    error: RecordError, updates_only: bool, is_skipped: bool
) -> None:
    update = an_update(LastName="x")
    update.updates_only = updates_only

    decision = decide(error, attempt=an_attempt(update))

    assert (decision.outcome is SKIPPED) is is_skipped


@pytest.mark.parametrize(("collection_size", "most"), [(200, 100), (5, 2), (3, 1), (2, 1)])
def test_a_limit_of_the_orgs_code_is_met_with_half_as_many_records(collection_size: int, most: int) -> None:
    attempt = an_attempt(most=collection_size)
    decision = decide(LIMIT, attempt=attempt, collection_size=collection_size)

    assert decision.resend is not None
    assert decision.resend.most == most
    assert not decision.is_rejection()


EVENTS = [an_update(event_time=SENT_AT + number, message=number, LastName=str(number)) for number in range(3)]


@pytest.mark.parametrize("error", [LIMIT, REJECTED], ids=lambda error: error.code)
def test_one_event_of_a_merged_record_that_is_refused_alone_may_be_to_blame(error: RecordError) -> None:
    decision = decide(error, attempt=an_attempt(*EVENTS, most=1))

    assert decision.is_rejection()
    assert not decision.is_whole


@pytest.mark.parametrize(
    ("fields", "errors", "omitted"),
    [
        (("Email", "LastName"), [("Email",)], {"Email"}),
        (("Email", "FirstName", "LastName"), [("Email",), ("FirstName",)], {"Email", "FirstName"}),
        (("Email", "FirstName", "LastName"), [("Email", "FirstName")], {"Email", "FirstName"}),
        (("Email", "LastName"), [("Email", "LastName")], set()),
        (("Email", "LastName"), [("Email",), ("LastName",)], set()),
        (("Email", "LastName"), [("Email",), ()], set()),
        (("LastName",), [("Email",)], set()),
        (("Email",), [("Email",)], set()),
    ],
)
def test_refused_fields_are_left_out_where_each_may_be_and_something_is_left(
    fields: Sequence[str], errors: Sequence[tuple[str, ...]], omitted: set[str]
) -> None:
    refused = [RecordError("STRING_TOO_LONG", "", names) for names in errors]

    decision = decide(*refused, text=OMITTED, attempt=an_attempt(fields=fields))

    assert decision.omitted == omitted
    assert decision.is_rejection() is not bool(omitted)
    if decision.resend:
        assert decision.resend.record.fields.keys() == set(fields) - omitted


def test_an_error_that_may_pass_does_not_keep_a_refused_field_from_being_left_out() -> None:
    decision = decide(
        RecordError("STRING_TOO_LONG", "", ("Email",)),
        LOCKED,
        text=OMITTED,
        attempt=an_attempt(fields=["Email", "LastName"]),
    )

    assert decision.omitted == {"Email"}


def stale(guard: str) -> RecordError:
    return RecordError("FIELD_CUSTOM_VALIDATION_EXCEPTION", f"[CDP-STALE:{guard}]")


def a_guarded_attempt(retimed: frozenset[str] = frozenset()) -> Attempt:
    values = {"LastName": "x", "Time__c": SENT_AT, "CDP_Loyal__c": "realized", "Since__c": "2020-01-01T00:00:00Z"}
    (record,) = merge([Update(0, 0, "a", "a", values, SENT_AT)])
    return Attempt(record, 200, retimed=retimed)


@pytest.mark.parametrize("guard", ["Time__c", "TIME__C"])
def test_what_stands_under_a_guard_that_refused_is_left_out_and_the_rest_is_sent(guard: str) -> None:
    decision = decide(stale(guard), text=WITHOUT_CONSENT, attempt=a_guarded_attempt())

    assert decision.stale == {"LastName", "Time__c"}
    assert decision.resend is not None
    assert decision.resend.record.fields.keys() == {"CDP_Loyal__c", "Since__c"}


def test_a_guard_of_another_record_says_nothing_of_this_one() -> None:
    decision = decide(stale("Time__c"), text=WITHOUT_CONSENT, attempt=an_attempt(fields=["CDP_Loyal__c"]))

    assert decision.is_rejection()


@pytest.mark.parametrize(
    ("text", "retimed", "sent"),
    [
        (WITHOUT_CONSENT, frozenset[str](), None),
        (GUARDED, frozenset[str](), "2023-11-14T22:13:20Z"),
        (GUARDED, frozenset({"Since__c"}), None),
    ],
)
def test_a_consent_that_came_back_is_tried_once_with_the_time_of_its_event(
    text: str, retimed: frozenset[str], sent: str | None
) -> None:
    decision = decide(stale("Since__c"), text=text, attempt=a_guarded_attempt(retimed))

    assert decision.resend is not None
    assert decision.resend.record.fields.get("Since__c") == sent
    assert decision.stale == (set() if sent else {"CDP_Loyal__c", "Since__c"})
    assert decision.resend.retimed == ({"Since__c"} if sent or retimed else set())


def test_a_decision_rejects_where_nothing_can_be_done_first() -> None:
    outcome = rejected("CODE")

    assert Decision(outcome).is_rejection()
    assert not Decision(outcome, resend=an_attempt()).is_rejection()
    assert not Decision(outcome, missing=frozenset({"A__c"})).is_rejection()
    assert not Decision(outcome, move=Move.MERGED).is_rejection()
    assert not Decision(SKIPPED).is_rejection()


@pytest.mark.parametrize(
    ("error", "sent", "unsent"),
    [
        (SalesforceUnavailableError(503), Wait.BACKOFF, Wait.BACKOFF),
        (ConcurrentLimitError(403), Wait.BACKOFF, Wait.BACKOFF),
        (DailyLimitError(403), Wait.DAILY_LIMIT, Wait.DAILY_LIMIT),
        (OutcomeUnknownError(None), Wait.UNKNOWN, Wait.BACKOFF),
        (RequestRefusedError(403), Wait.UNTIL_MENDED, Wait.UNTIL_MENDED),
        (UnknownCodeError(400, ["NEW"], "its text"), Wait.BACKOFF, Wait.BACKOFF),
        (TimeIsUpError(), Wait.BACKOFF, Wait.BACKOFF),
    ],
)
def test_what_a_failed_request_held_waits_as_long_as_the_failure_asks_and_a_time_out_counts_only_for_what_was_sent(
    error: DestinationError, sent: Wait, unsent: Wait
) -> None:
    for was_sent, wait in [(True, sent), (False, unsent)]:
        outcome = outcome_of_failure(error, was_sent=was_sent)
        assert (outcome.kind, outcome.wait) == (OutcomeKind.DEFERRED, wait)
        assert outcome.reason is not None
        assert outcome.reason.code == error.code
        assert outcome.reason.text == getattr(error, "text", "")
