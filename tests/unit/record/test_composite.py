from __future__ import annotations

from typing import Any

import pytest
from builders import CONTACTS, a_destination, an_update
from salesforce_destination.errors import OutcomeUnknownError, RequestRefusedError, SalesforceUnavailableError
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.composite import Collection, CompositeWriter, read_reply
from salesforce_destination.record.record import Address, Record, merge

BY_EXTERNAL_ID = CONTACTS.replace('target = "SalesforceId"', 'target = "CDP_Customer_Id__c"')
CREATING = BY_EXTERNAL_ID.replace('__c"\n', '__c"\ncreate_missing = true\n', 1)


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


def test_an_upsert_by_external_id_never_creates() -> None:
    (subrequest,) = CompositeWriter(a_destination(BY_EXTERNAL_ID)).request([records(1)])["compositeRequest"]

    assert subrequest["url"] == ("/services/data/v66.0/composite/sobjects/Contact/CDP_Customer_Id__c?updateOnly=true")
    assert subrequest["body"]["records"][0]["CDP_Customer_Id__c"] == "id0"


def test_reference_ids_have_letters_and_digits_only() -> None:
    request = CompositeWriter(a_destination()).request([[record] for record in records(5)])

    names = [subrequest["referenceId"] for subrequest in request["compositeRequest"]]
    assert len(set(names)) == 5
    assert all(name.isascii() and name.isalnum() for name in names)


def test_leads_keep_their_owner_and_duplicate_rules_are_obeyed() -> None:
    writer = CompositeWriter(a_destination())

    headers = writer.headers([records(1)])

    assert headers == {"Sforce-Auto-Assign": "FALSE"}
    assert writer.request([records(1)])["compositeRequest"][0]["httpHeaders"] == headers


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


@pytest.mark.parametrize(
    ("text", "address", "method", "url", "key"),
    [
        (CONTACTS, None, "PATCH", "sobjects", "id"),
        (BY_EXTERNAL_ID, Address("Contact"), "PATCH", "sobjects", "id"),
        (BY_EXTERNAL_ID, None, "PATCH", "sobjects/Contact/CDP_Customer_Id__c?updateOnly=true", "CDP_Customer_Id__c"),
        (CREATING, None, "PATCH", "sobjects/Contact/CDP_Customer_Id__c?updateOnly=true", "CDP_Customer_Id__c"),
        (CREATING, Address("Lead", "Key__c"), "PATCH", "sobjects/Lead/Key__c?updateOnly=true", "Key__c"),
        (CREATING, Address("Lead", "", creates=True), "POST", "sobjects", None),
    ],
)
def test_a_record_is_found_by_its_key_or_its_id_and_never_created_by_an_update(
    text: str, address: Address | None, method: str, url: str, key: str | None
) -> None:
    first, second = records(2)
    first.address = second.address = address

    (subrequest,) = CompositeWriter(a_destination(text)).request([[first, second]])["compositeRequest"]

    assert (subrequest["method"], subrequest["url"]) == (method, f"/services/data/v66.0/composite/{url}")
    row = {"attributes": {"type": address.sobject if address else "Contact"}, "LastName": "name 0"}
    assert subrequest["body"]["records"][0] == row | ({key: "id0"} if key else {})


def test_nothing_is_all_or_none_and_subrequests_stay_as_they_are() -> None:
    writer = CompositeWriter(a_destination('duplicate_rules = "allow"\n' + CONTACTS))

    request = writer.request([records(1), records(1)])

    assert (request["allOrNone"], request["collateSubrequests"]) == (False, False)
    assert [part["body"]["allOrNone"] for part in request["compositeRequest"]] == [False, False]
    headers = {"Sforce-Auto-Assign": "FALSE", "Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert [part["httpHeaders"] for part in request["compositeRequest"]] == [headers, headers]


@pytest.mark.parametrize(
    ("errors", "read"),
    [
        ([{"errorCode": "OTHER_NAME"}], [RecordError("OTHER_NAME")]),
        ([{"statusCode": "FIRST", "errorCode": "SECOND"}], [RecordError("FIRST")]),
        ([{"message": None, "fields": None}], [RecordError("NO_REASON")]),
        ([{"statusCode": "CODE", "message": 5, "fields": ["A", 5]}], [RecordError("CODE", "5", ("A", "5"))]),
        ([{"statusCode": "CODE", "fields": "A"}], [RecordError("CODE")]),
        ([{"statusCode": "a b"}], [RecordError("UNREADABLE_CODE")]),
        ([{"statusCode": "A"}, "no error", {"statusCode": "B"}], [RecordError("A"), RecordError("B")]),
        ("no list", [RecordError("NO_REASON")]),
        (None, [RecordError("NO_REASON")]),
    ],
)
def test_an_error_is_read_as_far_as_it_can_be(errors: Any, read: list[RecordError]) -> None:
    (results,) = read_reply(reply([{"success": False, "errors": errors}]), [records(1)])

    assert results == [tuple(read)]


@pytest.mark.parametrize("success", [1, 0, "true", None])
def test_a_row_that_says_neither_yes_nor_no_is_unknown(success: object) -> None:
    (results,) = read_reply(reply([{"success": success, "errors": []}]), [records(1)])

    assert isinstance(results, OutcomeUnknownError)
    assert results.status == 200


@pytest.mark.parametrize(
    ("answer", "status"),
    [(None, None), ({"body": ok(1)}, None), ({"httpStatusCode": "200", "body": ok(1)}, None)],
)
def test_a_part_without_a_status_is_unknown(answer: Any, status: int | None) -> None:
    (results,) = read_reply({"compositeResponse": [answer]}, [records(1)])

    assert isinstance(results, OutcomeUnknownError)
    assert results.status == status


def test_an_answer_that_is_not_one_says_so_with_its_status() -> None:
    with pytest.raises(OutcomeUnknownError) as error:
        read_reply(None, [records(1)])

    assert error.value.status == 200


@pytest.mark.parametrize("status", [201, 207])
def test_another_success_than_200_says_nothing(status: int) -> None:
    (results,) = read_reply(reply(ok(1), status=status), [records(1)])

    assert isinstance(results, OutcomeUnknownError)
