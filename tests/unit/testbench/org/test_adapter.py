from __future__ import annotations

import gzip
import json

import pytest
import requests
from destination_testbench.org import Fault, FaultKind, OrgAdapter, SimulatedOrg
from org_caller import CONTACT, Caller, Clock, a_contact

URL = "https://acme.my.salesforce.com"
PATH = f"{URL}/services/data/v66.0/composite/sobjects"


@pytest.fixture
def session(org: SimulatedOrg, caller: Caller) -> requests.Session:
    session = requests.Session()
    session.mount(URL, OrgAdapter(org))
    session.headers["Authorization"] = f"Bearer {caller.token}"
    return session


def last_name(org: SimulatedOrg) -> object:
    return org.records("Contact").records[CONTACT].get("LastName")


def test_a_session_reaches_the_org(org: SimulatedOrg, session: requests.Session) -> None:
    reply = session.patch(PATH, json={"records": [a_contact(LastName="New")]})

    assert reply.json() == [{"id": CONTACT, "success": True, "errors": []}]
    assert reply.headers["Sforce-Limit-Info"] == "api-usage=1/100000"
    assert last_name(org) == "New"


def test_bodies_are_compressed_both_ways(session: requests.Session) -> None:
    body = gzip.compress(json.dumps({"records": [a_contact(LastName="New")] * 20}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    reply = session.patch(PATH, data=body, headers=headers)

    assert reply.headers["Content-Encoding"] == "gzip"
    assert len(reply.json()) == 20


def test_a_body_may_come_in_pieces(session: requests.Session) -> None:
    text = json.dumps({"records": [a_contact(LastName="New")]}).encode()

    reply = session.patch(PATH, data=iter([text[:9], text[9:]]), headers={"Content-Type": "application/json"})

    assert reply.json()[0]["success"]


@pytest.mark.parametrize(("kind", "written"), [(FaultKind.DROP_BEFORE, False), (FaultKind.DROP_AFTER, True)])
def test_a_dropped_connection_is_a_connection_error(
    org: SimulatedOrg, session: requests.Session, kind: FaultKind, written: bool
) -> None:
    org.faults.add(Fault(kind, times=1))

    with pytest.raises(requests.ConnectionError):
        session.patch(PATH, json={"records": [a_contact(LastName="New")]})

    assert (last_name(org) == "New") is written


def test_a_truncated_answer_is_a_broken_one(org: SimulatedOrg, session: requests.Session) -> None:
    org.faults.add(Fault(FaultKind.TRUNCATED, times=1))

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.patch(PATH, json={"records": [a_contact(LastName="New")]})


def test_a_caller_that_gave_up_does_not_stop_the_org(
    org: SimulatedOrg, session: requests.Session, clock: Clock
) -> None:
    org.faults.add(Fault(FaultKind.LATENCY, times=1, seconds=40))
    begin = clock.time

    with pytest.raises(requests.ReadTimeout):
        session.patch(PATH, json={"records": [a_contact(LastName="Late")]}, timeout=(3, 10))

    assert clock.time == begin + 10
    assert last_name(org) != "Late"
    clock.time = begin + 40
    assert session.get(f"{URL}/services/data/v66.0/sobjects/Contact/{CONTACT}").json()["LastName"] == "Late"


def test_a_caller_with_more_patience_gets_its_answer(
    session: requests.Session, org: SimulatedOrg, clock: Clock
) -> None:
    org.faults.latency(seconds=9)

    reply = session.patch(PATH, json={"records": [a_contact(LastName="New")]}, timeout=10)

    assert (reply.status_code, clock.slept) == (200, [9])
