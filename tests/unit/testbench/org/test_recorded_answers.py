"""
What real orgs answered, or Salesforce's documentation says they do, as literals.

Ids differ from org to org: where an answer holds one, it is the id of the record that this org made.
"""

from __future__ import annotations

from typing import Any

from destination_testbench.org import DuplicateRule, SimulatedOrg, record_id
from org_caller import CONTACT, OTHER_CONTACT, Caller, a_contact, an_org

ROLLED_BACK = {
    "success": False,
    "errors": [
        {
            "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "message": "Record rolled back because not all records were valid"
            " and the request was using AllOrNone header",
            "fields": [],
        }
    ],
}


def an_account(**values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, **values}


def test_an_upsert_by_email_tells_what_it_created(caller: Caller) -> None:
    caller.update(a_contact(Email="Michael.Bluth@example.com"))

    body = {
        "allOrNone": False,
        "records": [
            {
                "FirstName": "Nichael",
                "LastName": "Bluth",
                "Email": "Michael.Bluth@example.com",
                "attributes": {"type": "Contact"},
            },
            {
                "FirstName": "Annyong",
                "LastName": "Bluth",
                "Email": "annyong.bluth@example.com",
                "attributes": {"type": "Contact"},
            },
        ],
    }
    reply = caller.request("PATCH", "composite/sobjects/Contact/Email", body)

    made = record_id("003", 500_001)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert reply.body.decode() == (
        f'[{{"id":"{CONTACT}","success":true,"errors":[],"created":false}},'
        f'{{"id":"{made}","success":true,"errors":[],"created":true}}]'
    )


def test_a_create_has_no_created_flag(caller: Caller) -> None:
    answer = caller.send(
        "POST", "composite/sobjects", {"allOrNone": False, "records": [an_account(Name="Sitwell-Bluth")]}
    )

    assert answer == (200, [{"id": record_id("001", 500_001), "success": True, "errors": []}])


def test_an_upsert_by_a_null_id_creates(caller: Caller) -> None:
    record = an_account(Name="Sitwell-Bluth", AccountNumber="420", Id=None)

    answer = caller.send("PATCH", "composite/sobjects/Account/Id", {"allOrNone": False, "records": [record]})

    assert answer == (200, [{"id": record_id("001", 500_001), "success": True, "errors": [], "created": True}])


def test_a_single_create_answers_201(caller: Caller) -> None:
    reply = caller.request("POST", "sobjects/Account/", {"Name": "xyzzy", "AccountNumber": "420"})

    made = record_id("001", 500_001)
    assert reply.status == 201
    assert reply.body.decode() == f'{{"id":"{made}","success":true,"errors":[]}}'
    assert reply.headers["Location"] == f"/services/data/v66.0/sobjects/Account/{made}"


def test_records_are_counted(caller: Caller) -> None:
    answer = caller.send("GET", "limits/recordCount?sObjects=Contact")

    assert answer == (200, {"sObjects": [{"count": 3, "name": "Contact"}]})


def test_a_failed_subrequest_leaves_the_composite_200(caller: Caller) -> None:
    request = {"referenceId": "CCI__RefId__0__", "method": "GET", "url": "/services/data/v66.0/sobjects/Foo"}

    reply = caller.request("POST", "composite", {"compositeRequest": [request]})

    assert reply.status == 200
    assert reply.body.decode() == (
        '{"compositeResponse":[{"body":[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}],'
        '"httpHeaders":{},"httpStatusCode":404,"referenceId":"CCI__RefId__0__"}]}'
    )


def test_what_has_not_changed_since_is_304_without_a_body(caller: Caller) -> None:
    since = {"If-Modified-Since": "Fri, 15 Jan 2027 08:00:00 GMT"}
    request = {"method": "GET", "url": "/services/data/v66.0/sobjects", "referenceId": "a", "httpHeaders": since}

    _, body = caller.send("POST", "composite", {"compositeRequest": [request]})

    (answer,) = body["compositeResponse"]
    assert (answer["body"], answer["httpStatusCode"]) == (None, 304)
    assert answer["httpHeaders"].keys() == {"ETag", "Last-Modified"}
    assert answer["httpHeaders"]["Last-Modified"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    caller.org.admin.remove_field("Contact", "CDP_Trial__c")
    caller.org.sleep(1)
    assert caller.send("POST", "composite", {"compositeRequest": [request]})[1]["compositeResponse"][0]["body"]


def test_two_queries_come_back_under_their_reference_ids(caller: Caller) -> None:
    base = "/services/data/v66.0/query?q="
    requests = [
        {"referenceId": "one", "method": "GET", "url": f"{base}SELECT Id FROM Account LIMIT 1"},
        {"referenceId": "two", "method": "GET", "url": f"{base}SELECT Name FROM Account LIMIT 1"},
    ]

    _, body = caller.send("POST", "composite", {"compositeRequest": requests})

    empty = {"totalSize": 0, "done": True, "records": []}
    assert body == {
        "compositeResponse": [
            {"body": empty, "httpHeaders": {}, "httpStatusCode": 200, "referenceId": name} for name in ("one", "two")
        ]
    }


def test_a_query_of_an_unknown_sobject_points_at_it(caller: Caller) -> None:
    status, body = caller.send("GET", "query/?q=select count() from XYZZY")

    message = (
        "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\nsObject type 'XYZZY' is not"
        " supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name."
        " Please reference your WSDL or the describe call for the appropriate names."
    )
    assert (status, body) == (400, [{"message": message, "errorCode": "INVALID_TYPE"}])


def test_a_count_has_no_records(caller: Caller) -> None:
    answer = caller.send("GET", "query/?q=select count() from Contact")

    assert answer == (200, {"totalSize": 3, "done": True, "records": []})


def test_no_records_are_refused_as_a_whole(caller: Caller) -> None:
    expected = [{"message": "At least 1 record is required", "errorCode": "REQUIRED_FIELD_MISSING"}]

    assert caller.send("POST", "composite/sobjects", {"records": []}) == (400, expected)
    assert caller.send("PATCH", "composite/sobjects", {"allOrNone": True}) == (400, expected)


def test_one_failure_takes_all_back_where_that_was_asked_for(caller: Caller) -> None:
    records = [a_contact(None, FirstName="No last name"), a_contact(None, LastName="Fine")]

    answer = caller.send("POST", "composite/sobjects", {"allOrNone": True, "records": records})

    missing = {
        "statusCode": "REQUIRED_FIELD_MISSING",
        "message": "Required fields are missing: [LastName]",
        "fields": ["LastName"],
    }
    assert answer == (200, [{"success": False, "errors": [missing]}, ROLLED_BACK])


def test_an_unknown_field_concerns_its_record_alone(caller: Caller) -> None:
    results = caller.update(
        a_contact(LastName="Fine"), a_contact(OTHER_CONTACT, unknownField_LastName="x"), all_or_none=True
    )

    unknown = {
        "statusCode": "INVALID_FIELD",
        "message": "No such column 'unknownField_LastName' on sobject of type Contact",
        "fields": [],
    }
    assert results == [ROLLED_BACK, {"success": False, "errors": [unknown]}]


def test_a_single_update_of_a_read_only_field_names_it(caller: Caller) -> None:
    caller.send("POST", "sobjects/Account", {"Name": "A"})

    status, body = caller.send("PATCH", f"sobjects/Account/{record_id('001', 500_001)}", {"MasterRecordId": None})

    message = (
        "Unable to create/update fields: MasterRecordId. Please check the security settings of this field and verify"
        " that it is read/write for your profile or permission set."
    )
    error = {"message": message, "errorCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "fields": ["MasterRecordId"]}
    assert (status, body) == (400, [error])


def test_a_deleted_row_is_404_with_empty_fields(caller: Caller) -> None:
    assert caller.send("DELETE", f"sobjects/Contact/{CONTACT}") == (204, None)

    gone = [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]
    for method, body in (("DELETE", None), ("GET", None), ("PATCH", {"LastName": "X"})):
        assert caller.send(method, f"sobjects/Contact/{CONTACT}", body) == (404, gone)


def test_an_unknown_field_of_a_single_row_has_no_fields_key(caller: Caller) -> None:
    answer = caller.send("POST", "sobjects/Account", {"AccountNumer": "420"})

    error = {"message": "No such column 'AccountNumer' on sobject of type Account", "errorCode": "INVALID_FIELD"}
    assert answer == (400, [error])


def test_an_upsert_by_a_field_that_is_no_external_id_is_not_found(caller: Caller) -> None:
    expected = [
        {"message": "Provided external ID field does not exist or is not accessible: Namez", "errorCode": "NOT_FOUND"}
    ]

    assert caller.send("PATCH", "sobjects/Contact/Namez/x", {}) == (404, expected)
    assert caller.send("PATCH", "composite/sobjects/Contact/Namez", {"records": [a_contact(None)]}) == (404, expected)


def test_several_matches_of_a_single_upsert_are_300_and_their_paths(caller: Caller) -> None:
    caller.update(a_contact(Email="twin@example.com"), a_contact(OTHER_CONTACT, Email="Twin@example.com"))

    answer = caller.send("PATCH", "sobjects/Contact/Email/twin@example.com", {"LastName": "X"})

    paths = [f"/services/data/v66.0/sobjects/Contact/{id_}" for id_ in (CONTACT, OTHER_CONTACT)]
    assert answer == (300, paths)


def test_only_patch_is_allowed_on_a_collections_upsert(caller: Caller) -> None:
    answer = caller.send("GET", "composite/sobjects/Contact/CDP_Customer_Id__c")

    error = {"errorCode": "METHOD_NOT_ALLOWED", "message": "HTTP Method 'GET' not allowed. Allowed are PATCH"}
    assert answer == (405, [error])


def test_a_bad_time_in_a_single_row_is_a_parser_error(caller: Caller) -> None:
    status, body = caller.send("PATCH", f"sobjects/Contact/{CONTACT}", {"CDP_Loyal_Since__c": "2017-10-17 00:00:00"})

    assert status == 400
    assert body[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert body[0]["message"].startswith(
        "Cannot deserialize instance of datetime from VALUE_STRING value 2017-10-17 00:00:00"
        " or request may be missing a required field at [line:1, column:"
    )
    assert "fields" not in body[0]


def test_an_array_for_a_multi_select_picklist_is_a_parser_error(caller: Caller) -> None:
    status, body = caller.send("PATCH", f"sobjects/Contact/{CONTACT}", {"CDP_Audiences__c": ["Loyal"]})

    assert status == 400
    assert body[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert body[0]["message"].startswith("Cannot deserialize instance of multipicklist from START_ARRAY value [line:1,")


def test_an_array_for_a_row_is_no_field(caller: Caller) -> None:
    status, body = caller.send("PATCH", f"sobjects/Contact/{CONTACT}", [{"LastName": "X"}])

    assert (status, body[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert body[0]["message"].startswith("Json Deserialization failed on token 'null' and has left off")


def test_a_delete_names_a_malformed_id(caller: Caller) -> None:
    status, results = caller.send("DELETE", f"composite/sobjects?ids={CONTACT},001RM000003oLrB000&allOrNone=false")

    error = {"statusCode": "MALFORMED_ID", "message": "malformed id 001RM000003oLrB000", "fields": []}
    good = {"id": CONTACT, "success": True, "errors": []}
    assert (status, results) == (200, [good, {"success": False, "errors": [error]}])


def test_a_row_that_nobody_can_see_is_null_among_the_others(caller: Caller) -> None:
    body = {"ids": [CONTACT, record_id("003", 77)], "fields": ["LastName"]}

    _, rows = caller.send("POST", "composite/sobjects/Contact", body)
    _, same = caller.send("GET", f"composite/sobjects/Contact?ids={CONTACT},{record_id('003', 77)}&fields=LastName")

    url = f"/services/data/v66.0/sobjects/Contact/{CONTACT}"
    last_name = rows[0]["LastName"]
    assert rows == [{"attributes": {"type": "Contact", "url": url}, "Id": CONTACT, "LastName": last_name}, None]
    assert same == rows


def test_an_outer_all_or_none_takes_back_what_an_inner_collection_calls_a_success(
    org: SimulatedOrg, caller: Caller
) -> None:
    org.admin.add_duplicate_rule(DuplicateRule("Contact", "Same_name", ("LastName",), blocks=True))
    twin = org.records("Contact").records[OTHER_CONTACT].get("LastName")
    base = "/services/data/v66.0"
    collection = {"allOrNone": False, "records": [a_contact(None, LastName="New"), a_contact(None, LastName=twin)]}
    requests = [
        {"method": "POST", "url": f"{base}/composite/sobjects", "referenceId": "collection1", "body": collection},
        {
            "method": "POST",
            "url": f"{base}/sobjects/Contact",
            "referenceId": "newContact",
            "body": {"LastName": "Other"},
        },
    ]

    _, body = caller.send("POST", "composite", {"allOrNone": True, "compositeRequest": requests})

    duplicate = {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
    text = "The transaction was rolled back since another operation in the same transaction failed."
    first, second = body["compositeResponse"]
    assert first["httpStatusCode"] == 200
    assert [row["success"] for row in first["body"]] == [True, False]
    assert first["body"][1]["errors"] == [duplicate]
    assert second["body"] == [{"errorCode": "PROCESSING_HALTED", "message": text}]
    assert second["httpStatusCode"] == 400
    assert len(org.records("Contact")) == 3


def test_versions_are_listed_for_everyone() -> None:
    org = an_org()
    stranger = Caller(org)
    stranger.token = "none"

    status, body = stranger.send("GET", "/services/data/")

    assert status == 200
    assert body[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
    labels = {entry["version"]: entry["label"] for entry in body}
    assert labels["36.0"] == "Spring '16"
    assert labels["66.0"] == "Spring '26"
    assert labels["68.0"] == "Winter '27"


def test_limits_tell_what_is_left_of_the_day(caller: Caller) -> None:
    caller.send("GET", "sobjects")

    _, body = caller.send("GET", "limits")

    assert body["DailyApiRequests"] == {"Max": 100_000, "Remaining": 99_999}
    assert body["DailyBulkApiBatches"] == {"Max": 15_000, "Remaining": 15_000}


def test_a_second_assignment_of_a_permission_set_names_both() -> None:
    admin = Caller(an_org(), "admin@example.com")
    _, made = admin.send("POST", "sobjects/PermissionSet", {"Name": "CDP", "Label": "CDP"})
    assignment = {"AssigneeId": record_id("005", 1), "PermissionSetId": made["id"]}
    admin.send("POST", "sobjects/PermissionSetAssignment", assignment)

    answer = admin.send("POST", "sobjects/PermissionSetAssignment", assignment)

    names = f"Assignee: {record_id('005', 1)[:15]}; Permission Set: {made['id'][:15]}"
    error = {
        "message": f"Duplicate PermissionSetAssignment.  {names}",
        "errorCode": "DUPLICATE_VALUE",
        "fields": ["AssigneeId", "PermissionSetId"],
    }
    assert answer == (400, [error])


def test_a_locked_single_row_has_empty_fields(org: SimulatedOrg, caller: Caller) -> None:
    org.faults.lock([CONTACT], tries=1)

    answer = caller.send("PATCH", f"sobjects/Contact/{CONTACT}", {"LastName": "X"})

    text = f"unable to obtain exclusive access to this record or 1 records: {CONTACT}"
    assert answer == (400, [{"message": text, "errorCode": "UNABLE_TO_LOCK_ROW", "fields": []}])
