"""Query jobs of Bulk API 2.0, as its pages have them."""

from __future__ import annotations

import csv
import io

import pytest
from destination_testbench.org import OrgReply, SimulatedOrg
from org_caller import ADMIN, CONTACT, OTHER_CONTACT, Caller, a_contact

SELECT = "SELECT Id, CDP_Vip__c, CDP_Loyal__c, CDP_Event_Time__c, CDP_Loyal_Since__c, ReportsTo.LastName FROM Contact"


def a_job(caller: Caller, soql: str = "SELECT Id FROM Contact") -> str:
    status, told = caller.send("POST", "jobs/query", {"operation": "query", "query": soql})
    assert (status, told["state"], told["object"]) == (200, "UploadComplete", "Contact"), told
    return f"jobs/query/{told['id']}"


def finished(caller: Caller, soql: str = "SELECT Id FROM Contact") -> str:
    job = a_job(caller, soql)
    assert [caller.send("GET", job)[1]["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    return job


def rows_of(reply: OrgReply) -> list[list[str]]:
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/csv")
    return list(csv.reader(io.StringIO(reply.body.decode())))


def test_a_job_gives_its_rows_as_csv_and_every_call_counts(org: SimulatedOrg, caller: Caller) -> None:
    since = "2026-01-11T21:24:39Z"
    caller.update(
        a_contact(
            CDP_Vip__c=True, CDP_Loyal__c='re "al"', CDP_Event_Time__c=1_768_166_679_123, CDP_Loyal_Since__c=since
        ),
        a_contact(OTHER_CONTACT, CDP_Event_Time__c=12, ReportsToId=CONTACT, LastName="Boe"),
    )
    before = org.usage.used(org.now())

    job = finished(caller, f"{SELECT} WHERE Id IN ('{CONTACT}', '{OTHER_CONTACT}')")
    reply = caller.request("GET", f"{job}/results")
    deleted = caller.request("DELETE", job)

    header, first, second = rows_of(reply)
    assert header == [
        "Id",
        "CDP_Vip__c",
        "CDP_Loyal__c",
        "CDP_Event_Time__c",
        "CDP_Loyal_Since__c",
        "ReportsTo.LastName",
    ]
    assert first == [CONTACT, "true", 're "al"', "1.768166679123E12", "2026-01-11T21:24:39.000Z", ""]
    assert second[1:5] == ["false", "", "12.0", ""]
    assert second[5]
    assert (reply.headers["Sforce-NumberOfRecords"], reply.headers["Sforce-Locator"]) == ("2", "null")
    assert (deleted.status, caller.send("GET", job)[0]) == (204, 404)
    assert org.usage.used(org.now()) - before == 6


def test_rows_come_in_parts_each_under_the_names_of_the_columns(caller: Caller) -> None:
    job = finished(caller)

    first = caller.request("GET", f"{job}/results?maxRecords=2")
    locator = first.headers["Sforce-Locator"]
    second = caller.request("GET", f"{job}/results?maxRecords=2&locator={locator}")

    assert [len(rows_of(reply)) for reply in (first, second)] == [3, 2]
    assert rows_of(first)[0] == rows_of(second)[0] == ["Id"]
    assert (locator.isdigit(), second.headers["Sforce-Locator"]) == (False, "null")
    assert caller.send("GET", f"{job}/results?locator=nonsense")[0] == 400


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT CDP_Newsletter__c, COUNT(Id) FROM Contact GROUP BY CDP_Newsletter__c", "FEATURENOTENABLED"),
        ("SELECT COUNT() FROM Contact", "FEATURENOTENABLED"),
        ("SELECT MailingAddress FROM Contact", "FEATURENOTENABLED"),
        ("SELECT Id FROM Contact WHERE CDP_Loyal__c = 'realized'", "INVALID_FIELD"),
        ("SELECT Nothing__c FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
    ],
)
def test_what_a_job_cannot_ask_is_refused_when_it_is_made(caller: Caller, soql: str, code: str) -> None:
    status, body = caller.send("POST", "jobs/query", {"operation": "query", "query": soql})

    assert (status, body[0]["errorCode"]) == (400, code)


def test_a_job_that_is_not_done_has_no_rows_and_stays(org: SimulatedOrg, caller: Caller) -> None:
    job = a_job(caller)

    assert caller.send("GET", f"{job}/results")[0] == 404
    assert caller.send("DELETE", job)[0] == 400
    assert Caller(org, ADMIN).send("GET", job)[0] == 404
    assert Caller(org, version="46.0").send("POST", "jobs/query", {})[0] == 404


def test_rows_are_fetched_with_the_version_of_the_job(org: SimulatedOrg, caller: Caller) -> None:
    job = finished(caller)

    assert Caller(org, version="65.0").send("GET", f"{job}/results")[0] == 409


def test_a_status_is_counted_by_its_values_where_the_field_can_be_grouped(caller: Caller) -> None:
    caller.update(a_contact(CDP_Newsletter__c="realized"), a_contact(OTHER_CONTACT, CDP_Newsletter__c="Realized"))

    soql = "SELECT CDP_Newsletter__c, COUNT(Id) FROM Contact GROUP BY CDP_Newsletter__c"
    rows = caller.query(soql)
    refused = [
        caller.send("GET", f"query?q=SELECT {field} FROM Contact GROUP BY {field}")[0]
        for field in ("CDP_Loyal__c", "CDP_Loyal_Since__c", "CDP_Audiences__c")
    ]

    assert sorted((row["expr0"], row["CDP_Newsletter__c"]) for row in rows) == [(1, None), (2, "realized")]
    assert refused == [400, 400, 400]
