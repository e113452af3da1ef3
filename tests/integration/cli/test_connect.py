"""`destination connect`: credentials are tried against an org, and only those that work are stored."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from destination_cli.app import app
from destination_testbench.local.options import StackOptions
from destination_testbench.local.stack import LocalStack
from destination_testbench.org import SimulatedOrg
from logins import rsa_pem
from typer.testing import CliRunner, Result

SECRETS = (
    "local-client-secret",
    "wrong-client-secret",
    "local-password",
    "local-security-token",
    "local-refresh-token",
)


@pytest.fixture(scope="module")
def org() -> SimulatedOrg:
    return SimulatedOrg()


@pytest.fixture(scope="module")
def stack(org: SimulatedOrg, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    parameters = {"CredentialsRotate": "true"}
    with LocalStack(StackOptions(state=tmp_path_factory.mktemp("state"), parameters=parameters), org) as stack:
        yield stack


@pytest.fixture(autouse=True)
def no_log_ins_yet(stack: LocalStack) -> None:
    """The stack pauses after three log-ins; each test begins as if there had been none."""
    secrets, name = stack.aws.client("secretsmanager"), stack.cloud.attribute("AccessTokenSecret", "Ref")
    token = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    token.pop("log_ins_paid_until", None)
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(token))


def credentials(stack: LocalStack, **changes: Any) -> str:
    values = {
        "grant_type": "client_credentials",
        "domain": stack.salesforce_url,
        "client_id": "local-client-id",
        "client_secret": "local-client-secret",
    }
    return json.dumps({**values, **changes})


def stored(stack: LocalStack) -> dict[str, Any]:
    secret = stack.cloud.attribute("CredentialsSecret", "Ref")
    return dict(json.loads(stack.aws.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]))


def connect(stack: LocalStack, *more: str, typed: str = "") -> Result:
    arguments = ["connect", "--local", "--state", str(stack.options.state), *more]
    return CliRunner().invoke(app, arguments, input=typed, env={"COLUMNS": "100"})


def no_secret_in(output: str) -> bool:
    return not any(secret in output for secret in SECRETS)


def test_credentials_that_work_are_stored_and_the_stack_logs_in_by_them(stack: LocalStack, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(credentials(stack, org_id="00DAb0000000001"))

    result = connect(stack, "--from", str(file))

    assert result.exit_code == 0, result.output
    assert "✓ Connected" in result.output
    assert stored(stack)["org_id"] == "00DAb0000000001"
    assert no_secret_in(result.output)


def test_standard_input_is_read_and_programs_get_their_answer(stack: LocalStack) -> None:
    result = connect(stack, "--from", "-", "--json", typed=credentials(stack))

    answer = json.loads(result.output)
    assert (answer["stored"], answer["token"], answer["org_id"]) == (True, True, "00DAb0000000001")
    assert answer["instance_url"] == stack.salesforce_url


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"client_secret": "wrong-client-secret"}, "CLIENT_SECRET_WRONG", "Copy the app's Consumer Secret again"),
        ({"client_id": "unknown"}, "CLIENT_ID_UNKNOWN", "Copy the app's Consumer Key again"),
        ({"client_secret": None}, "CREDENTIALS_INVALID", "It is the Consumer Secret of the app"),
        ({"domain": "acme.lightning.force.com"}, "CREDENTIALS_INVALID", "Setup > My Domain shows it"),
        ({"grant_type": "client_credential"}, "CREDENTIALS_INVALID", "Did you mean client_credentials?"),
        ({"org_id": "00D000000000001"}, "ORG_ID_DIFFERS", "Setup > Company Information"),
    ],
)
def test_credentials_that_do_not_work_are_not_stored_and_what_to_change_is_said(
    stack: LocalStack, changes: dict[str, Any], code: str, words: str
) -> None:
    before = stored(stack)

    result = connect(stack, "--from", "-", typed=credentials(stack, **changes))

    assert result.exit_code == 1
    assert code in result.output
    assert words in " ".join(result.output.split())
    assert "Nothing was stored." in result.output
    assert stored(stack) == before
    assert no_secret_in(result.output)


def test_an_app_without_a_run_as_user_is_named_as_a_setting_of_salesforce(stack: LocalStack, org: SimulatedOrg) -> None:
    (oauth_app,) = org.oauth.apps.values()
    run_as, oauth_app.run_as = oauth_app.run_as, None

    result = connect(stack, "--from", "-", typed=credentials(stack))
    oauth_app.run_as = run_as

    assert (result.exit_code, "RUN_AS_USER_MISSING" in result.output) == (1, True)
    assert "set the integration user as Run As" in " ".join(result.output.split())


def test_a_server_that_does_not_answer_is_no_mistake_in_the_credentials(stack: LocalStack) -> None:
    result = connect(stack, "--from", "-", typed=credentials(stack, domain="http://127.0.0.1:9"))

    assert result.exit_code == 2
    assert "LOGIN_UNREACHABLE" in result.output
    assert "from your machine" in " ".join(result.output.split())


def test_a_refresh_token_that_is_replaced_by_the_try_is_stored_as_the_new_one(
    stack: LocalStack, org: SimulatedOrg
) -> None:
    org.config.rotate_refresh_tokens = True
    given = {"grant_type": "refresh_token", "refresh_token": "local-refresh-token"}

    result = connect(stack, "--from", "-", typed=credentials(stack, **given))
    org.config.rotate_refresh_tokens = False

    assert result.exit_code == 0, result.output
    assert stored(stack)["refresh_token"] != "local-refresh-token"
    assert stored(stack)["refresh_token"] not in result.output


def test_a_grant_that_the_stack_would_not_use_is_not_tried(stack: LocalStack, org: SimulatedOrg) -> None:
    file = stack.options.state / "stack.json"
    text = file.read_text()
    file.write_text(text.replace('"CredentialsRotate": "true"', '"CredentialsRotate": "false"'))
    logins = org.log.counts["POST /services/oauth2/token"]

    result = connect(stack, "--from", "-", typed=credentials(stack, grant_type="refresh_token", refresh_token="x"))
    file.write_text(text)

    assert (result.exit_code, "ROTATION_FORBIDDEN" in result.output) == (1, True)
    assert org.log.counts["POST /services/oauth2/token"] == logins


def test_a_file_that_is_not_there_is_said_to_be(stack: LocalStack) -> None:
    result = connect(stack, "--from", "nowhere.json")

    assert result.exit_code == 2
    assert "nowhere.json cannot be read" in result.output


def test_a_password_store_that_printed_nothing_is_not_taken_for_an_empty_secret(
    stack: LocalStack, tmp_path: Path
) -> None:
    empty = tmp_path / "credentials.json"
    empty.write_text("\n")

    piped, read = connect(stack, "--from", "-", typed=""), connect(stack, "--from", str(empty))

    assert (piped.exit_code, read.exit_code) == (2, 2)
    assert "Standard input is empty." in piped.output
    assert "credentials.json is empty." in " ".join(read.output.split())


class Terminal:
    """A person at a terminal: reads what the command says and types when it asks."""

    def __init__(self, *arguments: str) -> None:
        self._own, theirs = pty.openpty()
        self.said = ""
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from destination_cli.app import main; main()", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "100", "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(theirs)

    def answer(self, question: str, typed: str) -> None:
        start = len(self.said)
        # The blank behind the colon comes when the terminal shows nothing of what is typed any more.
        self._read_until(lambda: re.search(rf"{question}[^\n]*: $", self.said[start:]))
        os.write(self._own, f"{typed}\n".encode())

    def end(self) -> int:
        self._read_until(lambda: self._process.poll() is not None)
        os.close(self._own)
        return self._process.wait()

    def _read_until(self, done: Any, seconds: float = 60.0) -> None:
        give_up_at = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < give_up_at, self.said
            if select.select([self._own], [], [], 0.2)[0]:
                try:
                    self.said += os.read(self._own, 4096).decode(errors="replace")
                except OSError:
                    self._process.wait(5)
                    return


def test_a_person_is_asked_for_what_the_grant_needs_and_secrets_are_not_shown(stack: LocalStack) -> None:
    terminal = Terminal("connect", "--local", "--state", str(stack.options.state))

    terminal.answer("grant_type", "client_credentials")
    terminal.answer("domain", stack.salesforce_url)
    terminal.answer("client_id", "local-client-id")
    terminal.answer("client_secret", "local-client-secret")
    status = terminal.end()

    assert status == 0, terminal.said
    assert "Consumer Key" in terminal.said
    assert "✓ Connected" in terminal.said
    assert no_secret_in(terminal.said)
    assert stored(stack)["client_secret"] == "local-client-secret"


def test_the_old_grant_asks_for_the_security_token_too(stack: LocalStack) -> None:
    terminal = Terminal("connect", "--grant", "password", "--local", "--state", str(stack.options.state))

    terminal.answer("domain", stack.salesforce_url)
    terminal.answer("client_id", "local-client-id")
    terminal.answer("client_secret", "local-client-secret")
    terminal.answer("username", "integration@example.com")
    terminal.answer("password", "local-password")
    terminal.answer("security_token", "local-security-token")
    status = terminal.end()

    assert status == 0, terminal.said
    assert no_secret_in(terminal.said)


def test_a_key_is_read_from_its_file(stack: LocalStack, org: SimulatedOrg, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(rsa_pem().encode(), None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    (oauth_app,) = org.oauth.apps.values()
    oauth_app.public_key = key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    file = tmp_path / "key.pem"
    file.write_text(rsa_pem())
    terminal = Terminal("connect", "--grant", "jwt_bearer", "--local", "--state", str(stack.options.state))

    terminal.answer("domain", stack.salesforce_url)
    terminal.answer("client_id", "local-client-id")
    terminal.answer("username", "integration@example.com")
    terminal.answer("private_key", str(tmp_path / "nowhere.pem"))
    terminal.answer("private_key", str(file))
    status = terminal.end()

    assert status == 0, terminal.said
    assert "nowhere.pem cannot be read" in terminal.said
    assert stored(stack)["private_key"] == rsa_pem()
