"""The org held to jsforce from npm, over real HTTP: each call beside what it must answer."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from destination_testbench.org import SimulatedOrg, record_id, seed, serve
from shell_commands import ROOT

pytestmark = pytest.mark.npm

INSTALLED = ROOT / ".local" / "jsforce"
CONTACT = record_id("003", 1)
MADE = [record_id("003", 500_000 + number) for number in range(5)]
USER = {"id": "005Ab0000000001IAA", "organizationId": "00DAb0000000001MAA"}
IDENTITY = "https://test.salesforce.com/id/00DAb0000000001MAA/005Ab0000000001IAA"


def saved(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "success": True, "errors": [], **more}


def refused(code: str, text: str, *fields: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": text, "fields": list(fields)}]}


NOT_FOUND = "The requested resource does not exist"
ANSWERS: dict[str, Any] = {
    "use the session of SOAP": {"records": [], "totalSize": 2500, "done": True},
    "log out by SOAP": None,
    "log in with a wrong password": {
        "name": "Error",
        "message": "INVALID_LOGIN: Invalid username, password, security token; or user locked out.",
    },
    "log in by password": {**USER, "url": IDENTITY},
    "log out": None,
    "log in by client credentials": {**USER, "url": IDENTITY},
    "count by group": {
        "records": [{"attributes": {"type": "AggregateResult"}, "LeadSource": None, "people": 2500}],
        "totalSize": 1,
        "done": True,
    },
    "create": saved(MADE[1]),
    "create many": [
        saved(MADE[2]),
        refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName"),
    ],
    "update": saved(MADE[1]),
    "update many": [saved(MADE[1]), saved(MADE[1])],
    "upsert": saved(MADE[3], created=True),
    "upsert many": [saved(MADE[3], created=False), saved(MADE[4], created=True)],
    "updateOnly": [refused("NOT_FOUND", NOT_FOUND)],
    "composite": {
        "compositeResponse": [
            {"body": [saved(CONTACT)], "httpHeaders": {}, "httpStatusCode": 200, "referenceId": "b1"},
            {
                "body": [{"errorCode": "NOT_FOUND", "message": NOT_FOUND}],
                "httpHeaders": {},
                "httpStatusCode": 404,
                "referenceId": "b2",
            },
        ]
    },
    "retrieve": [CONTACT, "Composite"],
    "describe": ["Id", "Email", "CDP_Customer_Id__c"],
    "describe all": True,
    "limits": 100_000,
    "delete": saved(MADE[1]),
    "delete many": [refused("ENTITY_IS_DELETED", "entity is deleted"), saved(CONTACT)],
}
CODES = {
    "query what is not built": "NOT_SIMULATED",
    "update with a bad value": "JSON_PARSER_ERROR",
    "read what was deleted": "ENTITY_IS_DELETED",
}
ELSEWHERE = {"log in by SOAP", "query", "query and fetch all", "retrieve many"}
"""Calls whose answers are looked at one by one."""


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    org = SimulatedOrg()
    seed(org, contacts=2500)
    script = Path(__file__).parent / "jsforce" / "calls.mjs"
    with serve(org) as server:
        command = ["node", str(script), server.url, str(INSTALLED)]
        run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return {line["call"]: line["answer"] for line in lines}


def test_every_call_is_looked_at(answers: dict[str, Any]) -> None:
    assert answers.keys() == ANSWERS.keys() | CODES.keys() | ELSEWHERE


@pytest.mark.parametrize("call", ANSWERS)
def test_a_call_gets_its_answer(answers: dict[str, Any], call: str) -> None:
    assert answers[call] == ANSWERS[call]


@pytest.mark.parametrize("call", CODES)
def test_a_refusal_is_known_by_its_code(answers: dict[str, Any], call: str) -> None:
    assert answers[call]["errorCode"] == CODES[call]


def test_the_older_log_in_tells_user_and_organization(answers: dict[str, Any]) -> None:
    found = answers["log in by SOAP"]

    assert {key: found[key] for key in USER} == USER
    assert found["url"].endswith("/id/00DAb0000000001MAA/005Ab0000000001IAA")


def test_queries_come_with_their_relations_and_page_by_page(answers: dict[str, Any]) -> None:
    rows = answers["query"]["records"]

    assert [row["Id"] for row in rows] == [CONTACT, record_id("003", 2)]
    assert rows[0]["Owner"]["Username"] == "integration@example.com"
    assert (len(answers["query and fetch all"]["records"]), answers["query and fetch all"]["done"]) == (500, True)


def test_what_is_not_there_is_null_among_what_was_read(answers: dict[str, Any]) -> None:
    first, second = answers["retrieve many"]

    assert ({key: first[key] for key in ("Id", "Title")}, second) == ({"Id": CONTACT, "Title": "Composite"}, None)
