from __future__ import annotations

import pytest
from destination_testbench.org import SimulatedOrg, record_id
from org_caller import CONTACT, LEAD, OTHER_CONTACT, Caller, a_contact, an_org


@pytest.fixture(autouse=True)
def people(caller: Caller) -> None:
    caller.update(
        a_contact(
            FirstName="Ann", LastName="Abe", Email="ann@example.com", CDP_Event_Time__c=3, CDP_Audiences__c="VIP;Trial"
        ),
        a_contact(
            OTHER_CONTACT,
            FirstName="Bob",
            LastName="Boe",
            Email="bob@example.com",
            CDP_Event_Time__c=2,
        ),
        a_contact(
            record_id("003", 3),
            FirstName=None,
            LastName="O'Cy",
            Email=None,
            CDP_Event_Time__c=1,
            CDP_Vip__c=True,
            ReportsToId=CONTACT,
        ),
    )


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (f"Id = '{CONTACT}'", ["Abe"]),
        (f"Id = '{CONTACT[:15]}'", ["Abe"]),
        (f"Id IN ('{CONTACT}', '{OTHER_CONTACT}')", ["Abe", "Boe"]),
        (f"Id NOT IN ('{CONTACT}')", ["Boe", "O'Cy"]),
        ("Email = 'ANN@example.com'", ["Abe"]),
        ("Email IN ('bob@example.com', 'nobody@example.com')", ["Boe"]),
        ("Email = null", ["O'Cy"]),
        ("Email != null AND CDP_Event_Time__c < 3", ["Boe"]),
        ("LastName LIKE 'a%' OR LastName = 'O\\'Cy'", ["Abe", "O'Cy"]),
        ("NOT LastName LIKE '_oe'", ["Abe", "O'Cy"]),
        ("(LastName = 'abe' OR LastName = 'boe') AND CDP_Event_Time__c >= 3", ["Abe"]),
        ("CDP_Vip__c = true", ["O'Cy"]),
        ("CDP_Audiences__c INCLUDES ('VIP')", ["Abe"]),
        ("Name = 'Bob Boe'", ["Boe"]),
        ("CreatedDate > 2020-01-01T00:00:00Z", ["Abe", "Boe", "O'Cy"]),
        ("Birthdate < 2020-01-01", []),
        ("Id IN (SELECT ReportsToId FROM Contact WHERE CDP_Vip__c = true)", ["Abe"]),
        ("Id NOT IN (SELECT ReportsToId FROM Contact)", ["Boe", "O'Cy"]),
        ("CDP_Vip__c = true OR Id IN (SELECT ReportsToId FROM Contact WHERE LastName = 'nobody')", ["O'Cy"]),
    ],
)
def test_a_condition_finds_its_records(caller: Caller, condition: str, names: list[str]) -> None:
    rows = caller.query(f"SELECT LastName FROM Contact WHERE {condition} ORDER BY LastName")

    assert [row["LastName"] for row in rows] == names


def test_order_limit_and_offset(caller: Caller) -> None:
    rows = caller.query("select Id, LastName from contact order by CDP_Event_Time__c desc nulls last limit 1 offset 1")

    assert rows == [{"Id": OTHER_CONTACT, "LastName": "Boe"}]


def test_a_field_of_the_parent_comes_as_an_object(caller: Caller) -> None:
    caller.update(a_contact(ReportsToId=OTHER_CONTACT))

    status, body = caller.send(
        "GET", "query?q=SELECT Id, ReportsTo.LastName, ReportsTo.Id FROM Contact ORDER BY LastName"
    )

    assert status == 200
    assert body["records"][0]["ReportsTo"] == {
        "attributes": {"type": "Contact", "url": f"/services/data/v66.0/sobjects/Contact/{OTHER_CONTACT}"},
        "LastName": "Boe",
        "Id": OTHER_CONTACT,
    }
    assert body["records"][1]["ReportsTo"] is None


def test_compound_fields_are_put_together(caller: Caller) -> None:
    caller.update(a_contact(MailingCity="Oslo", MailingStreet="Storgata 1"))

    (row,) = caller.query(f"SELECT Name, MailingAddress, OtherAddress FROM Contact WHERE Id = '{CONTACT}'")

    assert row["Name"] == "Ann Abe"
    assert (row["MailingAddress"]["city"], row["MailingAddress"]["street"]) == ("Oslo", "Storgata 1")
    assert row["OtherAddress"] is None


def test_deleted_and_merged_records_are_for_query_all(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.merge("Contact", CONTACT, [OTHER_CONTACT])
    soql = f"SELECT Id, MasterRecordId, IsDeleted FROM Contact WHERE Id = '{OTHER_CONTACT}'"

    assert caller.query(soql) == []
    assert caller.query(soql, "queryAll") == [{"Id": OTHER_CONTACT, "MasterRecordId": CONTACT, "IsDeleted": True}]


def test_large_results_come_page_by_page() -> None:
    caller = Caller(an_org(contacts=7, query_page=3))

    _, page = caller.send("GET", "query?q=SELECT Id FROM Contact")
    sizes = [len(page["records"])]
    while not page["done"]:
        _, page = caller.send("GET", page["nextRecordsUrl"])
        sizes.append(len(page["records"]))

    assert (sizes, page["totalSize"]) == ([3, 3, 1], 7)
    assert caller.send("GET", "query/01gNONSENSE-5")[0] == 400


@pytest.mark.parametrize(
    ("soql", "code", "part"),
    [
        ("SELECT Nope FROM Contact", "INVALID_FIELD", "No such column 'Nope' on entity 'Contact'"),
        ("SELECT Id FROM Contact WHERE Nope = 1", "INVALID_FIELD", "ERROR at Row:1:Column:30"),
        ("SELECT Boss.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Boss'"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered in a query call"),
        ("SELECT Id FROM Contact WHERE CDP_Loyal__c = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Contact WHERE Id = '003x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: 003x"),
        ("SELECT Id FROM Contact WHERE Birthdate = 'x'", "INVALID_FIELD", "must be of type date"),
        ("SELECT Id Contact", "MALFORMED_QUERY", "unexpected token: 'Contact'"),
        ("SELECT Id FROM Contact LIMIT", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Contact WHERE A = 1 AND B = 2 OR C = 3", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Contact WHERE Id = #", "MALFORMED_QUERY", "unexpected token: '#'"),
        ("SELECT Id FROM Contact WHERE Id = yes", "MALFORMED_QUERY", "unexpected token: 'yes'"),
        ("", "MALFORMED_QUERY", "empty"),
    ],
)
def test_a_query_that_cannot_be_answered_says_where(caller: Caller, soql: str, code: str, part: str) -> None:
    status, body = caller.send("GET", "query", query=soql) if not soql else caller.send("GET", "query?q=" + soql)

    assert (status, body[0]["errorCode"]) == (400, code)
    assert part in body[0]["message"]


def test_a_row_shows_the_fields_asked_for(caller: Caller) -> None:
    status, row = caller.send("GET", f"sobjects/Lead/{LEAD}?fields=Company,Email")

    assert status == 200
    assert row.keys() == {"attributes", "Company", "Email"}
    assert caller.send("GET", f"sobjects/Lead/{LEAD}?fields=Nope")[0] == 400


def test_a_row_can_be_found_by_its_external_id(caller: Caller) -> None:
    status, row = caller.send("GET", "sobjects/Contact/Email/ann%40example.com")

    assert (status, row["Id"]) == (200, CONTACT)
    assert caller.send("GET", "sobjects/Contact/Email/nobody@example.com")[0] == 404


def test_a_single_upsert_creates_updates_and_obeys_update_only(caller: Caller) -> None:
    path = "sobjects/Contact/CDP_Customer_Id__c/c-7"

    missed = caller.send("PATCH", f"{path}?updateOnly=true", {"LastName": "X"})
    created = caller.send("PATCH", path, {"LastName": "X"})
    updated = caller.send("PATCH", path, {"LastName": "Y"})
    repeated = caller.send("PATCH", path, {"LastName": "Y", "CDP_Customer_Id__c": "c-7"})

    made = record_id("003", 500_001)
    assert missed[0] == 404
    assert created == (201, {"id": made, "success": True, "errors": [], "created": True})
    assert updated == (200, {"id": made, "success": True, "errors": [], "created": False})
    assert repeated[0] == 400


def test_a_row_that_is_not_there_is_not_found(caller: Caller) -> None:
    assert caller.send("GET", f"sobjects/Contact/{record_id('003', 88)}")[0] == 404
    assert caller.send("DELETE", f"sobjects/Contact/{record_id('003', 88)}")[0] == 404
    assert (
        caller.send("PATCH", f"sobjects/Contact/{record_id('003', 88)}", {})[1][0]["errorCode"]
        == "INVALID_CROSS_REFERENCE_KEY"
    )
    assert caller.send("GET", "sobjects/Contact/xyz")[1][0]["errorCode"] == "MALFORMED_ID"


def test_aggregates_are_of_all_or_of_each_group(caller: Caller) -> None:
    caller.update(a_contact(LeadSource="Web"), a_contact(OTHER_CONTACT, LeadSource="Web"))

    counted = caller.send("GET", "query?q=SELECT COUNT(Id), COUNT(Email) mails, MAX(CDP_Event_Time__c) FROM Contact")[1]
    grouped = caller.query(
        "SELECT LeadSource, COUNT(Id) n, SUM(CDP_Event_Time__c), AVG(CDP_Event_Time__c), MIN(LastName)"
        " FROM Contact GROUP BY LeadSource ORDER BY LeadSource"
    )

    assert counted["records"] == [{"attributes": {"type": "AggregateResult"}, "expr0": 3, "mails": 2, "expr1": 3.0}]
    assert [row["n"] for row in grouped] == [1, 2]
    assert [row["expr0"] for row in grouped] == [1.0, 5.0]
    assert [row["expr1"] for row in grouped] == [1.0, 2.5]
    assert caller.query("SELECT COUNT_DISTINCT(LeadSource) FROM Contact WHERE LastName = 'nobody'") == [{"expr0": 0}]


@pytest.mark.parametrize(
    ("soql", "part"),
    [
        ("SELECT LastName, COUNT(Id) FROM Contact", "Field must be grouped or aggregated: LastName"),
        ("SELECT CDP_Event_Time__c FROM Contact GROUP BY CDP_Event_Time__c", "can not be grouped"),
        ("SELECT COUNT(Description) FROM Contact", "does not support aggregate operator COUNT"),
    ],
)
def test_what_cannot_be_grouped_is_refused(caller: Caller, soql: str, part: str) -> None:
    status, body = caller.send("GET", f"query?q={soql}")

    assert (status, body[0]["errorCode"]) == (400, "MALFORMED_QUERY")
    assert part in body[0]["message"]


def test_records_are_found_and_sorted_by_fields_behind_their_references(caller: Caller) -> None:
    caller.update(a_contact(ReportsToId=OTHER_CONTACT))

    rows = caller.query("SELECT ReportsTo.Owner.Username FROM Contact WHERE ReportsTo.LastName = 'boe'")
    sorted_rows = caller.query("SELECT Id FROM Contact ORDER BY ReportsTo.LastName DESC")

    assert [row["ReportsTo"]["Owner"]["Username"] for row in rows] == ["integration@example.com"]
    assert sorted_rows[0]["Id"] == CONTACT


def test_the_columns_of_a_query_can_be_asked_for(caller: Caller) -> None:
    status, body = caller.send("GET", "query?q=SELECT Id, CDP_Vip__c, ReportsTo.LastName FROM Contact&columns=true")

    assert (status, body["entityName"], body["keyPrefix"], body["idSelected"]) == (200, "Contact", "003", True)
    assert [column["columnName"] for column in body["columnMetadata"]] == ["Id", "CDP_Vip__c", "ReportsTo"]
    assert [column["booleanType"] for column in body["columnMetadata"]][:2] == [False, True]
    assert body["columnMetadata"][2]["joinColumns"][0]["columnName"] == "LastName"


def test_a_page_may_be_asked_to_be_smaller_but_not_too_small() -> None:
    caller = Caller(an_org(contacts=250))

    answers = [
        caller.send("GET", "query?q=SELECT Id FROM Contact", sforce_query_options=f"batchSize={size}")[1]
        for size in (1, 230)
    ]

    assert [len(answer["records"]) for answer in answers] == [200, 230]


def test_a_merged_record_may_be_hidden_from_query_all(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.set_fact("query_all_shows_merged", False)
    org.admin.merge("Contact", CONTACT, [OTHER_CONTACT])

    assert caller.query(f"SELECT Id FROM Contact WHERE Id = '{OTHER_CONTACT}'", "queryAll") == []


def test_a_row_can_be_deleted_by_its_external_id(org: SimulatedOrg, caller: Caller) -> None:
    assert caller.send("DELETE", "sobjects/Contact/Email/ann@example.com")[0] == 204
    assert org.records("Contact").records[CONTACT].deleted
    assert caller.send("DELETE", "sobjects/Contact/Email/ann@example.com")[0] == 404
    caller.update(a_contact(record_id("003", 3), Email="bob@example.com"))
    assert caller.send("DELETE", "sobjects/Contact/Email/bob@example.com")[0] == 300
