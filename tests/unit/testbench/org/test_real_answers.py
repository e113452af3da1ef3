"""The org held to what real orgs answered (tests/fixtures/real): made by itself where it can, else given by a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from destination_testbench.org import DuplicateRule, Facts, Fault, FaultKind, OrgConfig, OrgRequest, SimulatedOrg, seed
from destination_testbench.org.languages import LANGUAGES
from destination_testbench.org.records.person_account import PERSON_TYPE
from org_caller import CONTACT, INTEGRATION, LEAD, OTHER_CONTACT, Caller, a_contact, a_lead, an_org
from pydantic_core import from_json
from real_answers import ROWS, described, rows, without_ids

PERSON, BUSINESS = "001Ab0000000001IAA", "001Ab0000000002IAA"
GONE = "003Ab0000000088IAA"
MEMBER = {"Member_Number__c": "nobody"}
Results = list[dict[str, Any]]


def many(caller: Caller, method: str, sobject: str, *records: dict[str, Any], path: str = "") -> Results:
    given = [{"attributes": {"type": sobject}, **record} for record in records]
    return list(caller.send(method, f"composite/sobjects{path}", {"records": given})[1])


def a_member_of_a_campaign(caller: Caller) -> Results:
    (campaign,) = many(caller, "POST", "Campaign", {"Name": "Autumn"})
    member = {"CampaignId": campaign["id"], "ContactId": CONTACT, "Status": "Sent"}
    return many(caller, "POST", "CampaignMember", member, member)[1:]


def twice_one_address(caller: Caller) -> Results:
    caller.update(a_contact(Email="a@example.com"), a_contact(OTHER_CONTACT, Email="a@example.com"))
    return many(caller, "PATCH", "Contact", {"Email": "a@example.com"}, path="/Contact/Email")


def a_key_of_another(caller: Caller) -> Results:
    caller.update(a_contact(OTHER_CONTACT, CDP_Customer_Id__c="c-1"))
    return caller.update(a_contact(CDP_Customer_Id__c="c-1"))


def a_key_of_a_hidden_one(caller: Caller) -> Results:
    caller.org.admin.set_fact("hides_duplicates", True)
    return a_key_of_another(caller)


def a_deleted_one(caller: Caller) -> Results:
    caller.org.admin.delete("Contact", CONTACT)
    return caller.update(a_contact(Title="x"))


def a_locked_one(caller: Caller) -> Results:
    caller.org.faults.lock([CONTACT])
    return caller.update(a_contact(Title="x"))


def a_converted_one(caller: Caller) -> Results:
    caller.org.admin.convert_lead(LEAD)
    return caller.update(a_lead(Title="x"))


def a_look_alike(caller: Caller) -> Results:
    caller.org.admin.add_duplicate_rule(DuplicateRule("Contact", "Same", ("LastName",)))
    return many(caller, "POST", "Contact", {"LastName": "Abara"})


def persons(org: SimulatedOrg) -> None:
    org.admin.enable_person_accounts()
    org.insert("Account", PERSON, {"LastName": "Berg"})
    org.insert("Account", BUSINESS, {"Name": "Alder Works"})


def an_account(caller: Caller, id_: str, **values: Any) -> Results:
    persons(caller.org)
    return caller.update({"attributes": {"type": "Account"}, "id": id_, **values})


def in_french(make: Callable[[Caller], Results]) -> Callable[[Caller], Results]:
    def made(caller: Caller) -> Results:
        caller.org.admin.edit("User", caller.org.users[0].id, {"LanguageLocaleKey": "fr"})
        return make(caller)

    return made


def during_an_upgrade(caller: Caller) -> Results:
    caller.org.config.read_only = True
    caller.org.admin.set_fact("read_only_status", 0)
    return caller.update(a_contact(Title="x"))


MADE: dict[str, Callable[[Caller], Results]] = {
    "row lock": a_locked_one,
    "required field": lambda caller: many(caller, "POST", "Contact", {"FirstName": "Ada"}),
    "another record of all or none": lambda caller: caller.update(
        a_contact(Title="x"), a_contact(GONE), all_or_none=True
    ),
    "the instance is read-only": during_an_upgrade,
    "no id in an update": lambda caller: caller.update(a_contact(None, Title="x")),
    "id of the wrong form": lambda caller: caller.update(a_contact("001xx000003DGb2999")),
    "id of no record": lambda caller: caller.update(a_contact(GONE)),
    "deleted record": a_deleted_one,
    "converted lead": a_converted_one,
    "unique value held by another": a_key_of_another,
    "unique value held by another, French": in_french(a_key_of_another),
    "unique value held by a hidden record": a_key_of_a_hidden_one,
    "several records of one key": twice_one_address,
    "one key twice in a request": lambda caller: many(
        caller, "PATCH", "Contact", *[{"CDP_Customer_Id__c": "1"}] * 2, path="/Contact/CDP_Customer_Id__c"
    ),
    "text too long": lambda caller: caller.update(a_contact(LastName="x" * 81)),
    "no address": lambda caller: caller.update(a_contact(Email="Not a real email address")),
    "no value of a restricted picklist": lambda caller: caller.update(a_contact(MailingGeocodeAccuracy="Moon")),
    "wrong type": lambda caller: caller.update(a_contact(Birthdate="01.02.2003")),
    "unknown country": lambda caller: caller.update(a_contact(MailingCountry="Atlantis")),
    "parent that is not there": lambda caller: many(caller, "POST", "Loyalty_Purchase__c", {"Member__r": MEMBER}),
    "a relationship and its id": lambda caller: caller.update(
        a_contact(Owner={"Username": INTEGRATION}, OwnerId=caller.org.users[0].id)
    ),
    "two keys of one parent": lambda caller: many(
        caller, "POST", "Loyalty_Purchase__c", {"Member__r": {**MEMBER, "Email__c": "x"}}
    ),
    "already a member of the campaign": a_member_of_a_campaign,
    "look-alike": a_look_alike,
    "a business with a person's fields": lambda caller: an_account(caller, BUSINESS, LastName="Lind"),
    "a person with a name in one": lambda caller: an_account(caller, PERSON, Name="Ada Lind"),
    "a business becomes a person": lambda caller: an_account(caller, BUSINESS, RecordTypeId=PERSON_TYPE, Phone="1"),
    "unknown field": lambda caller: caller.update(a_contact(CDP_Gone__c="x")),
    "read-only field": lambda caller: caller.update(a_contact(MasterRecordId=None)),
}
"""Each error that the org can make by itself, and how."""


def told(caller: Caller, row: dict[str, Any]) -> Results:
    """The error given by a fault: what triggers, flows and sharing say, which no org of this kind has."""
    error = row["record"]
    fault = Fault(
        FaultKind.RECORD_ERROR, code=error["statusCode"], message=error["message"], fields=(*error["fields"],)
    )
    caller.org.faults.add(fault)
    return caller.update(a_contact(Title="x"))


@pytest.mark.parametrize("row", rows("record"))
def test_a_record_is_refused_as_in_a_real_org(row: dict[str, Any]) -> None:
    caller = Caller(an_org(state_and_country_picklists=row["id"] == "unknown country"))

    results = MADE[row["id"]](caller) if row["id"] in MADE else told(caller, row)

    refused = without_ids([error for result in results for error in result["errors"]])
    wanted = without_ids(row["record"])
    if row["kind"] == "code only":
        assert refused[0]["statusCode"] == wanted["statusCode"]
    else:
        assert wanted in refused


def test_the_names_of_the_recipes_are_those_of_rows() -> None:
    assert MADE.keys() <= {row["id"] for row in ROWS if "record" in row}
    assert len(MADE) > 25


REQUESTS: dict[str, tuple[str, str, Any]] = {
    "no record": ("PATCH", "composite/sobjects", {"records": []}),
    "too many records": ("PATCH", "composite/sobjects", {"records": [a_contact()] * 201}),
    "no body": ("PATCH", "composite/sobjects", b""),
    "unknown sObject": ("GET", "sobjects/Foo", None),
    "unknown key field": ("PATCH", "composite/sobjects/Contact/Namez", {"records": [a_contact(None)]}),
    "query of an unknown sObject": ("GET", "query?q=select count() from XYZZY", None),
    "method": ("GET", "composite/sobjects/Contact/Email", None),
    "unknown field of a row": ("POST", "sobjects/Account", {"Name": "x", "AccountNumer": "1"}),
    "wrong type of a row": ("PATCH", f"sobjects/Contact/{CONTACT}", {"CDP_Loyal_Since__c": "2017-10-17 00:00:00"}),
    "unknown relationship": ("PATCH", "composite/sobjects", {"records": [a_contact(Boss={"Email": "x"})]}),
}


@pytest.mark.parametrize("row", rows("request"))
def test_a_request_is_refused_as_in_a_real_org(row: dict[str, Any]) -> None:
    caller, wanted = Caller(an_org()), row["request"]
    method, path, body = REQUESTS.get(row["id"], ("GET", "limits", None))
    if row["id"] == "deleted row":
        caller.org.admin.delete("Contact", CONTACT)
        path = f"sobjects/Contact/{CONTACT}"
    elif row["id"] not in REQUESTS:
        first = wanted["body"][0]
        kind = FaultKind.REPLY
        caller.org.faults.add(Fault(kind, status=wanted["status"], code=first["errorCode"], message=first["message"]))

    answer = caller.send(method, path, body)

    assert without_place(answer) == without_place((wanted["status"], wanted["body"]))


def without_place(answer: tuple[int, Any]) -> Any:
    """An answer without the column at which the reader stopped, which this org does not count."""
    status, body = answer
    return status, [{**error, "message": error["message"].partition(" at [line")[0]} for error in body]


@pytest.mark.parametrize("row", rows("log_in"))
def test_a_log_in_is_refused_as_in_a_real_org(row: dict[str, Any]) -> None:
    org = an_org()
    form = {"client_id": "local-client-id", "client_secret": "local-client-secret", "grant_type": "client_credentials"}
    host, name = "https://acme.my.salesforce.com", row["id"].removeprefix("log-in: ")
    if name in ("wrong password", "refresh token is dead"):
        grant = "password" if name == "wrong password" else "refresh_token"
        form |= {"grant_type": grant, "username": INTEGRATION, "password": "no", "refresh_token": "dead"}
    if name == "no Run As user":
        org.oauth.apps["local-client-id"].run_as = None
    if name == "unknown app":
        form["client_id"] = "nobody"
    if name == "wrong host":
        host = "https://login.salesforce.com"
    if name == "app not approved":
        org.faults.refuse_log_ins(row["log_in"]["error"], row["log_in"]["error_description"])

    reply = org.handle(OrgRequest("POST", "/services/oauth2/token", {}, {}, urlencode(form).encode(), host))

    assert (reply.status, from_json(reply.body)) == (400, row["log_in"])


@pytest.mark.parametrize("name", ["contact", "lead", "account_with_persons"])
def test_an_sobject_is_described_as_it_was_recorded(name: str) -> None:
    org, recorded = an_org(), described(name)
    org.admin.enable_person_accounts()

    _, answer = Caller(org).send("GET", f"sobjects/{recorded['name']}/describe")

    fields = {field["name"]: field for field in answer["fields"]}
    assert len(recorded["fields"]) > 50
    assert {**recorded, "fields": 0} == {key: answer[key] for key in recorded} | {"fields": 0}
    for field in recorded["fields"]:
        values = field.pop("picklistValues", None)
        assert {key: fields[field["name"]][key] for key in field} == field
        if values:
            assert [value["value"] for value in fields[field["name"]]["picklistValues"]][: len(values)] == values


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_org_speaks_the_language_of_who_asks(language: str) -> None:
    caller = Caller(an_org(language=language))
    record = caller.update(a_contact(LastName=None))[0]["errors"][0]
    unknown = caller.update(a_contact(CDP_Gone__c="x"))[0]["errors"][0]
    request = caller.send("GET", "query?q=SELECT Nope__c FROM Contact")[1][0]
    english = Caller(an_org())

    assert (record["statusCode"], record["fields"]) == ("REQUIRED_FIELD_MISSING", ["LastName"])
    assert (unknown["statusCode"], request["errorCode"]) == ("INVALID_FIELD", "INVALID_FIELD")
    assert "LastName" in record["message"]
    assert "CDP_Gone__c" in unknown["message"]
    assert "Nope__c" in request["message"]
    same = unknown == english.update(a_contact(CDP_Gone__c="x"))[0]["errors"][0]
    assert same is (language == "en_US")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_changes_what_the_orgs_own_people_wrote(language: str) -> None:
    org = an_org(language=language)
    org.admin.add_rule("Contact", "Sunday", "TRUE", "No discounts on Sundays [CDP-STALE:X__c]")

    error = Caller(org).update(a_contact(Title="x"))[0]["errors"][0]

    assert error["message"] == "No discounts on Sundays [CDP-STALE:X__c]"


def test_each_user_has_a_language() -> None:
    org = an_org(language="ja")
    org.admin.edit("User", org.users[1].id, {"LanguageLocaleKey": "en_US"})

    texts = [
        Caller(org, user.username).update(a_contact(LastName=None))[0]["errors"][0]["message"] for user in org.users
    ]

    assert texts == ["値を入力してください: [LastName]", "Required fields are missing: [LastName]"]


def test_what_a_fault_gives_whole_is_given_as_it_is() -> None:
    org = SimulatedOrg(OrgConfig(language="es", facts=Facts()))
    seed(org, contacts=1)
    body = '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]'
    org.faults.add(Fault(FaultKind.REPLY, status=403, body=body, times=1))
    caller = Caller(org)

    assert caller.request("GET", "limits").body.decode() == body
    org.faults.add(Fault(FaultKind.DAILY_LIMIT))
    assert caller.send("GET", "limits")[1][0]["message"] == "No se pudo procesar la solicitud."
