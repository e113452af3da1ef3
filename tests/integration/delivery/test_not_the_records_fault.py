"""What the org cannot do is never held against a record: limits, missing fields, broken triggers, spent calls."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import LOYAL, a_message, a_profile, an_id
from deliver_function import Context, DeliverStack, error_code
from destination_testbench.org import Fault, FaultKind, OrgConfig, SimulatedOrg
from moto import mock_aws
from people_table import Crm, person
from salesforce_destination.outcome import Message


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliverStack]:
    with mock_aws():
        yield DeliverStack(monkeypatch, contacts=60)


def messages(count: int, last_name: str = "New") -> list[Message]:
    sent_at = int(time.time() * 1000)
    profiles = (a_profile(n, last_name=last_name, statuses={LOYAL: "realized"}) for n in range(1, count + 1))
    return [a_message(profile, number=n, sent_at=sent_at) for n, profile in enumerate(profiles, 1)]


def names(stack: DeliverStack, count: int) -> set[object]:
    return {stack.contact(an_id(n))["LastName"] for n in range(1, count + 1)}


def test_a_governor_limit_is_met_with_fewer_records_in_the_same_invocation(stack: DeliverStack) -> None:
    text = "Too many batch retries in the presence of Apex triggers and partial failures."
    stack.org.faults.add(Fault(FaultKind.COLLECTION_ERROR, above=10, code="UNKNOWN_EXCEPTION", message=text))

    assert stack.invoke(messages(50)) == []
    assert names(stack, 50) == {"New"}
    assert stack.dead_letters() == []


def test_only_a_record_that_fails_alone_is_rejected(stack: DeliverStack) -> None:
    text = "T: execution of BeforeUpdate caused by: System.LimitException: Apex CPU time limit exceeded"
    code = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    stack.org.faults.add(Fault(FaultKind.RECORD_ERROR, records=(an_id(7),), code=code, message=text))

    assert stack.invoke(messages(30)) == []
    assert names(stack, 6) == {"New"}
    (letter,) = stack.dead_letters()
    assert letter["Body"] == messages(7)[6].body


def test_a_request_that_is_refused_as_a_whole_is_sent_in_parts(stack: DeliverStack) -> None:
    body = '[{"message":"Unexpected character","errorCode":"JSON_PARSER_ERROR"}]'
    stack.org.faults.add(Fault(FaultKind.REPLY, status=400, body=body, records=(an_id(3),), path="/composite"))

    assert stack.invoke(messages(8)) == []
    assert names(stack, 2) == {"New"}
    assert stack.contact(an_id(8))["LastName"] == "New"
    assert [error_code(letter) for letter in stack.dead_letters()] == ["JSON_PARSER_ERROR"]


def test_one_reason_for_half_of_twenty_records_is_not_the_records(stack: DeliverStack) -> None:
    refused = tuple(an_id(n) for n in range(1, 11))
    stack.org.faults.add(
        Fault(FaultKind.RECORD_ERROR, records=refused, code="CANNOT_EXECUTE_FLOW_TRIGGER", message="Error ID: 12")
    )

    kept = stack.invoke(messages(20))

    assert sorted(kept) == sorted(f"message-{n}" for n in range(1, 11))
    assert stack.contact(an_id(11))["LastName"] == "New"
    assert stack.dead_letters() == []


@pytest.mark.parametrize(("refused", "sent"), [(9, 20), (10, 19)])
def test_fewer_are_the_records_own_affair(stack: DeliverStack, refused: int, sent: int) -> None:
    records = tuple(an_id(n) for n in range(1, refused + 1))
    stack.org.faults.add(Fault(FaultKind.RECORD_ERROR, records=records, code="FIELD_INTEGRITY_EXCEPTION"))

    assert stack.invoke(messages(sent)) == []
    assert len(stack.dead_letters()) > 0


def test_what_fits_is_written_once_and_the_rest_waits_for_the_field(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.org.admin.remove_field("Contact", "CDP_Loyal__c")
    batch = messages(3)

    assert stack.invoke(batch) == [message.id for message in batch]
    assert names(stack, 3) == {"New"}
    written = [len(stack.org.records("Contact").records[an_id(n)].history) for n in (1, 2, 3)]

    for _ in range(3):
        assert stack.invoke(batch) == [message.id for message in batch]

    assert [len(stack.org.records("Contact").records[an_id(n)].history) for n in (1, 2, 3)] == written
    assert stack.api_calls() == 3  # the describe says that the org lacks the field
    output = capsys.readouterr().out
    assert '"fields_missing":{"CDP_Loyal__c":3}' in output
    assert '"SchemaMismatch":[1.0]' in output


def test_a_field_that_comes_back_is_written(stack: DeliverStack) -> None:
    stack.org.admin.remove_field("Contact", "CDP_Loyal__c")
    stack.invoke(messages(2))
    stack.org.admin.restore_field("Contact", "CDP_Loyal__c")
    later = time.monotonic() + 301
    stack.app.started().deliverer.memory.clock = lambda: later

    assert stack.invoke(messages(2)) == []
    assert stack.contact(an_id(2))["CDP_Loyal__c"] == "realized"


def test_new_messages_leave_a_missing_field_out_from_the_start(stack: DeliverStack) -> None:
    stack.org.admin.remove_field("Contact", "CDP_Loyal__c")
    stack.invoke(messages(2))
    before = stack.api_calls()
    late = a_message(
        a_profile(9, last_name="Late", statuses={LOYAL: "exited"}), number=99, sent_at=int(time.time() * 1000)
    )

    assert stack.invoke([late]) == ["message-99"]
    assert stack.contact(an_id(9))["LastName"] == "Late"
    assert stack.api_calls() == before + 1


def test_an_org_that_may_not_be_written_to_makes_everything_wait(stack: DeliverStack) -> None:
    body = '[{"message":"The REST API is not enabled for this Organization.","errorCode":"API_DISABLED_FOR_ORG"}]'
    stack.org.faults.add(Fault(FaultKind.REPLY, status=403, body=body, path="/composite"))

    assert len(stack.invoke(messages(3))) == 3
    assert stack.dead_letters() == []


def test_at_the_daily_limit_no_further_call_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        stack = DeliverStack(monkeypatch, contacts=60)
        stack.environment(RECORDS_PER_COLLECTION="10", COLLECTIONS_PER_REQUEST="1")
        stack.org.faults.add(Fault(FaultKind.DAILY_LIMIT, path="/composite"))
        asked = len(stack.org.log.last)

        assert len(stack.invoke(messages(50))) == 50
        assert len(stack.invoke(messages(50))) == 50
        assert len(stack.org.log.last) == asked + 1 + 1  # the describe, once in an environment


def test_above_the_ceiling_the_rest_of_the_orgs_calls_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        stack = DeliverStack(monkeypatch, contacts=60)
        stack.environment(RECORDS_PER_COLLECTION="10", COLLECTIONS_PER_REQUEST="1", API_USAGE_CEILING_PERCENT="50")
        stack.org.config.daily_limit = 4  # the describe, once in an environment

        kept = stack.invoke(messages(50))

        assert len(kept) == 40
        assert stack.api_calls() == 2


def test_calls_get_smaller_when_rows_are_locked_and_grow_again(stack: DeliverStack) -> None:
    memory = stack.app.started().deliverer.memory
    lock = stack.org.faults.add(Fault(FaultKind.LOCK, records=(an_id(1),)))
    stack.invoke(messages(2))
    smaller = memory.collections_per_request
    stack.org.faults.remove(lock)

    for _ in range(3):
        stack.invoke(messages(2))

    assert (smaller, memory.collections_per_request) == (2, 5)


def test_work_that_does_not_fit_before_the_deadline_is_not_begun(stack: DeliverStack) -> None:
    assert len(stack.invoke(messages(3), Context(remaining_ms=29_000))) == 3
    assert stack.api_calls() == 0


def test_halving_ends_when_records_fail_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        stack = DeliverStack(monkeypatch, contacts=400)
        body = '[{"message":"No","errorCode":"SOMETHING_NEW"}]'
        stack.org.faults.add(Fault(FaultKind.REPLY, status=400, body=body, path="/composite"))

        assert len(stack.invoke(messages(400))) == 400
        assert len(stack.org.log.last) < 150
        assert stack.dead_letters() == []


OMITTING = """
name = "Omitting"
salesforce_object = "contact"
[identity]
source = "crmId"
target = "SalesforceId"
[[mappings]]
source = "state"
target = "MailingState"
when_refused = "omit"
[[mappings]]
source = "born"
target = "birthdate"
when_refused = "omit"
[[mappings]]
source = "gone"
target = "CDP_Trial__c"
[[audiences]]
id = "loyal"
mapping_id = "CDP_Loyal__c"
"""


@pytest.mark.parametrize("language", ["en_US", "fr", "ja", "es"])
def test_in_every_language_what_is_wrong_with_a_value_or_the_org_costs_no_status(
    language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "omitting.toml"
    file.write_text(OMITTING)
    more: list[dict[str, Any]] = [
        {"born": "1990-05-01T00:00:00Z"},
        {"born": "soon"},
        {"state": ["Paris"]},
        {"state": {"name": "Paris", "code": "75"}},
        {"gone": "x"},
    ]
    loyal: dict[str, Any] = {"segmentMembership": {"ups": {"loyal": {"status": "realized"}}}}
    batch = [
        a_message({"crmId": an_id(n), **loyal, **odd}, number=n, sent_at=int(time.time() * 1000))
        for n, odd in enumerate(more, 1)
    ]
    with mock_aws():
        org = SimulatedOrg(OrgConfig(language=language))
        stack = DeliverStack(monkeypatch, file, org, contacts=9)
        stack.org.admin.remove_field("Contact", "CDP_Trial__c")

        assert stack.invoke(batch) == ["message-5"]
        assert {stack.contact(an_id(n))["CDP_Loyal__c"] for n in range(1, 6)} == {"realized"}
        assert stack.dead_letters() == []
    output = capsys.readouterr().out
    (line,) = [json.loads(line) for line in output.splitlines() if "fields_omitted" in line]
    assert line["fields_omitted"] == {"MailingState": 2, "birthdate": 2}
    assert line["fields_missing"] == {"CDP_Trial__c": 1}


@pytest.mark.parametrize(("code", "sign_ins"), [("URL_NOT_RESET", 2), ("ORG_LOCKED", 0), ("A_CODE_OF_TOMORROW", 0)])
def test_a_whole_request_that_is_refused_for_no_records_sake_is_deferred_in_few_calls(
    stack: DeliverStack, code: str, sign_ins: int
) -> None:
    stack.org.faults.add(Fault(FaultKind.REPLY, path="/composite", status=400, code=code, message="x"))

    assert len(stack.invoke(messages(5))) == 5
    assert stack.dead_letters() == []
    assert stack.api_calls() <= 1 + sign_ins


def test_a_field_that_goes_while_the_first_batch_is_written_is_missed() -> None:
    crm = Crm()
    crm.put({"C1": {"CDP_Customer_Id__c": "K1"}})
    crm.recorder.before["update"] = lambda: crm.org.admin.remove_field("Contact", "CDP_Loyal__c")

    assert crm.deliver([person(customer="K1", loyal="realized")]) == ["deferred FIELD_MISSING_IN_ORG"]
    assert crm.values("C1")["LastName"] == "New"
    assert crm.recorder.calls == ["describe", "describe", "update", "describe", "update"]


def test_a_field_that_leads_lack_is_written_to_the_contact_of_a_converted_one() -> None:
    crm = Crm()
    crm.put({"L1": {}, "L2": {}, "C1": {}, "C2": {}})
    crm.org.admin.remove_field("Lead", "CDP_Loyal__c")
    assert crm.deliver([person(id="L2", loyal="realized")]) == ["deferred FIELD_MISSING_IN_ORG"]
    crm.act("convert L1 into C1")

    assert crm.deliver([person(id="C2"), person(id="L1", loyal="realized")]) == ["delivered", "delivered"]
    assert crm.values("C1")["CDP_Loyal__c"] == "realized"


@pytest.mark.parametrize("masked", [False, True])
def test_whom_another_process_makes_first_is_found_before_the_last_try_is_rejected(masked: bool) -> None:
    crm = Crm(facts={"hides_duplicates": masked})
    crm.recorder.before["insert"] = lambda: crm.put({"L1": {"CDP_Customer_Id__c": "K1"}})

    assert crm.deliver([person(customer="K1", tries=9)]) == ["delivered"]
    assert crm.calls == "update query insert query update"
    assert len(crm.all("Lead")) == 1


def test_whom_nobody_finds_after_that_is_rejected() -> None:
    crm = Crm()
    crm.put({"L1": {"CDP_Customer_Id__c": "K1"}})
    crm.act("hide L1")

    assert crm.deliver([person(customer="K1", tries=9)]) == ["rejected DUPLICATE_VALUE"]
    assert crm.calls == "update query insert query"
