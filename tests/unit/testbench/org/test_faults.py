from __future__ import annotations

import gzip
import threading

import pytest
from destination_testbench.org import AccessLevel, Fault, FaultKind, OrgRequest, SimulatedOrg, record_id
from org_caller import CONTACT, LEAD, OTHER_CONTACT, Caller, Clock, a_contact, a_lead, an_org, first_error
from pydantic_core import from_json


def statuses(caller: Caller, times: int = 3) -> list[int]:
    return [caller.request("GET", "limits").status for _ in range(times)]


@pytest.mark.parametrize(
    ("fault", "status", "code", "message"),
    [
        (Fault(FaultKind.OUTAGE), 503, "SERVER_UNAVAILABLE", "Server Unavailable"),
        (Fault(FaultKind.DAILY_LIMIT), 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
        (
            Fault(FaultKind.CONCURRENT_LIMIT),
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        ),
        (Fault(FaultKind.SESSION_EXPIRED), 401, "INVALID_SESSION_ID", "Session expired or invalid"),
        (
            Fault(FaultKind.REPLY, status=500, code="UNKNOWN_EXCEPTION", message="oops"),
            500,
            "UNKNOWN_EXCEPTION",
            "oops",
        ),
    ],
)
def test_a_fault_refuses_the_whole_request(caller: Caller, fault: Fault, status: int, code: str, message: str) -> None:
    number = caller.org.faults.add(fault)

    assert caller.send("GET", "limits") == (status, [{"message": message, "errorCode": code}])
    caller.org.faults.remove(number)
    assert statuses(caller, 1) == [200]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(FaultKind.OUTAGE_HTML), 503),
        (Fault(FaultKind.OUTAGE_HTML, status=420), 420),
        (Fault(FaultKind.HTML), 200),
    ],
)
def test_a_page_can_stand_where_a_program_expects_json(caller: Caller, fault: Fault, status: int) -> None:
    caller.org.faults.add(fault)

    reply = caller.request("PATCH", "composite/sobjects", {"records": [a_contact(LastName="X")]})

    assert reply.status == status
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.body.startswith(b"<!DOCTYPE html>")
    assert caller.org.records("Contact").records[CONTACT].get("LastName") != "X"


def test_a_page_can_hide_that_the_write_was_carried_out(caller: Caller) -> None:
    caller.org.faults.add(Fault(FaultKind.HTML, executes=True))

    caller.request("PATCH", "composite/sobjects", {"records": [a_contact(LastName="X")]})

    assert caller.org.records("Contact").records[CONTACT].get("LastName") == "X"


def test_a_fault_can_be_for_the_next_requests_or_begin_later(caller: Caller) -> None:
    caller.org.faults.add(Fault(FaultKind.OUTAGE, times=2))
    assert statuses(caller) == [503, 503, 200]

    caller.org.faults.add(Fault(FaultKind.OUTAGE, skip=1, times=1))
    assert statuses(caller) == [200, 503, 200]
    assert caller.org.faults.active() == []


def test_a_fault_can_be_for_one_path_method_or_record(caller: Caller) -> None:
    caller.org.faults.add(Fault(FaultKind.OUTAGE, path="/composite/sobjects", method="PATCH", records=(OTHER_CONTACT,)))

    assert caller.request("GET", "limits").status == 200
    assert caller.update(a_contact(LastName="X"))[0]["success"]
    body = {"records": [a_contact(OTHER_CONTACT, LastName="X")]}
    assert caller.request("PATCH", "composite/sobjects", body).status == 503
    squeezed = gzip.compress(f'{{"records":[{{"id":"{OTHER_CONTACT}"}}]}}'.encode())
    assert caller.request("PATCH", "composite/sobjects", squeezed, content_encoding="gzip").status == 503


def test_a_limit_does_not_touch_log_ins(org: SimulatedOrg) -> None:
    org.faults.add(Fault(FaultKind.DAILY_LIMIT))
    form = b"grant_type=client_credentials&client_id=local-client-id&client_secret=local-client-secret"

    assert org.handle(OrgRequest("POST", "/services/oauth2/token", body=form)).status == 200


@pytest.mark.parametrize(("kind", "written"), [(FaultKind.DROP_BEFORE, False), (FaultKind.DROP_AFTER, True)])
def test_a_connection_can_break_before_and_after_the_write(caller: Caller, kind: FaultKind, written: bool) -> None:
    caller.org.faults.add(Fault(kind, times=1))

    reply = caller.request("PATCH", "composite/sobjects", {"records": [a_contact(LastName="X")]})

    assert reply.dropped
    assert (caller.org.records("Contact").records[CONTACT].get("LastName") == "X") is written


def test_an_answer_can_be_cut_short(caller: Caller) -> None:
    caller.org.faults.add(Fault(FaultKind.TRUNCATED, times=1))

    reply = caller.request("PATCH", "composite/sobjects", {"records": [a_contact(LastName="X")]})

    assert reply.cut == len(reply.body) // 2
    assert caller.org.records("Contact").records[CONTACT].get("LastName") == "X"


def test_a_result_can_be_missing(caller: Caller) -> None:
    caller.org.faults.add(Fault(FaultKind.SHORT_RESULTS, times=1))

    assert len(caller.update(a_contact(LastName="X"), a_contact(OTHER_CONTACT, LastName="Y"))) == 1


def test_a_write_can_be_carried_out_long_after_the_caller_has_gone(caller: Caller, clock: Clock) -> None:
    caller.org.faults.add(Fault(FaultKind.LATE, times=1, seconds=60))

    reply = caller.request("PATCH", "composite/sobjects", {"records": [a_contact(LastName="Late")]})

    assert reply.dropped
    assert caller.org.records("Contact").records[CONTACT].get("LastName") != "Late"
    clock.time += 60
    assert caller.org.records("Contact").records[CONTACT].get("LastName") == "Late"


def test_a_locked_record_is_free_after_its_tries_and_the_others_are_written(caller: Caller) -> None:
    caller.org.faults.lock([CONTACT[:15], OTHER_CONTACT], tries=2)
    records = [
        a_contact(LastName="A"),
        a_contact(OTHER_CONTACT, LastName="B"),
        a_contact(record_id("003", 3), LastName="C"),
    ]

    outcomes = [[result["success"] for result in caller.update(*records)] for _ in range(3)]

    assert outcomes == [[False, False, True], [False, False, True], [True, True, True]]


def test_a_locked_parent_locks_its_children(caller: Caller) -> None:
    _, account = caller.send("POST", "sobjects/Account", {"Name": "Acme"})
    caller.update(a_contact(AccountId=account["id"]))
    caller.org.faults.lock([account["id"]], tries=1)

    child, other = caller.update(a_contact(LastName="A"), a_contact(OTHER_CONTACT, LastName="B"))

    text = f"unable to obtain exclusive access to this record or 1 records: {account['id']}"
    assert first_error(child) == ("UNABLE_TO_LOCK_ROW", text, [])
    assert other["success"]


def test_a_record_can_be_given_any_error(caller: Caller) -> None:
    code, text = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: execution of BeforeUpdate\n\ncaused by: UNABLE_TO_LOCK_ROW"
    caller.org.faults.add(Fault(FaultKind.RECORD_ERROR, records=(CONTACT,), code=code, message=text, times=1))

    assert first_error(caller.update(a_contact(LastName="A"))[0]) == (code, text, [])
    assert caller.update(a_contact(LastName="A"))[0]["success"]


def test_a_new_record_is_known_by_its_values(caller: Caller) -> None:
    fault = Fault(FaultKind.RECORD_ERROR, records=("bad@example.com",), code="STORAGE_LIMIT_EXCEEDED", message="full")
    caller.org.faults.add(fault)
    rows = [a_contact(None, LastName="X", Email=f"{name}@example.com") for name in ("bad", "good")]

    results = caller.upsert("Contact/Email", *rows)

    assert [result["success"] for result in results] == [False, True]


def test_without_records_a_record_error_is_for_all_of_them(caller: Caller) -> None:
    caller.org.faults.add(Fault(FaultKind.RECORD_ERROR, code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no"))

    results = caller.update(a_contact(LastName="A"), a_lead(LastName="B"))

    assert [first_error(result)[1] for result in results] == ["no", "no"]


def test_collections_above_a_size_can_fail_as_a_whole() -> None:
    caller = Caller(an_org(contacts=4))
    fault = Fault(
        FaultKind.COLLECTION_ERROR, above=2, code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message="CPU time limit"
    )
    caller.org.faults.add(fault)
    records = [a_contact(record_id("003", number), LastName="X") for number in range(1, 5)]

    assert [first_error(result)[1] for result in caller.update(*records)] == ["CPU time limit"] * 4
    assert [result["success"] for result in caller.update(*records[:2])] == [True, True]


def test_latency_is_by_call_and_by_record(caller: Caller, clock: Clock) -> None:
    caller.org.faults.latency(seconds=0.5, per_record=0.1)

    caller.update(a_contact(LastName="A"), a_lead(LastName="B"))
    caller.request("GET", "limits")

    assert clock.slept == [pytest.approx(0.7), 0.5]


def test_restricted_fields_cannot_be_written_or_seen(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.restrict_field("Contact", "Title", AccessLevel.READ)
    assert first_error(caller.update(a_contact(Title="X"))[0])[0] == "INVALID_FIELD_FOR_INSERT_UPDATE"

    org.admin.restrict_field("Contact", "Title", AccessLevel.NONE)
    assert first_error(caller.update(a_contact(Title="X"))[0])[0] == "INVALID_FIELD"

    org.admin.restrict_field("Contact", "Title", None)
    assert caller.update(a_contact(Title="X"))[0]["success"]


def test_objects_can_be_made_read_only_or_unknown(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.restrict_object("Contact", AccessLevel.READ)
    denied = ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", list[str]())
    assert first_error(caller.update(a_contact(Title="X"))[0]) == denied
    _, created = caller.send("POST", "composite/sobjects", {"records": [a_contact(None, LastName="X")]})
    assert first_error(created[0])[:2] == (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "entity type cannot be inserted: Contact",
    )
    assert caller.send("GET", "sobjects/Contact/describe")[1]["updateable"] is False

    org.admin.restrict_object("Contact", AccessLevel.NONE)
    assert caller.send("GET", "sobjects/Contact/describe")[0] == 404
    assert caller.send("PATCH", "composite/sobjects", {"records": [a_contact()]})[1][0]["errorCode"] == "INVALID_TYPE"

    org.admin.restrict_object("Contact", None)
    assert caller.update(a_contact(Title="X"))[0]["success"]


def test_a_fact_can_change_while_the_org_runs(org: SimulatedOrg, caller: Caller) -> None:
    assert not caller.update(a_contact(LastName=5))[0]["success"]

    org.admin.set_fact("text_takes_scalars", True)

    assert caller.update(a_contact(LastName=5))[0]["success"]
    with pytest.raises(KeyError):
        org.admin.set_fact("nonsense", True)


def test_calls_from_many_threads_lose_nothing() -> None:
    org = an_org(contacts=20)

    def write(worker: int) -> None:
        caller = Caller(org)
        for turn in range(10):
            caller.update(*(a_contact(record_id("003", n), Title=f"{worker}-{turn}") for n in range(1, 21)))

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert org.usage.used(org.now()) == 40
    assert all(len(record.history) == 41 for record in org.records("Contact"))


def test_the_log_holds_neither_bodies_nor_ids(caller: Caller) -> None:
    caller.request("GET", f"sobjects/Lead/{LEAD}")
    caller.update(a_contact(LastName="Secret"))

    last = caller.org.log.last
    assert [(entry.method, entry.path.rpartition("v66.0")[2], entry.records) for entry in last] == [
        ("GET", "/sobjects/Lead/{id}", 0),
        ("PATCH", "/composite/sobjects", 1),
    ]
    assert caller.org.log.counts["PATCH /services/data/v66.0/composite/sobjects"] == 1


def test_a_body_that_is_not_compressed_as_it_says_is_refused(caller: Caller) -> None:
    reply = caller.request("PATCH", "composite/sobjects", b"{}", content_encoding="gzip")

    assert reply.status == 400
    assert from_json(reply.body)[0]["message"] == "Not in GZIP format"
