"""Who may do what, with IAM enforced: each role of the stack, and a person with the rights that a command needs."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore
import pytest
import typer.main
from botocore.exceptions import BotoCoreError, ClientError
from builders import LOYAL
from destination_cli.app import app
from destination_testbench.local.places import ACCOUNT_ID, REGION, ROOT
from destination_testbench.org import record_id
from guarded_org import a_guarded_file
from local_stack import wait_until, waiting
from ministack_differences import actions_of_batches
from ministack_side import CONTACTS, CREDENTIALS, Side, a_body
from org_caller import ADMIN
from rights import ANYTHING, LETTERS, OF_COMMANDS, OF_ROLES, QUEUE, SUPPRESSED, TOKEN
from typer.testing import CliRunner

pytestmark = [pytest.mark.ministack, pytest.mark.timeout(300)]

FILE = str(ROOT / "layers" / "destinations" / "contacts.toml")
QUEUES = {name: f"{name}Url" for name in ("Queue", "DeadLetterQueue", "RefreshQueue", "ScheduleDeadLetterQueue")}
SECRETS = ("CredentialsSecret", "AccessTokenSecret", "OutcomeKeySecret", "RefusalSecret")
FUNCTIONS = ("DeliverFunction", "RefreshTokenFunction", "CheckConnectionFunction")
OTHERWISE = {"invoke": "InvokeFunction", "list_objects_v2": "ListBucket"}

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT_ID}}],
}

Call = tuple[str, str, str, dict[str, Any]]
"""A right's service and operation, the logical id that it is for, and the arguments of the call."""


def calls(side: Side) -> Iterator[Call]:
    """What somebody could do with the stack's queues, secrets, logs and functions."""
    handle, out = {"ReceiptHandle": "none"}, side.stack.outputs
    on_queues: Mapping[str, dict[str, Any]] = {
        "send_message": {"MessageBody": "{}"},
        "receive_message": {"VisibilityTimeout": 0},
        "delete_message": handle,
        "change_message_visibility": {**handle, "VisibilityTimeout": 0},
        "get_queue_attributes": {},
        "set_queue_attributes": {"Attributes": {}},
        "purge_queue": {},
        "delete_queue": {},
    }
    for logical_id, output in QUEUES.items():
        for operation, given in on_queues.items():
            fifo = {"MessageGroupId": "it"} if logical_id == "RefreshQueue" and operation == "send_message" else {}
            yield "sqs", operation, logical_id, {"QueueUrl": out[output], **given, **fifo}
    for logical_id in SECRETS:
        arn = out[f"{logical_id}Arn"]
        value = side.aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        for operation in ("get_secret_value", "describe_secret", "delete_secret", "get_resource_policy"):
            yield "secretsmanager", operation, logical_id, {"SecretId": arn}
        for operation in ("put_secret_value", "update_secret"):
            yield "secretsmanager", operation, logical_id, {"SecretId": arn, "SecretString": value}
    in_bucket = {"Bucket": out["SuppressionBucketName"], "Key": "suppressed.json"}
    yield "s3", "list_objects_v2", "SuppressionBucket", {"Bucket": in_bucket["Bucket"]}
    for operation in ("get_object", "put_object", "delete_object"):
        yield "s3", operation, "SuppressionBucket", in_bucket
    event = {"timestamp": int(time.time() * 1000), "message": "it"}
    for logical_id in FUNCTIONS:
        group = {"logGroupName": out[f"{logical_id.removesuffix('Function')}LogGroupName"]}
        log = f"{logical_id.removesuffix('Function')}LogGroup"
        yield "logs", "create_log_stream", log, {**group, "logStreamName": "a-test"}
        yield "logs", "put_log_events", log, {**group, "logStreamName": "a-test", "logEvents": [event]}
        yield "logs", "filter_log_events", log, group
        yield "logs", "delete_log_group", log, group
        name = {"FunctionName": out[f"{logical_id}Name"]}
        yield "lambda", "invoke", logical_id, {**name, "Payload": b"{}"}
        yield "lambda", "delete_function", logical_id, name


def right_of(service: str, operation: str) -> str:
    return f"{service}:{OTHERWISE.get(operation, operation.title().replace('_', ''))}"


def is_refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        return "AccessDenied" in error.response["Error"]["Code"]
    except BotoCoreError:
        raise
    return False


@pytest.mark.parametrize("role", OF_ROLES)
def test_a_role_does_what_it_must_and_is_refused_everything_else(side: Side, role: str) -> None:
    asked = len(list(calls(side)))

    with side.measured(f"{asked} calls of {role}") as said:
        passed = done_by(side, role)
        said.append(f"{len(passed)} passed, {asked - len(passed)} refused")

    assert passed == OF_ROLES[role]
    while side.letters():
        pass


def test_a_right_that_a_role_should_not_have_is_found(side: Side) -> None:
    iam, role = side.aws.client("iam"), side.stack.physical("CheckConnectionRole")
    statement = {"Effect": "Allow", "Action": "sqs:PurgeQueue", "Resource": side.stack.outputs["QueueArn"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="planted", PolicyDocument=policy)

    passed = done_by(side, "CheckConnectionRole")

    iam.delete_role_policy(RoleName=role, PolicyName="planted")
    assert passed - OF_ROLES["CheckConnectionRole"] == {("sqs:PurgeQueue", "Queue")}


def done_by(side: Side, role: str) -> set[tuple[str, str]]:
    """The rights, and what they are on, of all calls that a role may make."""
    credentials, asked = assumed(side, side.stack.physical(role)), list(calls(side))
    clients = {service: side.aws.client(service, credentials) for service in {call[0] for call in asked}}
    return {
        (right_of(service, operation), logical_id)
        for service, operation, logical_id, given in asked
        if not is_refused(lambda: getattr(clients[service], operation)(**given))  # noqa: B023 - called here
    }


def assumed(side: Side, role_name: str) -> dict[str, str]:
    """Credentials of a role, which trusts the test for a moment."""
    iam = side.aws.client("iam")
    role = iam.get_role(RoleName=role_name)["Role"]
    iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=json.dumps(TRUST))
    credentials = side.aws.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]))
    return dict(credentials)


def test_the_roles_of_the_test_are_those_of_the_stack(side: Side) -> None:
    assert {name for name, (kind, _) in side.stack.resources.items() if kind == "AWS::IAM::Role"} == set(OF_ROLES)


ALL = {"Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("role", "secret", "operation"),
    [
        ("DeliverRole", "CredentialsSecret", "get_secret_value"),
        ("DeliverRole", "AccessTokenSecret", "put_secret_value"),
        ("CheckConnectionRole", "CredentialsSecret", "get_secret_value"),
        ("RefreshTokenRole", "CredentialsSecret", "put_secret_value"),
        (None, "AccessTokenSecret", "put_secret_value"),
    ],
)
def test_what_a_secret_denies_is_denied_to_who_may_do_everything(
    side: Side, role: str | None, secret: str, operation: str
) -> None:
    given = {"SecretString": "{}"} if operation.startswith("put") else {}
    iam, name = side.aws.client("iam"), side.stack.physical(role) if role else a_person(side, "administrator", [])
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **ALL}]})
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=policy)
    try:
        client = side.aws.client("secretsmanager", assumed(side, name))

        assert is_refused(lambda: getattr(client, operation)(SecretId=side.stack.outputs[f"{secret}Arn"], **given))
        assert not is_refused(client.list_secrets)
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="everything")


def a_person(side: Side, name: str, statements: list[dict[str, Any]]) -> str:
    """The name of a role with these rights."""
    iam = side.aws.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    find = {"Effect": "Allow", "Action": "cloudformation:DescribeStacks", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [find, *statements]}
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=json.dumps(policy))
    return name


@dataclass(frozen=True)
class Case:
    """A command's words, what is typed, and how it ends."""

    words: tuple[str, ...] = ()
    typed: Callable[[Side], str] = lambda side: ""
    status: int = 0


LOCAL = ROOT / ".local" / "rights"
AS_OF = ("--as-of", "2026-01-11T21:24:39Z", "--ceiling", "200", "--save", str(LOCAL / "old.csv"))
COMPARED = (str(LOCAL / "guarded.toml"), "--audience", LOYAL, "--members", "-", *AS_OF)


def a_list(side: Side) -> str:
    """A list of one contact who is no member yet, beside a file that guards the audience."""
    LOCAL.mkdir(parents=True, exist_ok=True)
    (LOCAL / "old.csv").unlink(missing_ok=True)
    a_guarded_file(LOCAL)
    return side.contacts(1)[0]


CASES: Mapping[str, Case] = {
    "output": Case(("QueueUrl",)),
    "connect": Case(("--from", "-"), lambda side: json.dumps(CREDENTIALS)),
    "check": Case((FILE,)),
    "create-fields": Case((FILE, "--access-token-stdin", "--yes"), lambda side: side.org.admin.log_in(ADMIN)),
    "prove": Case((FILE, "--pairs", "1")),
    "pause": Case(),
    "resume": Case(),
    "send": Case(("-",), lambda side: a_body("of-nobody")),
    "status": Case((), status=1),
    "dead-letters": Case((), status=1),
    "dead-letters --redrive": Case(),
    "explain": Case((record_id("003", CONTACTS),), status=1),
    "erase": Case((record_id("003", CONTACTS),), status=1),
    "count": Case((FILE,)),
    "reconcile": Case(COMPARED, a_list, status=1),
    "reconcile --yes": Case(COMPARED, a_list),
}
"""In this order: what `send` sends is rejected, for those that come after it."""


def commands_of_a_stack() -> set[str]:
    commands: dict[str, Any] = getattr(typer.main.get_command(app), "commands", {})
    return {
        name
        for name, command in commands.items()
        if any("--stack" in getattr(parameter, "opts", ()) for parameter in command.params)
    }


def test_every_command_of_a_stack_is_tried() -> None:
    assert commands_of_a_stack() == {name.partition(" ")[0] for name in CASES}
    assert CASES.keys() == OF_COMMANDS.keys()


def things(side: Side) -> dict[str, str]:
    """What the rights are on, by the words of the table: its ARN."""
    out = side.stack.outputs

    def queue(output: str) -> str:
        return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{out[output].rpartition('/')[2]}"

    def function(output: str) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{out[output]}"

    def log(output: str) -> str:
        return f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{out[output]}*"  # see "logs" in the differences

    return {
        QUEUE: queue("QueueUrl"),
        LETTERS: queue("DeadLetterQueueUrl"),
        "the refresh queue": queue("RefreshQueueUrl"),
        "the alarm topic": out["AlarmTopicArn"],
        TOKEN: out["AccessTokenSecretArn"],
        "the credentials": out["CredentialsSecretArn"],
        "the outcome key": out["OutcomeKeySecretArn"],
        SUPPRESSED: f"arn:aws:s3:::{out['SuppressionBucketName']}*",
        "the kept refusal": out["RefusalSecretArn"],
        "the deliver function's log": log("DeliverLogGroupName"),
        "the refresh-token function's log": log("RefreshTokenLogGroupName"),
        "the check-connection function": function("CheckConnectionFunctionName"),
        "the deliver function": function("DeliverFunctionName"),
        "the stack and its nested stacks": f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{side.stack.name}*",
        ANYTHING: "*",
    }


NAMES = ("Bucket", "QueueUrl", "SecretId", "TopicArn", "logGroupName", "FunctionName")


FREE = {"sts:GetCallerIdentity", "cloudformation:DescribeStacks"}
OF_NO_RESOURCE = {"ListEventSourceMappings"}
WITHOUT_A_NAME = {ANYTHING, "the stack and its nested stacks"}


class Recorder:
    """Notes each call that a session makes which was made meanwhile: the right that it needs, and on what."""

    def __init__(self, side: Side) -> None:
        self.used: set[tuple[str, str]] = set()
        named = {name: arn for name, arn in things(side).items() if name not in WITHOUT_A_NAME}
        self._names = {arn.removesuffix("*").rpartition(":")[2]: name for name, arn in named.items()}

    @contextmanager
    def listening(self) -> Iterator[None]:
        botocore.register_initializer(self._register)
        yield
        botocore.unregister_initializer(self._register)

    def _register(self, session: Any) -> None:
        session.register("provide-client-params", self._note)

    def _note(self, params: Mapping[str, Any], model: Any, **more: Any) -> None:
        given = next((str(value) for name, value in params.items() if name in NAMES), "")
        given = "" if model.name in OF_NO_RESOURCE else given
        on = self._names.get(given.rpartition("/" if "//" in given else ":")[2], "")
        name = {"Invoke": "InvokeFunction"}.get(model.name, model.name.removesuffix("Batch"))
        self.used.add((f"{model.service_model.service_name}:{name}", on))


@pytest.mark.parametrize("command", CASES)
def test_a_command_runs_with_the_rights_of_the_table_and_uses_each(
    side: Side, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arns, rights = things(side), OF_COMMANDS[command]
    allowed = [
        actions_of_batches({"Effect": "Allow", "Action": list(it.actions), "Resource": arns[it.on]}) for it in rights
    ]
    person = assumed(side, a_person(side, f"person-{command.replace(' ', '')}", allowed))
    keys = {"ACCESS_KEY_ID": "AccessKeyId", "SECRET_ACCESS_KEY": "SecretAccessKey", "SESSION_TOKEN": "SessionToken"}
    for name, value in {**side.aws.environ, **{f"AWS_{name}": person[key] for name, key in keys.items()}}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(side.aws.trust.certificate))
    recorder, case = Recorder(side), CASES[command]

    with side.measured(f"destination {command}") as said:
        words = [*command.split(), *case.words, "--stack", side.stack.name]
        with recorder.listening():
            ran = CliRunner().invoke(app, words, input=case.typed(side))
        said.append(f"{len(recorder.used)} rights used, ended with {ran.exit_code}")

    assert (ran.exit_code, "may not" in ran.output) == (case.status, False), told(ran)
    table = {(action, "" if it.on in WITHOUT_A_NAME else it.on) for it in rights for action in it.actions if it.always}
    conditional = {(action, it.on) for it in rights for action in it.actions if not it.always}
    used = {(action, on) for action, on in recorder.used if action not in FREE}
    assert used - conditional == table
    if command == "send":
        wait_until(lambda: waiting(side.aws.client("sqs"), side.stack.outputs["DeadLetterQueueUrl"]) == (1, 0), 30)


def told(ran: Any) -> str:
    """What a command printed, and the exception that ended it."""
    return str(ran.output) + "".join(traceback.format_exception(ran.exception) if ran.exception else ())
