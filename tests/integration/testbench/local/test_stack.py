from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from destination_cli.checkout import read_stack_file
from destination_testbench.demo.delivery import metric_sums
from destination_testbench.demo.profiles import expected_fields, profile
from destination_testbench.local.options import StackOptions, find_destination
from destination_testbench.local.stack import LocalStack, add_campaigns
from destination_testbench.org import SimulatedOrg, record_id, seed, serve
from local_stack import a_function, dead_letters, reset, wait_until, waiting

QUICK = {"BatchWindowSeconds": 1, "RedeliveryBaseSeconds": 1, "RedeliveryMaxSeconds": 1}

StartAnother = Callable[..., LocalStack]


@pytest.fixture(scope="module")
def org() -> SimulatedOrg:
    """Each test takes a record of its own."""
    org = SimulatedOrg()
    seed(org, contacts=6, leads=3)
    return org


@pytest.fixture(scope="module")
def running(org: SimulatedOrg, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    options = StackOptions(
        state=tmp_path_factory.mktemp("running") / "state",
        parameters={**QUICK, "CheckSchedule": "rate(1 minute)"},
        environ={"API_USAGE_CEILING_PERCENT": "75"},
    )
    with LocalStack(options, org) as stack:
        yield stack


@dataclass(frozen=True, slots=True)
class Start:
    """What a stack did by itself."""

    token: str
    log_ins: int
    checked: Counter[str]
    refreshed: Counter[str]


@pytest.fixture(scope="module")
def at_start(running: LocalStack, org: SimulatedOrg) -> Start:
    log = running.function("CheckConnectionFunction").log
    wait_until(lambda: '"message":"connected"' in log.read_text(encoding="utf-8"), 30)
    secret = running.cloud.attribute("AccessTokenSecret", "Ref")
    return Start(
        token=running.aws.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"],
        log_ins=org.log.counts["POST /services/oauth2/token"],
        checked=metric_sums(log),
        refreshed=metric_sums(running.function("RefreshTokenFunction").log),
    )


@pytest.fixture
def stack(running: LocalStack, org: SimulatedOrg, at_start: StartAnother) -> LocalStack:
    """The stack that most tests share, as it was at the start."""
    reset(running, org)
    return running


@pytest.fixture
def start(org: SimulatedOrg, tmp_path: Path) -> Iterator[StartAnother]:
    """Start another stack, for what cannot be changed while one runs."""
    with ExitStack() as closing:

        def start(**options: Any) -> LocalStack:
            parameters = {**QUICK, **options.pop("parameters", {})}
            return closing.enter_context(
                LocalStack(StackOptions(state=tmp_path / "state", parameters=parameters, **options), org)
            )

        yield start


def send(stack: LocalStack, body: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    stack.sqs.send_message(QueueUrl=stack.endpoints.queue_url, MessageBody=text)


def record(org: SimulatedOrg, sobject: str, identity: str) -> dict[str, object]:
    return next(record.values for record in org.records(sobject) if record.id == identity)


def test_a_message_on_the_queue_changes_the_record_in_the_org(stack: LocalStack, org: SimulatedOrg) -> None:
    identity = record_id("003", 2)

    send(stack, profile(2, identity))

    expected = expected_fields(2)
    wait_until(lambda: expected.items() <= record(org, "Contact", identity).items())
    wait_until(lambda: waiting(stack.sqs, stack.endpoints.queue_url) == (0, 0))
    assert metric_sums(stack.function("DeliverFunction").log)["RecordsDelivered"] == 1


def test_a_bad_message_lies_in_the_dead_letter_queue_with_its_reason(stack: LocalStack) -> None:
    send(stack, "no profile")

    (letter,) = wait_until(lambda: dead_letters(stack))
    assert letter["Body"] == "no profile"
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "NOT_JSON"


def test_a_locked_record_is_written_when_it_is_delivered_again(stack: LocalStack, org: SimulatedOrg) -> None:
    identity = record_id("003", 1)
    org.faults.lock([identity], tries=1)

    send(stack, profile(1, identity))

    wait_until(lambda: expected_fields(1).items() <= record(org, "Contact", identity).items())
    assert metric_sums(stack.function("DeliverFunction").log)["MessagesDeferred"] == 1


def test_functions_run_in_the_environment_that_the_template_gives(stack: LocalStack) -> None:
    environment = stack.function("DeliverFunction").environment

    assert environment["API_USAGE_CEILING_PERCENT"] == "75"
    assert environment["GIVE_UP_AFTER_SECONDS"] == "432000"
    assert environment["QUEUE_URL"] == stack.endpoints.queue_url
    assert environment["AWS_SAM_LOCAL"] == "true"
    assert (environment["AWS_LAMBDA_LOG_FORMAT"], environment["AWS_LAMBDA_LOG_LEVEL"]) == ("JSON", "INFO")
    assert "CREDENTIALS_SECRET_ID" not in environment
    assert "CREDENTIALS_SECRET_ID" in stack.function("RefreshTokenFunction").environment


def test_lambdas_log_level_leaves_metrics_and_lines(stack: LocalStack) -> None:
    log = stack.function("DeliverFunction").log

    send(stack, profile(2, record_id("003", 2)))

    wait_until(lambda: metric_sums(log)["RecordsDelivered"])
    assert '"level":"INFO"' in log.read_text(encoding="utf-8")


def test_the_first_log_in_is_made_and_the_connection_checked_at_the_start(at_start: Start) -> None:
    assert "access_token" in json.loads(at_start.token)
    assert at_start.log_ins == 1
    assert at_start.checked["ConnectionProblems"] == 0
    assert at_start.refreshed["TokenRefreshed"] == 1


def test_there_is_no_front_door_unless_it_is_switched_on(stack: LocalStack) -> None:
    described = read_stack_file(stack.options.state)

    assert stack.http_endpoint_url is None
    assert "http" not in (stack.options.state / "endpoints.json").read_text(encoding="utf-8").replace("http://", "")
    assert described is not None
    assert "HttpEndpointUrl" not in described.outputs


def test_another_org_and_a_destination_file_of_ones_own_take_the_place_of_what_is_here(
    start: StartAnother, org: SimulatedOrg, tmp_path: Path
) -> None:
    other, file, identity = SimulatedOrg(), tmp_path / "mine.toml", record_id("003", 3)
    seed(other, contacts=3)
    text = find_destination("contacts").read_text(encoding="utf-8")
    file.write_text(text.replace('"personalEmail.address"', '"workEmail.address"'), encoding="utf-8")

    with serve(other) as server:
        stack = start(salesforce_url=server.url, destination=file)
        send(stack, {**profile(3, identity), "workEmail": {"address": "at.work@example.com"}})

        wait_until(lambda: record(other, "Contact", identity)["Email"] == "at.work@example.com")

    assert record(other, "Contact", identity)["LastName"] == expected_fields(3)["LastName"]
    assert stack.endpoints.salesforce_url == server.url
    assert "CDP_Loyal__c" not in record(org, "Contact", identity)


def test_another_destination_delivers_leads_that_it_finds_by_their_address(
    start: StartAnother, org: SimulatedOrg
) -> None:
    stack = start(destination=find_destination("people"))
    identity = record_id("00Q", 3)
    address = record(org, "Lead", identity)["Email"]

    send(stack, {"personalEmail": {"address": address}, "person": {"name": {"lastName": "Ito"}}})

    wait_until(lambda: record(org, "Lead", identity).get("LastName") == "Ito")
    assert stack.function("DeliverFunction").environment["DESTINATION_FILE"].endswith("/people.toml")


def test_a_function_that_keeps_failing_leaves_the_message_to_the_redrive_policy(
    start: StartAnother, tmp_path: Path
) -> None:
    failing = a_function(tmp_path / "failing", "def lambda_handler(event, context):\n    raise ValueError('as told')\n")
    stack = start(
        functions={"DeliverFunction": failing}, parameters={"VisibilityTimeoutSeconds": 2, "MaxReceiveCount": 2}
    )

    send(stack, "a message")

    (letter,) = wait_until(lambda: dead_letters(stack))
    assert letter["Body"] == "a message"
    assert stack.function("DeliverFunction").log.read_text(encoding="utf-8").count("ValueError: as told") == 2


def test_a_function_that_cannot_be_imported_stops_the_start(start: StartAnother, tmp_path: Path) -> None:
    broken = a_function(tmp_path / "broken", "import nowhere_to_be_found")

    with pytest.raises(Exception, match="nowhere_to_be_found"):
        start(functions={"DeliverFunction": broken})

    assert not (tmp_path / "state" / "endpoints.json").exists()


def test_the_campaigns_of_the_file_are_in_the_org(tmp_path: Path) -> None:
    org, file, known = SimulatedOrg(), tmp_path / "contacts.toml", "701Ab0000000001IAA"
    lines = [
        'name = "Contacts"\nsalesforce_object = "Contact"\n[identity]\nsource = "id"\ntarget = "SalesforceId"',
        '[[audiences]]\nid = "a"\ncampaign = { name = "Autumn" }',
        'member_status = { realized = "Invited", exited = "Gone" }',
        f'[[audiences]]\nid = "b"\nname = "B"\ncampaign = "{known}"',
        'member_status = { realized = "Sent", exited = "Left" }',
    ]
    file.write_text("\n".join(lines), encoding="utf-8")

    made = add_campaigns(org, file)

    assert {record.id: record.get("Name") for record in org.records("Campaign")} == {made["a"]: "Autumn", known: "B"}
    assert [record.get("Label") for record in org.records("CampaignMemberStatus")] == [
        *("Sent", "Responded", "Invited", "Gone"),
        *("Sent", "Responded", "Left"),
    ]
