"""The org held to a public client, over real HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from destination_testbench.org import OrgServer, SimulatedOrg, record_id
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

CONTACT = record_id("003", 1)
APP = {"consumer_key": "local-client-id", "consumer_secret": "local-client-secret"}
PASSWORD = {"username": "integration@example.com", "password": "local-password"}


class ToServer(HTTPAdapter):
    """
    Sends what is meant for a Salesforce host to a server on this machine, over plain HTTP.

    The client speaks https to <domain>.salesforce.com and to the host of the instance URL, and to nothing else. The
    Host header stays Salesforce's, so that the org sees which host was meant.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = urlsplit(url)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        meant = urlsplit(request.url or "")
        request.headers["Host"] = meant.netloc
        request.url = meant._replace(scheme=self._url.scheme, netloc=self._url.netloc).geturl()
        return super().send(request, *args, **options)


@pytest.fixture
def session(server: OrgServer) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", ToServer(server.url))
    return session


@pytest.fixture
def salesforce(session: requests.Session) -> Salesforce:
    return Salesforce(domain="acme.my", session=session, version="66.0", **APP)


def test_it_logs_in_by_client_credentials(salesforce: Salesforce) -> None:
    assert salesforce.sf_instance == "acme.my.salesforce.com"
    assert salesforce.limits()["DailyApiRequests"]["Max"] == 100_000
    assert salesforce.api_usage["api-usage"] == (1, 100_000)


@pytest.mark.parametrize(
    "how",
    [
        {**PASSWORD, **APP, "password": "local-passwordlocal-security-token"},
        {**PASSWORD, "security_token": "local-security-token", "version": "59.0"},
    ],
)
def test_it_logs_in_by_password(session: requests.Session, how: Mapping[str, str]) -> None:
    salesforce = Salesforce(session=session, **how)

    assert salesforce.Contact.get(CONTACT)["Id"] == CONTACT


def test_it_logs_in_by_a_signed_assertion(org: SimulatedOrg, session: requests.Session) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public, private = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()).decode()
    org.oauth.apps["local-client-id"].public_key = (
        key.public_key().public_bytes(serialization.Encoding.PEM, public).decode()
    )

    login = {"username": PASSWORD["username"], "consumer_key": APP["consumer_key"], "privatekey": pem}
    salesforce = Salesforce(session=session, **login)

    assert salesforce.Contact.get(CONTACT)["Id"] == CONTACT


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({**APP, "domain": "acme.my", "consumer_secret": "x"}, "invalid client credentials"),
        ({**APP, "domain": "acme.my", "consumer_key": "x"}, "client identifier invalid"),
        ({**PASSWORD, **APP}, "authentication failure"),
        ({**PASSWORD, "security_token": "x", "version": "59.0"}, "Invalid username, password, security token"),
    ],
)
def test_it_understands_why_a_log_in_fails(session: requests.Session, how: Mapping[str, str], message: str) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match=message):
        Salesforce(session=session, **how)


def test_it_describes(salesforce: Salesforce) -> None:
    fields = {field["name"]: field for field in salesforce.Contact.describe()["fields"]}

    assert fields["Email"]["idLookup"]
    assert fields["CDP_Customer_Id__c"]["externalId"]
    assert {"Contact", "Lead"} <= {sobject["name"] for sobject in salesforce.describe()["sobjects"]}


def test_it_creates_reads_updates_upserts_and_deletes(salesforce: Salesforce) -> None:
    made = salesforce.Contact.create({"LastName": "Okafor", "Email": "new@example.com"})
    assert made["success"]

    assert salesforce.Contact.update(made["id"], {"Title": "Boss"}) == 204
    assert salesforce.Contact.get(made["id"])["Title"] == "Boss"
    assert salesforce.Contact.upsert("CDP_Customer_Id__c/c-1", {"LastName": "Upserted"}) == 201
    assert salesforce.Contact.upsert("CDP_Customer_Id__c/c-1", {"LastName": "Again"}) == 200
    assert salesforce.Contact.get_by_custom_id("CDP_Customer_Id__c", "c-1")["LastName"] == "Again"
    assert salesforce.Contact.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Contact.get(made["id"])


def test_it_queries_page_by_page(salesforce: Salesforce, org: SimulatedOrg) -> None:
    org.config.query_page = 300

    found = salesforce.query_all("SELECT Id, LastName FROM Contact WHERE LastName LIKE '%'")

    assert found["totalSize"] == len(found["records"]) == 1000
    assert salesforce.query(f"SELECT Id FROM Contact WHERE Id IN ('{CONTACT}')")["records"][0]["Id"] == CONTACT


def test_it_runs_a_composite_request(salesforce: Salesforce, org: SimulatedOrg) -> None:
    record = {"attributes": {"type": "Contact"}, "id": CONTACT, "LastName": "Composite"}
    request = {
        "method": "PATCH",
        "url": "/services/data/v66.0/composite/sobjects",
        "referenceId": "b1",
        "body": {"records": [record]},
    }

    answer = salesforce.restful("composite", method="POST", json={"compositeRequest": [request]})

    assert answer["compositeResponse"] == [
        {
            "body": [{"id": CONTACT, "success": True, "errors": []}],
            "httpHeaders": {},
            "httpStatusCode": 200,
            "referenceId": "b1",
        }
    ]
    assert org.records("Contact").records[CONTACT].get("LastName") == "Composite"


def test_it_understands_the_errors(salesforce: Salesforce, org: SimulatedOrg) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refusal:
        salesforce.Contact.update(CONTACT, {"LastName": "x" * 81})
    assert refusal.value.content[0]["errorCode"] == "STRING_TOO_LONG"

    for number in (1, 2):
        salesforce.Contact.update(record_id("003", number), {"Email": "twin@example.com"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        salesforce.Contact.upsert("Email/twin@example.com", {"Title": "x"})

    org.admin.revoke_tokens()
    direct = Salesforce(instance=salesforce.sf_instance, session_id="gone", session=salesforce.session)
    with pytest.raises((SalesforceExpiredSession, RuntimeError)):
        direct.Contact.get(CONTACT)


def test_it_logs_in_again_when_its_session_is_gone(salesforce: Salesforce, org: SimulatedOrg) -> None:
    org.admin.revoke_tokens()

    assert salesforce.Contact.get(CONTACT)["Id"] == CONTACT
    assert org.sessions.issued == 2


def test_it_updates_only_what_is_there_and_deletes_by_a_key(salesforce: Salesforce, org: SimulatedOrg) -> None:
    path = "composite/sobjects/Contact/CDP_Customer_Id__c"
    record = {"attributes": {"type": "Contact"}, "CDP_Customer_Id__c": "c-9", "LastName": "Nine"}

    missed = salesforce.restful(path, {"updateOnly": "true"}, method="PATCH", json={"records": [record]})
    made = salesforce.restful(path, method="PATCH", json={"records": [record]})

    assert missed[0]["errors"][0]["statusCode"] == "NOT_FOUND"
    assert made[0]["created"] is True
    assert salesforce.Contact.delete("CDP_Customer_Id__c/c-9") == 204
    assert org.records("Contact").records[made[0]["id"]].deleted


def test_it_reads_several_records_and_counts_groups(salesforce: Salesforce) -> None:
    wanted = {"ids": [CONTACT, record_id("003", 9999)], "fields": ["Id"]}

    read = salesforce.restful("composite/sobjects/Contact", method="POST", json=wanted)
    counted = salesforce.query("SELECT LeadSource, COUNT(Id) people FROM Contact GROUP BY LeadSource")

    assert [row and row["Id"] for row in read] == [CONTACT, None]
    assert [row["people"] for row in counted["records"]] == [1000]


def test_it_shows_what_the_org_has_not_built(salesforce: Salesforce) -> None:
    with pytest.raises(SalesforceGeneralError, match="NOT_SIMULATED"):
        salesforce.query("SELECT Id FROM Opportunity")
