from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import CONTACTS, LOYAL, a_message, a_profile, an_id
from deliver_function import ROOT, Context, DeliverStack, error_code
from destination_testbench.org import Fault, FaultKind
from moto import mock_aws


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliverStack]:
    with mock_aws():
        yield DeliverStack(monkeypatch)


@pytest.fixture
def strict_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DeliverStack]:
    """One that leaves out nothing that Salesforce refuses."""
    file = tmp_path / "contacts.toml"
    file.write_text(CONTACTS)
    with mock_aws():
        yield DeliverStack(monkeypatch, file)


def now_ms() -> int:
    return int(time.time() * 1000)


def metrics_in(output: str) -> dict[str, float]:
    """The metrics of the embedded metric format, by name."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith('{"_aws"')]
    found: dict[str, float] = {}
    for line in lines:
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            value = line[metric["Name"]]
            found[metric["Name"]] = found.get(metric["Name"], 0) + sum(value if isinstance(value, list) else [value])
    return found


def test_a_profile_on_the_queue_reaches_its_contact(stack: DeliverStack) -> None:
    profile = a_profile(1, last_name="Doe", first_name="John", email="john@acme.com", statuses={LOYAL: "realized"})

    kept = stack.invoke([a_message(profile, sent_at=now_ms())])

    contact = stack.contact(an_id(1))
    assert kept == []
    assert (contact["LastName"], contact["FirstName"], contact["Email"]) == ("Doe", "John", "john@acme.com")
    assert contact["CDP_Loyal__c"] == "realized"


def test_a_profile_reaches_its_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        stack = DeliverStack(monkeypatch, ROOT / "layers" / "destinations" / "leads.toml")
        profile = a_profile(crm_id=an_id(1, "00Q"), last_name="Doe", b2b={"companyName": "Acme"})

        kept = stack.invoke([a_message(profile, sent_at=now_ms())])

        lead = stack.org.records("Lead").records[an_id(1, "00Q")].values
        assert kept == []
        assert (lead["LastName"], lead["Company"]) == ("Doe", "Acme")


def test_a_thousand_messages_for_a_thousand_records_cost_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        stack = DeliverStack(monkeypatch, contacts=1000)
        messages = [a_message(a_profile(n, last_name=f"Name {n}"), number=n, sent_at=now_ms()) for n in range(1, 1001)]

        kept = stack.invoke(messages)

        assert kept == []
        assert stack.api_calls() == 1 + 1  # the describe, once in an environment
        names = {record.values["LastName"] for record in stack.org.records("Contact")}
        assert names == {f"Name {n}" for n in range(1, 1001)}


def test_what_can_never_succeed_is_in_the_dead_letter_queue_with_its_reason(strict_stack: DeliverStack) -> None:
    stack = strict_stack
    bodies: list[tuple[Any, str]] = [
        ('{"trailing": "comma",}', "NOT_JSON"),
        (a_profile(2, last_name=None), "REQUIRED_VALUE_MISSING"),
        (a_profile(3, email="not an address"), "INVALID_EMAIL_ADDRESS"),
        (a_profile(999), "INVALID_CROSS_REFERENCE_KEY"),
    ]
    messages = [a_message(body, number=n, sent_at=now_ms()) for n, (body, _) in enumerate(bodies)]

    kept = stack.invoke([*messages, a_message(a_profile(1, last_name="Good"), number=9, sent_at=now_ms())])

    letters = {letter["Body"]: letter for letter in stack.dead_letters()}
    assert kept == []
    assert stack.contact(an_id(1))["LastName"] == "Good"
    assert {body: error_code(letter) for body, letter in letters.items()} == {
        message.body: code for message, (_, code) in zip(messages, bodies, strict=True)
    }
    attributes = letters[messages[2].body]["MessageAttributes"]
    assert attributes["ErrorFields"]["StringValue"] == "Email"
    assert attributes["EventTime"]["StringValue"] == str(messages[2].sent_at)
    assert attributes["Attempts"]["StringValue"] == "1"
    assert attributes["Destination"]["StringValue"] == "contacts"
    assert "not an address" in attributes["ErrorMessage"]["StringValue"]


def test_a_locked_record_comes_again_and_the_others_do_not(stack: DeliverStack) -> None:
    stack.org.faults.add(Fault(FaultKind.LOCK, times=1, records=(an_id(2),)))
    messages = [a_message(a_profile(n, last_name="New"), number=n, sent_at=now_ms()) for n in (1, 2, 3)]

    assert stack.invoke(messages) == ["message-2"]
    assert [stack.contact(an_id(n))["LastName"] for n in (1, 3)] == ["New", "New"]
    assert stack.invoke(messages[1:2]) == []
    assert stack.contact(an_id(2))["LastName"] == "New"
    assert stack.dead_letters() == []


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.OUTAGE,
        FaultKind.OUTAGE_HTML,
        FaultKind.HTML,
        FaultKind.DAILY_LIMIT,
        FaultKind.CONCURRENT_LIMIT,
        FaultKind.DROP_BEFORE,
        FaultKind.DROP_AFTER,
        FaultKind.TRUNCATED,
        FaultKind.SHORT_RESULTS,
        FaultKind.SUBREQUEST,
    ],
)
def test_when_salesforce_fails_everything_is_kept_and_nothing_is_a_dead_letter(
    stack: DeliverStack, kind: FaultKind
) -> None:
    number = stack.org.faults.add(Fault(kind, path="/composite"))
    messages = [a_message(a_profile(n, last_name="Late"), number=n, sent_at=now_ms()) for n in (1, 2)]

    assert stack.invoke(messages) == ["message-1", "message-2"]
    assert stack.dead_letters() == []

    stack.org.faults.remove(number)
    stack.start_cold()

    assert stack.invoke(messages) == []
    assert stack.contact(an_id(2))["LastName"] == "Late"


def test_an_expired_session_is_renewed_and_the_batch_is_sent_once_more(stack: DeliverStack) -> None:
    stack.invoke([a_message(sent_at=now_ms())])
    stack.org.sessions.revoke_all()
    renewal = threading.Thread(target=renew_when_asked, args=(stack,))
    renewal.start()

    kept = stack.invoke([a_message(a_profile(1, last_name="Renewed"), sent_at=now_ms())])

    renewal.join()
    assert kept == []
    assert stack.contact(an_id(1))["LastName"] == "Renewed"


def renew_when_asked(stack: DeliverStack) -> None:
    for _ in range(100):
        if stack.refresh_requests():
            stack.store(stack.a_token())
            return
        time.sleep(0.05)


def test_without_an_access_token_salesforce_is_not_called(stack: DeliverStack) -> None:
    stack.secrets.delete_secret(SecretId=stack.token_id, ForceDeleteWithoutRecovery=True)
    stack.app.started().tokens.wait = 0.1
    before = len(stack.org.log.last)

    kept = stack.invoke([a_message(sent_at=now_ms())])

    assert kept == ["message-1"]
    assert len(stack.org.log.last) == before
    (request,) = stack.refresh_requests()
    assert json.loads(request["Body"]) == {"reason": "refused", "refused": None}


def test_a_bad_destination_file_defers_everything_and_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.toml"
    file.write_text('name = "x"\nsalesforce_objct = "Contact"\n')
    with mock_aws():
        stack = DeliverStack(monkeypatch, file)

        for _ in range(2):  # by every batch of the environment
            kept = stack.invoke([a_message(number=1), a_message(number=2)])

            output = capsys.readouterr().out
            assert kept == ["message-1", "message-2"]
            assert "line 2: salesforce_objct is not a known key. Did you mean salesforce_object?" in output
            assert metrics_in(output)["SchemaMismatch"] == 3
        assert stack.dead_letters() == []


def test_bad_settings_defer_everything_and_are_told(stack: DeliverStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.environment(RECORDS_PER_COLLECTION="many")

    assert stack.invoke([a_message()]) == ["message-1"]
    assert "RECORDS_PER_COLLECTION: is 'many'. Set a whole number from 1 to 200." in capsys.readouterr().out


def test_an_empty_batch_is_an_empty_answer(stack: DeliverStack) -> None:
    assert stack.invoke([]) == []


def test_too_little_time_is_not_begun_with(stack: DeliverStack) -> None:
    assert stack.invoke([a_message(sent_at=now_ms())], Context(remaining_ms=25_000)) == ["message-1"]
    assert stack.api_calls() == 0


def test_a_dead_letter_that_cannot_be_sent_is_deferred(stack: DeliverStack) -> None:
    stack.sqs.delete_queue(QueueUrl=stack.dead_letters_url)

    assert stack.invoke([a_message("not json", sent_at=now_ms())]) == ["message-1"]


def test_a_message_that_is_too_old_goes_to_the_dead_letter_queue_with_its_last_reason(stack: DeliverStack) -> None:
    stack.org.faults.add(Fault(FaultKind.LOCK))
    old = now_ms() - 432_000_000

    assert stack.invoke([a_message(sent_at=old, receive_count=300)]) == []
    (letter,) = stack.dead_letters()
    assert error_code(letter) == "UNABLE_TO_LOCK_ROW"
    assert letter["MessageAttributes"]["EventTime"]["StringValue"] == str(old)


def test_the_batch_is_counted_in_metrics(stack: DeliverStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.org.faults.add(Fault(FaultKind.LOCK, records=(an_id(2),)))
    messages = [a_message(a_profile(n, statuses={LOYAL: "realized"}), number=n, sent_at=now_ms()) for n in (1, 2, 3)]

    stack.invoke([*messages, a_message("not json", number=4, sent_at=now_ms() - 90_000)])

    counted = metrics_in(capsys.readouterr().out)
    assert counted.pop("OldestMessageAge") >= 90
    assert counted.pop("ApiUsagePercent") > 0
    assert counted.pop("SalesforceLatency") > 0
    assert 0 <= counted.pop("AccessTokenAge") < 60
    assert counted == {
        "MessagesReceived": 4,
        "ProfilesReceived": 3,
        "RecordsDelivered": 2,
        "RequestsSent": 1 + 1,  # the describe, once in an environment
        "MessagesDeferred": 1,
        "MessagesRejected": 1,
        "StatusesWritten": 2,
    }


@pytest.mark.parametrize(("text", "met"), [("AsyncApexExecutions Limit exceeded.", 2), ("UNABLE_TO_LOCK_ROW", None)])
def test_what_waits_for_a_limit_of_the_org_is_told_from_other_waits(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str], text: str, met: int | None
) -> None:
    code = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    stack.org.faults.add(Fault(FaultKind.RECORD_ERROR, records=(an_id(1), an_id(2)), code=code, message=text))

    kept = stack.invoke([a_message(a_profile(n), number=n, sent_at=now_ms()) for n in (1, 2, 3)])

    counted = metrics_in(capsys.readouterr().out)
    assert (kept, counted["MessagesDeferred"]) == (["message-1", "message-2"], 2)
    assert counted.get("LimitsMet") == met


def test_each_metric_has_the_dimensions_by_which_alarms_and_dashboard_ask_for_it(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.invoke([a_message(a_profile(1, statuses={LOYAL: "exited"}), sent_at=now_ms())])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    told = [line["_aws"]["CloudWatchMetrics"][0] for line in lines]
    by = {metric["Name"]: {*each["Dimensions"][0]} for each in told for metric in each["Metrics"]}
    assert by.pop("StatusesWritten") == by.pop("ExitsWritten") == {"service", "destination", "mapping_id"}
    assert len(by) > 5
    assert all(dimensions == {"service", "destination"} for dimensions in by.values())


def test_nothing_of_a_profile_or_of_salesforces_text_is_logged(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = [
        a_profile(1, last_name="MARKED" * 20),
        a_profile(2, email="MARKED at nowhere"),
        a_profile(3, statuses={LOYAL: "MARKED"}),
        a_profile(crm_id="MARKED"),
        a_profile(4, last_name="MARKED", email="marked@example.com"),
    ]
    messages = [a_message(body, number=n, sent_at=now_ms()) for n, body in enumerate([*marked, '{"MARKED": ,}'])]

    stack.invoke(messages)
    stack.org.faults.add(Fault(FaultKind.OUTAGE, message="MARKED"))
    stack.invoke(messages[-2:])

    output = capsys.readouterr()
    assert "batch delivered" in output.out
    assert "marked" not in (output.out + output.err).lower()
    assert stack.secrets.get_secret_value(SecretId=stack.token_id)["SecretString"][20:60] not in output.out


QUIET_KINDS = (FaultKind.LATENCY, FaultKind.LATE)


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in QUIET_KINDS])
def test_no_failure_makes_anything_of_people_show(
    stack: DeliverStack, kind: FaultKind, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    body = '[{"message":"MARKED text of Salesforce","errorCode":"UNKNOWN_EXCEPTION","fields":["Email"]}]'
    text = "MARKED text of Salesforce"
    stack.org.faults.add(
        Fault(kind, path="/composite", status=500, body=body, code="FIELD_INTEGRITY_EXCEPTION", message=text)
    )
    profile = a_profile(1, last_name="MARKED name", email="marked@example.com", statuses={LOYAL: "realized"})
    messages = [a_message(profile, number=1, sent_at=now_ms()), a_message(profile, number=2, sent_at=now_ms())]
    stack.app.started().tokens.wait = 0.1

    stack.invoke(messages)

    shown = capsys.readouterr()
    assert "batch delivered" in shown.out
    assert "marked" not in (shown.out + shown.err + caplog.text).lower()
    secret = stack.secrets.get_secret_value(SecretId=stack.token_id)["SecretString"]
    assert json.loads(secret)["access_token"] not in shown.out + shown.err + caplog.text


def test_a_token_for_a_server_that_is_not_salesforces_is_never_used(stack: DeliverStack) -> None:
    stack.store(json.dumps({"access_token": "t", "instance_url": "https://127.0.0.1/acme.my.salesforce.com"}))

    assert stack.invoke([a_message(sent_at=now_ms())]) == ["message-1"]
    assert stack.api_calls() == 0
    assert stack.refresh_requests() == []


def test_half_a_character_costs_only_its_own_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = (ROOT / "layers" / "destinations" / "contacts.toml").read_text()
    file = tmp_path / "sns.toml"
    file.write_text(text.replace("[identity]", '[profiles]\nselect = "powertools_json(Message)"\n\n[identity]', 1))
    half = json.dumps({"Message": json.dumps(a_profile(1, last_name="Half \ud83d"))})
    whole = json.dumps({"Message": json.dumps(a_profile(2, last_name="Whole"))})
    with mock_aws():
        stack = DeliverStack(monkeypatch, file)

        assert stack.invoke([a_message(half, number=1, sent_at=now_ms()), a_message(whole, number=2)]) == []
        assert stack.contact(an_id(2))["LastName"] == "Whole"
        assert [error_code(letter) for letter in stack.dead_letters()] == ["VALUE_NOT_PLAIN"]


def test_a_code_that_could_be_anything_is_not_logged(stack: DeliverStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.org.faults.add(Fault(FaultKind.RECORD_ERROR, code="marked@example.com", message="x"))

    stack.invoke([a_message(sent_at=now_ms())])

    output = capsys.readouterr().out
    assert "UNREADABLE_CODE" in output
    assert "marked" not in output


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("[" * 10_000 + "]" * 10_000, "NOT_JSON"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "NOT_JSON"),
        ('"' + "x" * 1_044_000 + '"', "NO_PROFILE"),
    ],
    ids=["deep list", "deep object", "a megabyte"],
)
def test_a_monster_ends_as_a_dead_letter_and_its_neighbour_is_delivered(
    stack: DeliverStack, body: str, code: str
) -> None:
    neighbour = a_message(a_profile(1, last_name="Neighbour"), number=2, sent_at=now_ms())

    kept = stack.invoke([a_message(body, number=1, sent_at=now_ms()), neighbour])

    assert stack.contact(an_id(1))["LastName"] == "Neighbour"
    assert kept == []
    assert [(error_code(letter), letter["Body"]) for letter in stack.dead_letters()] == [(code, body)]


@pytest.mark.parametrize("broken", ["dead letters", "delays", "token", "mapping"])
def test_no_failure_of_aws_or_of_ours_makes_anything_of_people_show(
    stack: DeliverStack, broken: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    marked = a_profile(1, last_name="MARKED name", email="marked@example.com", statuses={LOYAL: "MARKED"})
    locked = a_profile(2, last_name="MARKED name")
    stack.org.faults.add(Fault(FaultKind.LOCK, records=(an_id(2),)))
    match broken:
        case "dead letters":
            stack.sqs.delete_queue(QueueUrl=stack.dead_letters_url)
        case "delays":
            stack.sqs.delete_queue(QueueUrl=stack.queue_url)
        case "token":
            stack.store("MARKED, and no token at all")
            stack.app.started().tokens.wait = 0.1
        case "mapping":
            marked["segmentMembership"] = {"ups": {LOYAL: ["MARKED"]}}

    stack.invoke([a_message(body, number=n, sent_at=now_ms()) for n, body in enumerate([marked, locked])])

    shown = capsys.readouterr()
    assert '"messages":2' in shown.out
    assert "marked" not in (shown.out + shown.err + caplog.text).lower()
