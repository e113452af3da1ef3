"""The answering org answers what the simulated org would, so that nobody wins by an easier answer."""

from __future__ import annotations

import json
from typing import Any

from destination_testbench.org import OrgRequest, SimulatedOrg
from destination_testbench.org.facts import DEFAULT_INSTANCE

from benchmarks.answering.answers import Answers
from benchmarks.contenders.by_hand import row_maker
from benchmarks.contenders.floor import PATH, request
from benchmarks.events import Variant, contact_id, profile

ROWS = 450


def rows() -> list[dict[str, Any]]:
    row = row_maker(Variant.PLAIN)
    made = [row(profile(number, Variant.PLAIN)) for number in range(1, ROWS + 1)]
    return [{"attributes": {"type": "Contact"}, "id": each.pop("Id"), **each} for each in made]


def simulated(method: str, path: str, body: bytes) -> tuple[int, Any]:
    org = SimulatedOrg()
    for number in range(1, ROWS + 1):
        org.insert("Contact", contact_id(number), {"LastName": "Before"})
    form = b"grant_type=client_credentials&client_id=local-client-id&client_secret=local-client-secret"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    login = org.handle(OrgRequest("POST", "/services/oauth2/token", {}, kind, form, DEFAULT_INSTANCE))
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {json.loads(login.body)['access_token']}",
    }
    reply = org.handle(OrgRequest(method, path, {}, headers, body, DEFAULT_INSTANCE))
    return reply.status, json.loads(reply.body) if reply.body else None


def answered(method: str, path: str, body: bytes) -> tuple[int, Any]:
    reply = Answers().answer(method, path, body)
    return reply.status, json.loads(reply.body) if reply.body else None


def test_a_composite_request_of_collections_is_answered_alike() -> None:
    call = ("POST", PATH, json.dumps(request(rows())).encode())

    status, body = simulated(*call)

    assert (status, [part["httpStatusCode"] for part in body["compositeResponse"]]) == (200, [200, 200, 200])
    assert answered(*call) == (status, body)


def test_a_collection_is_answered_alike() -> None:
    body = json.dumps({"allOrNone": False, "records": rows()[:200]}).encode()
    call = ("PATCH", f"{PATH}/sobjects", body)

    status, results = simulated(*call)

    assert (status, len(results)) == (200, 200)
    assert answered(*call) == (status, results)


def test_an_update_of_one_record_is_answered_alike() -> None:
    call = ("PATCH", f"/services/data/v66.0/sobjects/Contact/{contact_id(1)}", b'{"LastName":"After"}')

    assert simulated(*call) == (204, None)
    assert answered(*call) == (204, None)


def test_a_bulk_job_is_done_when_it_is_asked_for() -> None:
    answers, base = Answers(), "/services/data/v66.0/jobs/ingest"

    opened = json.loads(answers.answer("POST", base, b"{}").body)
    assert answers.answer("PUT", f"{base}/750/batches", b"Id,LastName\n1,a\n2,b\n").status == 201
    closed = json.loads(answers.answer("PATCH", f"{base}/750", b"{}").body)
    done = json.loads(answers.answer("GET", f"{base}/750", b"").body)

    assert [each["state"] for each in (opened, closed, done)] == ["Open", "UploadComplete", "JobComplete"]
    assert done["numberRecordsProcessed"] == 2


def test_an_org_that_refuses_says_so_of_every_record() -> None:
    answers = Answers(error="UNABLE_TO_LOCK_ROW")

    reply = answers.answer("PATCH", f"{PATH}/sobjects", json.dumps({"records": rows()}).encode())

    results = json.loads(reply.body)
    assert [result["errors"][0]["statusCode"] for result in results] == ["UNABLE_TO_LOCK_ROW"] * ROWS


def test_what_is_not_there_is_not_found() -> None:
    assert answered("GET", "/services/data/v66.0/query", b"")[0] == 404
