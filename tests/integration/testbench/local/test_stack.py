from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from destination_testbench.aws_lambda.emf import metric_sums
from destination_testbench.demo.profiles import expected_fields, profile
from destination_testbench.local.options import Options, find_destination
from destination_testbench.local.stack import LocalStack
from destination_testbench.org import SimulatedOrg, record_id, seed, serve
from local_stack import a_function, wait_until, waiting

QUICK = {"BatchWindowSeconds": 1, "RedeliveryBaseSeconds": 1, "RedeliveryMaxSeconds": 1}

Start = Callable[..., LocalStack]


@pytest.fixture
def org() -> SimulatedOrg:
    org = SimulatedOrg()
    seed(org, contacts=3, leads=3)
    return org


@pytest.fixture
def start(org: SimulatedOrg, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as closing:

        def start(**options: Any) -> LocalStack:
            parameters = {**QUICK, **options.pop("parameters", {})}
            return closing.enter_context(
                LocalStack(Options(state=tmp_path / "state", parameters=parameters, **options), org)
            )

        yield start


def send(stack: LocalStack, body: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    stack.sqs.send_message(QueueUrl=stack.endpoints.queue_url, MessageBody=text)


def record(org: SimulatedOrg, sobject: str, identity: str) -> dict[str, object]:
    return next(record.values for record in org.records(sobject) if record.id == identity)


def dead_letters(stack: LocalStack) -> list[Any]:
    answer = stack.sqs.receive_message(
        QueueUrl=stack.endpoints.dead_letter_queue_url, MessageAttributeNames=["All"], MaxNumberOfMessages=10
    )
    return list(answer.get("Messages", []))


def test_a_message_on_the_queue_changes_the_record_in_the_org(start: Start, org: SimulatedOrg) -> None:
    stack = start()
    identity = record_id("003", 2)

    send(stack, profile(2, identity))

    expected = expected_fields(2)
    wait_until(lambda: expected.items() <= record(org, "Contact", identity).items())
    wait_until(lambda: waiting(stack.sqs, stack.endpoints.queue_url) == (0, 0))
    assert metric_sums(stack.function("DeliverFunction").log)["RecordsDelivered"] == 1


def test_a_bad_message_lies_in_the_dead_letter_queue_with_its_reason(start: Start) -> None:
    stack = start()

    send(stack, "no profile")

    (letter,) = wait_until(lambda: dead_letters(stack))
    assert letter["Body"] == "no profile"
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "NOT_JSON"


def test_a_locked_record_is_written_when_it_is_delivered_again(start: Start, org: SimulatedOrg) -> None:
    identity = record_id("003", 1)
    org.faults.lock([identity], tries=1)
    stack = start()

    send(stack, profile(1, identity))

    wait_until(lambda: expected_fields(1).items() <= record(org, "Contact", identity).items())
    assert metric_sums(stack.function("DeliverFunction").log)["MessagesDeferred"] == 1


def test_another_org_can_take_the_place_of_the_simulated_one(start: Start, org: SimulatedOrg) -> None:
    other = SimulatedOrg()
    seed(other, contacts=1)
    identity = record_id("003", 1)

    with serve(other) as server:
        stack = start(salesforce_url=server.url)
        send(stack, profile(1, identity))

        wait_until(lambda: expected_fields(1).items() <= record(other, "Contact", identity).items())

    assert stack.endpoints.salesforce_url == server.url
    assert "CDP_Loyal__c" not in record(org, "Contact", identity)


def test_another_destination_delivers_leads(start: Start, org: SimulatedOrg) -> None:
    stack = start(destination=find_destination("leads"))
    identity = record_id("00Q", 3)

    send(stack, {**profile(3, identity), "b2b": {"companyName": "Gale Motors"}})

    wait_until(lambda: record(org, "Lead", identity).get("Company") == "Gale Motors")
    assert stack.function("DeliverFunction").environment["DESTINATION_FILE"].endswith("/leads.toml")


def test_a_destination_file_of_ones_own_is_used_where_it_lies(start: Start, org: SimulatedOrg, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = find_destination("contacts").read_text(encoding="utf-8")
    file.write_text(text.replace('"personalEmail.address"', '"workEmail.address"'), encoding="utf-8")
    stack = start(destination=file)
    identity = record_id("003", 1)

    send(stack, {**profile(1, identity), "workEmail": {"address": "at.work@example.com"}})

    wait_until(lambda: record(org, "Contact", identity)["Email"] == "at.work@example.com")


def test_a_function_that_keeps_failing_leaves_the_message_to_the_redrive_policy(start: Start, tmp_path: Path) -> None:
    failing = a_function(tmp_path / "failing", "def lambda_handler(event, context):\n    raise ValueError('as told')\n")
    stack = start(
        functions={"DeliverFunction": failing}, parameters={"VisibilityTimeoutSeconds": 2, "MaxReceiveCount": 2}
    )

    send(stack, "a message")

    (letter,) = wait_until(lambda: dead_letters(stack))
    assert letter["Body"] == "a message"
    assert stack.function("DeliverFunction").log.read_text(encoding="utf-8").count("ValueError: as told") == 2


def test_functions_run_in_the_environment_that_the_template_gives(start: Start) -> None:
    stack = start(environ={"API_USAGE_CEILING_PERCENT": "75"})

    environment = stack.function("DeliverFunction").environment

    assert environment["API_USAGE_CEILING_PERCENT"] == "75"
    assert environment["GIVE_UP_AFTER_SECONDS"] == "432000"
    assert environment["QUEUE_URL"] == stack.endpoints.queue_url
    assert environment["AWS_SAM_LOCAL"] == "true"
    assert "CREDENTIALS_SECRET_ID" not in environment
    assert "CREDENTIALS_SECRET_ID" in stack.function("RefreshTokenFunction").environment


def test_the_first_log_in_is_made_at_the_start(start: Start, org: SimulatedOrg) -> None:
    stack = start()
    secret = stack.cloud.attribute("AccessTokenSecret", "Ref")
    secrets = stack.aws.client("secretsmanager")

    wait_until(lambda: "access_token" in json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"]))

    assert org.log.counts["POST /services/oauth2/token"] == 1


def test_a_function_that_cannot_be_imported_stops_the_start(start: Start, tmp_path: Path) -> None:
    broken = a_function(tmp_path / "broken", "import nowhere_to_be_found")

    with pytest.raises(Exception, match="nowhere_to_be_found"):
        start(functions={"DeliverFunction": broken})

    assert not (tmp_path / "state" / "endpoints.json").exists()


def test_the_connection_is_checked_at_the_start_and_again_by_the_schedule(start: Start, org: SimulatedOrg) -> None:
    stack = start(parameters={"CheckSchedule": "rate(1 minute)"})
    log = stack.function("CheckConnectionFunction").log

    wait_until(lambda: '"message":"connected"' in log.read_text(encoding="utf-8"), 30)

    assert metric_sums(log)["ConnectionProblems"] == 0
    assert metric_sums(stack.function("RefreshTokenFunction").log)["TokenRefreshed"] == 1
