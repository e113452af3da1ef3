"""What this org has not built it says so, in one answer on every path, and never as a refusal of Salesforce's."""

from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.org import OrgRequest, SimulatedOrg
from org_caller import ADMIN, CONTACT, Caller, a_contact, an_org
from pydantic_core import from_json

DATA = "/services/data/v66.0"
QUERY = "query?q=SELECT "
SOAP = "<e:Envelope><e:Header/><e:Body><q:{0} xmlns:q='urn:x'/></e:Body></e:Envelope>"


@pytest.mark.parametrize(
    ("method", "path", "body", "named"),
    [
        ("GET", "/home", None, "/home"),
        ("GET", "/services/apexrest/Own", None, "/services/apexrest/Own"),
        ("GET", "/services/async/66.0/job", None, "/services/async/66.0/job"),
        ("POST", "jobs/ingest", {}, "POST /services/data/v66.0/jobs/ingest"),
        ("GET", "jobs/query", None, "GET jobs/query"),
        ("POST", "jobs/query", {"operation": "query", "columnDelimiter": "TAB"}, "another columnDelimiter"),
        ("GET", "search?q=x", None, "search"),
        ("POST", "composite/graph", {}, "composite/graph"),
        ("POST", "composite/batch", {}, "composite/batch"),
        ("POST", "composite/tree/Contact", {}, "composite/tree/Contact"),
        ("GET", "sobjects/Contact/deleted", None, "sobjects/Contact/deleted"),
        ("GET", "sobjects/Contact/describe/layouts", None, "describe/layouts"),
        ("HEAD", "limits", None, "HEAD limits"),
        ("GET", "sobjects/Opportunity/describe", None, "sObject Opportunity"),
        ("POST", "sobjects/Event", {}, "sObject Event"),
        ("GET", "limits/recordCount?sObjects=Case", None, "sObject Case"),
        ("POST", "composite/sobjects", {"records": [{"attributes": {"type": "Case"}}]}, "sObject Case"),
        ("PATCH", "composite/sobjects/Order/Id", {"records": [{"attributes": {"type": "Order"}}]}, "sObject Order"),
        ("GET", f"{QUERY}Id FROM Opportunity", None, "sObject Opportunity"),
        ("GET", f"{QUERY}Department FROM User", None, "field User.Department"),
        ("GET", f"{QUERY}Id FROM User WHERE ManagerId = null", None, "field User.ManagerId"),
        ("GET", f"sobjects/User/{'005Ab0000000001IAA'}?fields=Title", None, "field User.Title"),
        ("PATCH", "sobjects/User/005Ab0000000001IAA", {"Department": "x"}, "field User.Department"),
        ("GET", f"{QUERY}FIELDS(ALL) FROM Contact", None, "clause FIELDS"),
        ("GET", f"{QUERY}Id, (SELECT Id FROM Cases) FROM Contact", None, "clause SELECT"),
        ("GET", f"{QUERY}Id FROM Contact WHERE Id IN (SELECT ContactId FROM Case)", None, "sObject Case"),
        ("GET", f"{QUERY}Id FROM Contact WHERE CreatedDate = LAST_N_DAYS:3", None, "clause LAST_N_DAYS"),
        ("GET", f"{QUERY}LeadSource FROM Contact GROUP BY LeadSource HAVING COUNT(Id) > 1", None, "clause HAVING"),
        ("GET", f"{QUERY}Id FROM Contact USING SCOPE mine", None, "clause USING SCOPE"),
        ("GET", f"{QUERY}c.Id FROM Contact c", None, "clause FROM CONTACT C"),
        ("GET", f"{QUERY}toLabel(LeadSource) FROM Contact", None, "clause TOLABEL"),
        ("GET", f"{QUERY}Id FROM Contact WHERE MailingAddress = 'x'", None, "condition on an address"),
        ("GET", "query?explain=x", None, "parameter explain"),
        ("GET", "sobjects/Contact/describe?relatedList=x", None, "parameter relatedList"),
        ("PATCH", "composite/sobjects", {"records": [], "more": 1}, "member more"),
        ("POST", "composite", {"compositeRequest": [], "graphs": []}, "member graphs"),
        ("GET", "tooling/query?q=SELECT Id FROM EntityDefinition", None, "sObject EntityDefinition"),
        ("POST", "tooling/sobjects/ApexClass", {}, "sObject ApexClass"),
        ("POST", "sobjects/CampaignMember", {"CampaignId": "701Ab0000000001IAA"}, "without a contact or a lead"),
    ],
)
def test_what_is_not_built_is_named(method: str, path: str, body: Any, named: str) -> None:
    org = an_org()
    org.insert("Campaign", "701Ab0000000001IAA", {"Name": "Autumn"})

    status, answer = Caller(org, ADMIN).send(method, path, body)

    assert (status, answer[0]["errorCode"]) == (501, "NOT_SIMULATED")
    assert named.lower() in answer[0]["message"].lower()


@pytest.mark.parametrize("header", ["If_Match", "If_Unmodified_Since", "Sforce_Unknown_Header"])
def test_so_is_a_header(caller: Caller, header: str) -> None:
    status, answer = caller.send("GET", f"sobjects/Contact/{CONTACT}", **{header.lower(): "x"})

    assert (status, answer[0]["errorCode"]) == (501, "NOT_SIMULATED")
    assert header.lower().replace("_", "-") in answer[0]["message"]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/services/oauth2/device", b"", "/services/oauth2/device"),
        ("/services/oauth2/token", b"grant_type=authorization_code", "authorization_code"),
        ("/services/oauth2/token", b"grant_type=password&format=xml", "xml"),
        ("/services/Soap/u/60.0", SOAP.format("describeGlobal").encode(), "describeGlobal"),
        ("/services/Soap/class/Own", b"", "/services/Soap/class/Own"),
    ],
)
def test_so_is_a_way_in(org: SimulatedOrg, path: str, body: bytes, named: str) -> None:
    reply = org.handle(OrgRequest("POST", path, {}, {"content-type": "text/xml", "soapaction": '""'}, body))

    answer = from_json(reply.body)
    assert (reply.status, answer[0]["errorCode"]) == (501, "NOT_SIMULATED")
    assert named in answer[0]["message"]


def test_a_subrequest_that_is_not_built_leaves_the_others_alone(caller: Caller) -> None:
    requests = [
        {"method": "GET", "url": f"{DATA}/sobjects/Case", "referenceId": "a"},
        {"method": "GET", "url": f"{DATA}/sobjects/Foo", "referenceId": "b"},
    ]

    _, body = caller.send("POST", "composite", {"compositeRequest": requests})

    assert [answer["httpStatusCode"] for answer in body["compositeResponse"]] == [501, 404]


def test_what_salesforce_refuses_is_still_refused(caller: Caller) -> None:
    assert caller.send("PUT", "limits")[0] == 405
    assert caller.send("GET", "sobjects/Nonsense/describe")[0] == 404
    assert caller.send("GET", f"{QUERY}Id FROM Nonsense")[1][0]["errorCode"] == "INVALID_TYPE"
    assert caller.send("GET", f"{QUERY}Id FROM ScratchOrgInfo")[1][0]["errorCode"] == "INVALID_TYPE"
    assert caller.send("GET", f"{QUERY}Department__c FROM User")[1][0]["errorCode"] == "INVALID_FIELD"
    assert caller.send("GET", f"{QUERY}Nope FROM Contact")[1][0]["errorCode"] == "INVALID_FIELD"
    assert (
        caller.send("GET", f"{QUERY}Id FROM Contact WHERE LastName = 'TODAY' AND")[1][0]["errorCode"]
        == "MALFORMED_QUERY"
    )


@pytest.mark.parametrize(
    ("version", "resource", "status"),
    [
        ("41.0", "composite/sobjects", 404),
        ("42.0", "composite/sobjects", 200),
        ("45.0", "composite/sobjects/Contact/Email", 404),
        ("46.0", "composite/sobjects/Contact/Email", 200),
        ("37.0", "composite", 404),
    ],
)
def test_a_resource_is_there_from_its_version_on(version: str, resource: str, status: int) -> None:
    caller = Caller(an_org(), version=version)
    method, id_ = ("POST", None) if resource == "composite" else ("PATCH", None if "Email" in resource else CONTACT)

    answer = caller.send(method, resource, {"records": [a_contact(id_, Email="a@example.com", LastName="x")]})

    assert answer[0] == status


@pytest.mark.parametrize(("version", "status"), [("42.0", 404), ("43.0", 200)])
def test_collections_are_in_a_composite_from_version_43_on(version: str, status: int) -> None:
    caller = Caller(an_org(), version=version)
    url = f"/services/data/v{version}/composite/sobjects"
    request = {"method": "PATCH", "url": url, "referenceId": "a", "body": {"records": [a_contact(Title="x")]}}

    _, body = caller.send("POST", "composite", {"compositeRequest": [request]})

    assert body["compositeResponse"][0]["httpStatusCode"] == status
