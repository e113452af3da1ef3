from __future__ import annotations

from typing import Any

import pytest
from builders import CONTACTS, a_destination, an_update
from salesforce_destination.errors import OutcomeUnknownError, RequestRefusedError, SalesforceUnavailableError
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.composite import Collection, CompositeWriter, read_reply
from salesforce_destination.record.record import Record, merge

BY_EXTERNAL_ID = CONTACTS.replace('target = "SalesforceId"', 'target = "CDP_Customer_Id__c"')


def records(count: int) -> list[Record]:
    return merge([an_update(f"id{number}", LastName=f"name {number}") for number in range(count)])


def reply(*bodies: Any, status: int = 200) -> Any:
    return {"compositeResponse": [{"body": body, "httpHeaders": {}, "httpStatusCode": status} for body in bodies]}


def ok(count: int) -> list[dict[str, Any]]:
    return [{"id": "003", "success": True, "errors": []} for _ in range(count)]


def test_records_are_updated_by_their_id() -> None:
    request = CompositeWriter(a_destination()).request([records(2)])

    (subrequest,) = request["compositeRequest"]
    assert (request["allOrNone"], subrequest["method"]) == (False, "PATCH")
    assert subrequest["url"] == "/services/data/v66.0/composite/sobjects"
    assert subrequest["body"]["allOrNone"] is False
    assert subrequest["body"]["records"][1] == {"attributes": {"type": "Contact"}, "id": "id1", "LastName": "name 1"}


def test_an_upsert_by_external_id_never_creates_unless_told_to() -> None:
    (subrequest,) = CompositeWriter(a_destination(BY_EXTERNAL_ID)).request([records(1)])["compositeRequest"]

    assert subrequest["url"] == ("/services/data/v66.0/composite/sobjects/Contact/CDP_Customer_Id__c?updateOnly=true")
    assert subrequest["body"]["records"][0]["CDP_Customer_Id__c"] == "id0"

    creating = BY_EXTERNAL_ID.replace('__c"\n', '__c"\ncreate_missing = true\n', 1)
    (subrequest,) = CompositeWriter(a_destination(creating)).request([records(1)])["compositeRequest"]

    assert subrequest["url"].endswith("/CDP_Customer_Id__c")


def test_reference_ids_have_letters_and_digits_only() -> None:
    request = CompositeWriter(a_destination()).request([[record] for record in records(5)])

    names = [subrequest["referenceId"] for subrequest in request["compositeRequest"]]
    assert len(set(names)) == 5
    assert all(name.isascii() and name.isalnum() for name in names)


def test_leads_keep_their_owner_and_duplicate_rules_are_obeyed() -> None:
    writer = CompositeWriter(a_destination())

    assert writer.headers() == {"Sforce-Auto-Assign": "FALSE"}
    assert writer.request([records(1)])["compositeRequest"][0]["httpHeaders"] == writer.headers()


def test_results_are_read_by_position() -> None:
    refused = {
        "success": False,
        "errors": [{"statusCode": "INVALID_EMAIL_ADDRESS", "message": "Email: …", "fields": ["Email"]}],
    }

    (results,) = read_reply(reply([*ok(1), refused, *ok(1)]), [records(3)])

    assert results == [(), (RecordError("INVALID_EMAIL_ADDRESS", "Email: …", ("Email",)),), ()]


def test_one_failed_subrequest_leaves_the_others() -> None:
    answer = reply(ok(1), ok(1))
    answer["compositeResponse"][1] |= {
        "httpStatusCode": 404,
        "body": [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
    }

    first, second = read_reply(answer, [records(1), records(1)])

    assert first == [()]
    assert isinstance(second, RequestRefusedError)
    assert second.code == "NOT_FOUND"


@pytest.mark.parametrize("answer", [None, [], {}, {"compositeResponse": None}, reply(), reply(ok(1), ok(1))])
def test_an_answer_of_the_wrong_length_says_nothing(answer: Any) -> None:
    with pytest.raises(OutcomeUnknownError):
        read_reply(answer, [records(1)])


@pytest.mark.parametrize("body", [None, [], ok(2), [{}], [{"success": "yes"}], "text", [None]])
def test_a_collection_that_cannot_be_read_is_unknown_and_the_others_are_not(body: Any) -> None:
    collections: list[Collection] = [records(1), records(1)]

    first, second = read_reply(reply(body, ok(1)), collections)

    assert isinstance(first, OutcomeUnknownError)
    assert second == [()]


def test_a_subrequest_that_failed_for_the_orgs_sake_is_not_unknown() -> None:
    (failed,) = read_reply(reply([{"errorCode": "SERVER_UNAVAILABLE", "message": ""}], status=503), [records(1)])

    assert isinstance(failed, SalesforceUnavailableError)


def test_a_refusal_without_a_reason_is_still_a_refusal() -> None:
    (results,) = read_reply(reply([{"success": False, "errors": []}]), [records(1)])

    assert results == [(RecordError("NO_REASON"),)]
