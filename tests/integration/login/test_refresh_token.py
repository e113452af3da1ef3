from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from logins import GRANT_VALUES, ORG_ID, TOKEN, Answering, Reply, TokenEndpoint, a_refusal, a_secret, an_answer
from moto import mock_aws
from refresh_function import SCHEDULE, Failing, Stack, an_event, refused
from requests.exceptions import ReadTimeout
from salesforce_destination.aws.token_store import PAID_UNTIL, TokenStore
from salesforce_destination.login.token import AccessToken
from salesforce_destination.salesforce.oauth import TIMEOUT

EVENTS = Path(__file__).parents[3] / "events"
TEMPLATE = (Path(__file__).parents[3] / "template.yaml").read_text()
STORED = AccessToken("00D!stored", "https://acme.my.salesforce.com", "1")
DONE: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}
KEPT = {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(monkeypatch)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metrics_in(written: list[dict[str, Any]]) -> list[str]:
    emf = [line["_aws"]["CloudWatchMetrics"][0] for line in written if "_aws" in line]
    return [metric["Name"] for directive in emf for metric in directive["Metrics"]]


def put_token(stack: Stack, token: AccessToken) -> None:
    stack.secrets.put_secret_value(SecretId=stack.access_token_id, SecretString=token.to_secret())


def put_credentials(stack: Stack, text: str) -> None:
    stack.secrets.put_secret_value(SecretId=stack.credentials_id, SecretString=text)


def an_aws_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {}}, "PutSecretValue")


@pytest.mark.parametrize("grant_type", GRANT_VALUES)
def test_each_grant_gets_a_token_into_the_secret(
    grant_type: str, stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    put_credentials(stack, a_secret(grant_type, org_id=ORG_ID))

    result = stack.function(TokenEndpoint()).lambda_handler(an_event(SCHEDULE), None)

    assert result == DONE
    assert stack.stored_token() == AccessToken(TOKEN, "https://acme.my.salesforce.com", "1736530186928")
    assert metrics_in(lines(capsys)) == ["TokenRefreshed"]


def test_the_sample_event_is_a_refresh(stack: Stack) -> None:
    events = sorted(EVENTS.glob("refresh_token*.json"))

    results = [stack.function(TokenEndpoint()).lambda_handler(json.loads(path.read_text()), None) for path in events]

    assert results == [DONE]
    assert stack.stored_token() is not None


def test_a_metric_says_which_destination_it_is_about(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.function(TokenEndpoint()).lambda_handler(an_event(SCHEDULE), None)

    [metric] = [line for line in lines(capsys) if "_aws" in line]
    directive = metric["_aws"]["CloudWatchMetrics"][0]
    assert directive["Namespace"] == "SalesforceDestination"
    assert sorted(directive["Dimensions"][0]) == ["destination", "service"]
    assert metric["destination"] == "contacts"


def test_a_refresh_token_is_not_used_where_the_next_one_could_not_be_stored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with mock_aws():
        stack = Stack(monkeypatch, a_secret("refresh_token"))
        monkeypatch.setenv("CREDENTIALS_ROTATE", "false")
        endpoint = TokenEndpoint()

        result = stack.function(endpoint).lambda_handler(an_event(SCHEDULE), None)

        assert result["batchItemFailures"]
        assert endpoint.requests == []
        assert "Deploy with CredentialsRotate=true" in capsys.readouterr().out


def test_a_refusal_of_a_token_that_is_replaced_already_does_nothing(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    put_token(stack, STORED)
    endpoint = TokenEndpoint()

    result = stack.function(endpoint).lambda_handler(an_event(refused(AccessToken("old", STORED.instance_url))), None)

    assert result == DONE
    assert endpoint.requests == []
    assert stack.stored_token() == STORED
    assert metrics_in(lines(capsys)) == []


@pytest.mark.parametrize("message", [refused(STORED), SCHEDULE])
def test_the_stored_token_is_replaced_when_it_is_refused_and_by_the_schedule(message: str, stack: Stack) -> None:
    put_token(stack, STORED)

    stack.function(TokenEndpoint()).lambda_handler(an_event(message), None)

    assert stack.stored_token() == AccessToken(TOKEN, "https://acme.my.salesforce.com", "1736530186928")


def test_a_hundred_messages_about_one_refused_token_are_one_log_in(stack: Stack) -> None:
    put_token(stack, STORED)
    endpoint = TokenEndpoint()
    app = stack.function(endpoint)

    results = [app.lambda_handler(an_event(refused(STORED)), None) for _ in range(100)]

    assert results == [DONE] * 100
    assert len(endpoint.requests) == 1


def test_a_token_refused_after_another_is_replaced_after_another(stack: Stack) -> None:
    numbers = count(1)
    endpoint = TokenEndpoint(lambda form: Reply(body=an_answer(access_token=f"00D!{next(numbers)}")))
    app = stack.function(endpoint)

    stored = []
    for _ in range(3):
        app.lambda_handler(an_event(refused(stack.stored_token())), None)
        token = stack.stored_token()
        assert token is not None
        stored.append(token.value)

    assert stored == ["00D!1", "00D!2", "00D!3"]


def test_the_same_token_given_anew_is_stored_with_its_new_time(stack: Stack) -> None:
    app = stack.function(TokenEndpoint(Reply(body=an_answer()), Reply(body=an_answer(issued_at="2"))))

    results = [app.lambda_handler(an_event(SCHEDULE), None) for _ in range(2)]

    assert results == [DONE, DONE]
    assert stack.stored_token() == AccessToken(TOKEN, "https://acme.my.salesforce.com", "2")


def test_a_token_is_used_before_it_is_stored(stack: Stack) -> None:
    endpoint = TokenEndpoint()

    stack.function(endpoint).lambda_handler(an_event(SCHEDULE), None)

    [use] = endpoint.uses
    assert use.url == "https://acme.my.salesforce.com/services/data/v62.0"
    assert use.headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_token_that_is_refused_at_once_is_not_stored(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    put_token(stack, STORED)
    endpoint = TokenEndpoint()
    endpoint.use_answer = Reply(401, [{"message": "MARK", "errorCode": "INVALID_SESSION_ID"}])

    assert stack.function(endpoint).lambda_handler(an_event(SCHEDULE), None) == KEPT

    written = capsys.readouterr().out
    assert stack.stored_token() == STORED
    assert "NEW_TOKEN_REFUSED" in written
    assert "MARK" not in written
    assert TOKEN not in written


class LogIns:
    """The refresh function through days: `at` has the time of each log-in, `errors` what the log said at each call."""

    def __init__(self, stack: Stack, *answers: Answering) -> None:
        self.stack, self.time, self.at = stack, 1_767_571_200.0, list[float]()
        self.endpoint = TokenEndpoint(*answers)
        self.app = self.new_environment()

    def new_environment(self) -> Any:
        app = self.stack.function(self.endpoint)
        self.stack.surround(app, self.stack.secrets, lambda: self.time)
        return app

    def ask(self, body: str = SCHEDULE) -> object:
        before = len(self.endpoint.requests)
        result = self.app.lambda_handler(an_event(body), None)
        self.at += [self.time] * (len(self.endpoint.requests) - before)
        return result

    def most_in_ten_minutes(self) -> int:
        return max(sum(first <= time < first + 600 for time in self.at) for first in self.at)


BLOCKED = a_refusal("OAUTH_APP_BLOCKED", "this app is blocked by admin")


@pytest.mark.parametrize("answer", [BLOCKED, Reply(503), ReadTimeout("MARK"), Reply(body=an_answer())])
def test_whatever_is_wrong_no_ten_minutes_see_a_fourth_log_in(answer: Answering, stack: Stack) -> None:
    logins = LogIns(stack, answer)

    for minute in range(60):
        if minute % 7 == 0:
            logins.app = logins.new_environment()  # what is counted outlives an environment
        logins.ask()
        logins.time += 60

    assert logins.most_in_ten_minutes() == 3
    assert logins.at[:3] == [logins.at[0] + 60 * number for number in range(3)]
    # Then one in ten minutes: the day has less versions of the secret than Secrets Manager forgets.
    assert len(logins.at) == 3 + 5


def test_a_pause_is_told_and_ends_by_itself(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    logins = LogIns(stack, *[BLOCKED] * 3, Reply(body=an_answer()))
    tried = [logins.ask() for _ in range(3)]
    capsys.readouterr()

    paused = logins.ask()
    written = lines(capsys)
    logins.time += 600
    after = logins.ask()

    assert (tried, paused, after) == ([KEPT] * 3, KEPT, DONE)
    assert [(line["level"], line["message"], line["code"]) for line in written] == [
        ("WARNING", "log-ins pause", "LOG_INS_SPENT")
    ]
    assert stack.stored_token() is not None


def test_a_mistake_in_the_credentials_is_no_log_in(stack: Stack) -> None:
    put_credentials(stack, "{}")
    logins = LogIns(stack)
    for _ in range(9):
        logins.ask()
    put_credentials(stack, a_secret())

    assert logins.ask() == DONE


def test_a_log_in_that_cannot_be_counted_is_not_made(stack: Stack) -> None:
    endpoint = TokenEndpoint()
    app = stack.function(endpoint)
    stack.surround(app, Failing(stack.secrets, [an_aws_error("AccessDeniedException")], call="put_secret_value"))

    assert app.lambda_handler(an_event(SCHEDULE), None) == KEPT
    assert endpoint.requests == []


@pytest.mark.parametrize("noted", ["soon", -1e12, 1e30, None, [], True])
def test_a_spoiled_count_does_not_stop_log_ins_for_good(noted: object, stack: Stack) -> None:
    secret = json.dumps({"access_token": "00D!x", "instance_url": "https://acme.my.salesforce.com", PAID_UNTIL: noted})
    stack.secrets.put_secret_value(SecretId=stack.access_token_id, SecretString=secret)
    logins = LogIns(stack)

    logins.ask()
    logins.time += 600

    assert logins.ask() == DONE


@pytest.mark.parametrize("body", ["", "not json", '{"reason": "other"}', "[]"])
def test_a_message_that_is_not_ours_does_not_hold_up_the_queue(body: str, stack: Stack) -> None:
    endpoint = TokenEndpoint()

    assert stack.function(endpoint).lambda_handler(an_event(body), None) == DONE
    assert endpoint.requests == []


def test_from_the_first_failure_on_a_batch_is_kept_in_its_order(stack: Stack) -> None:
    endpoint = TokenEndpoint(Reply(body=an_answer()), Reply(503), Reply(body=an_answer()))
    event = {"Records": [{"messageId": name, "body": SCHEDULE} for name in ("m-1", "m-2", "m-3")]}

    result = stack.function(endpoint).lambda_handler(event, None)

    assert result == {"batchItemFailures": [{"itemIdentifier": "m-2"}, {"itemIdentifier": "m-3"}]}
    assert len(endpoint.requests) == 2


def test_wrong_credentials_are_named_and_tried_again_when_the_message_comes_back(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = TokenEndpoint(a_refusal("invalid_client", "invalid client credentials"), Reply(body=an_answer()))
    app = stack.function(endpoint)

    first = app.lambda_handler(an_event(refused(None)), None)
    written = lines(capsys)
    second = app.lambda_handler(an_event(refused(None)), None)

    assert (first, second) == (KEPT, DONE)
    assert metrics_in(written) == ["TokenRefreshFailed"]
    [error] = [line for line in written if line.get("level") == "ERROR"]
    assert (error["code"], error["field"]) == ("CLIENT_SECRET_WRONG", "client_secret")
    assert "Consumer Secret" in error["cure"]


@pytest.mark.parametrize("body", [SCHEDULE, refused(None)])
@pytest.mark.parametrize("token", ["{}", None])
@pytest.mark.parametrize("credentials", ["{}", None])
def test_a_new_stack_that_nobody_has_connected_says_so_in_one_line_and_nothing_failed(
    credentials: str | None,
    token: str | None,
    body: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = Stack(monkeypatch, credentials=credentials, access_token=token)
    endpoint = TokenEndpoint()
    app = stack.function(endpoint)

    assert app.lambda_handler(an_event(body), None) == DONE
    assert endpoint.requests == []
    (line,) = lines(capsys)
    assert (line["level"], line["message"], line["code"]) == ("INFO", "not connected yet", "NOT_CONNECTED")
    assert line["cure"] == "Run `destination connect --stack NAME`."


def test_credentials_that_somebody_has_emptied_are_a_log_in_that_fails(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    app = stack.function(TokenEndpoint(BLOCKED))
    app.lambda_handler(an_event(SCHEDULE), None)  # it stores no token, but has tried
    capsys.readouterr()
    put_credentials(stack, "{}")

    assert app.lambda_handler(an_event(SCHEDULE), None) == KEPT
    written = lines(capsys)
    assert "The credentials secret is empty." in str(written)
    assert metrics_in(written) == ["TokenRefreshFailed"]


def test_client_credentials_at_a_shared_server_are_never_sent(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    put_credentials(stack, a_secret(domain="login"))
    endpoint = TokenEndpoint()

    assert stack.function(endpoint).lambda_handler(an_event(SCHEDULE), None) == KEPT
    assert endpoint.requests == []
    assert "DOMAIN_NOT_MY_DOMAIN" in capsys.readouterr().out


def test_a_token_of_another_org_is_not_stored(stack: Stack) -> None:
    put_token(stack, STORED)
    put_credentials(stack, a_secret(org_id="00D000000000001"))

    assert stack.function(TokenEndpoint()).lambda_handler(an_event(SCHEDULE), None) == KEPT
    assert stack.stored_token() == STORED


def test_this_machine_is_an_org_only_where_the_local_stack_runs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    local = "http://127.0.0.1:9000"
    put_credentials(stack, a_secret(domain=local))
    endpoint = TokenEndpoint(Reply(body=an_answer(instance_url=local)))
    app = stack.function(endpoint, "http://")

    in_aws = app.lambda_handler(an_event(SCHEDULE), None)
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    app.started.cache_clear()  # a process keeps the environment that it was started with
    on_this_machine = app.lambda_handler(an_event(SCHEDULE), None)

    assert (in_aws, on_this_machine) == (KEPT, DONE)
    assert len(endpoint.requests) == 1


def test_a_missing_setting_is_named_and_the_message_kept(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CREDENTIALS_SECRET_ID")

    result = stack.function(TokenEndpoint()).lambda_handler(an_event(SCHEDULE), None)

    written = lines(capsys)
    assert result == KEPT
    assert metrics_in(written) == ["TokenRefreshFailed"]
    assert any("CREDENTIALS_SECRET_ID" in mistake for line in written for mistake in line.get("mistakes", []))


class RotatingOrg:
    """A token endpoint that rotates: each refresh token works once, and a dead one that comes back ends everything."""

    def __init__(self) -> None:
        self.numbers = count(2)
        self.alive: str | None = "5Aep861-first"

    def __call__(self, form: dict[str, str]) -> Reply:
        if self.alive is None or form["refresh_token"] != self.alive:
            self.alive = None
            return a_refusal("invalid_grant", "expired access/refresh token")
        number = next(self.numbers)
        self.alive = f"5Aep861-{number}"
        return Reply(body=an_answer(access_token=f"00D!{number}", refresh_token=self.alive))


def rotating(stack: Stack, failures: list[Exception]) -> tuple[Any, RotatingOrg, Failing]:
    """A function whose credentials rotate, and whose writes of them fail first."""
    put_credentials(stack, a_secret("refresh_token", owner="the CRM team"))
    org = RotatingOrg()
    app = stack.function(TokenEndpoint(org))

    def is_of_credentials(**options: Any) -> bool:
        return bool(options["SecretId"] == stack.credentials_id)

    secrets = Failing(stack.secrets, failures, call="put_secret_value", only=is_of_credentials)
    stack.surround(app, secrets)
    return app, org, secrets


def test_a_refresh_token_that_rotates_twice_is_stored_twice(stack: Stack) -> None:
    app, org, _ = rotating(stack, [])

    results = [app.lambda_handler(an_event(SCHEDULE), None) for _ in range(3)]

    assert results == [DONE] * 3
    assert stack.stored_credentials() == {
        **json.loads(a_secret("refresh_token", owner="the CRM team")),
        "refresh_token": "5Aep861-4",
    }
    assert org.alive == "5Aep861-4"


def test_the_rotated_refresh_token_is_stored_before_the_access_token(stack: Stack) -> None:
    app, _, _ = rotating(stack, [])
    written: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        written.append(params["SecretId"])

    stack.secrets.meta.events.register("provide-client-params.secrets-manager.PutSecretValue", note)

    app.lambda_handler(an_event(SCHEDULE), None)

    assert written == [stack.access_token_id, stack.credentials_id, stack.access_token_id]  # the first one counts


def test_a_rotated_refresh_token_is_stored_even_if_the_token_that_came_with_it_is_not_taken(stack: Stack) -> None:
    put_credentials(stack, a_secret("refresh_token"))
    answer = an_answer(instance_url="https://evil.example", refresh_token="5Aep861-second")

    result = stack.function(TokenEndpoint(Reply(body=answer))).lambda_handler(an_event(SCHEDULE), None)

    assert result == KEPT
    assert stack.stored_credentials()["refresh_token"] == "5Aep861-second"
    assert stack.stored_token() is None


def test_storing_a_rotated_refresh_token_is_tried_again_at_once(stack: Stack) -> None:
    app, org, secrets = rotating(stack, [an_aws_error("InternalServiceError")] * 2)

    assert app.lambda_handler(an_event(SCHEDULE), None) == DONE
    assert secrets.calls == 3
    assert stack.stored_credentials()["refresh_token"] == org.alive


def test_an_access_token_is_not_used_while_the_refresh_token_that_came_with_it_is_not_stored(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    app, _, _ = rotating(stack, [an_aws_error("AccessDeniedException")] * 3)

    result = app.lambda_handler(an_event(SCHEDULE), None)

    written = lines(capsys)
    assert result == KEPT
    assert stack.stored_token() is None
    assert metrics_in(written) == ["TokenRefreshFailed"]
    [loud] = [line for line in written if line.get("level") == "CRITICAL"]
    assert "CredentialsRotate=true" in loud["cure"]
    assert "5Aep861" not in json.dumps(written)


def test_the_environment_that_holds_an_unstored_refresh_token_stores_it_before_it_logs_in_again(stack: Stack) -> None:
    app, org, _ = rotating(stack, [an_aws_error("AccessDeniedException")] * 3)

    first = app.lambda_handler(an_event(SCHEDULE), None)
    second = app.lambda_handler(an_event(SCHEDULE), None)

    assert (first, second) == (KEPT, DONE)
    assert stack.stored_credentials()["refresh_token"] == org.alive == "5Aep861-3"
    assert stack.stored_token() is not None


def test_an_unstored_refresh_token_is_kept_as_long_as_storing_it_fails(stack: Stack) -> None:
    app, org, _ = rotating(stack, [an_aws_error("AccessDeniedException")] * 9)

    results = [app.lambda_handler(an_event(SCHEDULE), None) for _ in range(4)]

    assert results == [KEPT, KEPT, KEPT, DONE]
    assert stack.stored_credentials()["refresh_token"] == org.alive == "5Aep861-3"


def test_an_unstored_refresh_token_gives_way_to_what_a_person_puts_in(stack: Stack) -> None:
    app, org, _ = rotating(stack, [an_aws_error("AccessDeniedException")] * 3)
    app.lambda_handler(an_event(SCHEDULE), None)
    org.alive = "5Aep861-by-hand"
    put_credentials(stack, a_secret("refresh_token", refresh_token="5Aep861-by-hand"))

    assert app.lambda_handler(an_event(SCHEDULE), None) == DONE
    assert stack.stored_credentials()["refresh_token"] == org.alive == "5Aep861-3"


def test_a_refresh_token_that_is_dead_is_named(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    app, org, _ = rotating(stack, [])
    org.alive = "5Aep861-used-by-another-stack"

    assert app.lambda_handler(an_event(SCHEDULE), None) == KEPT
    assert "REFRESH_TOKEN_EXPIRED" in capsys.readouterr().out


def test_the_worst_refresh_ends_before_the_function_is_killed(stack: Stack) -> None:
    app = stack.function(TokenEndpoint())
    store = TokenStore(lambda: None, "", "")
    one_call = (app.SOON.connect_timeout + app.SOON.read_timeout) * app.SOON.retries["total_max_attempts"]

    writing = (len(store.retry_after) + 1) * one_call + sum(store.retry_after)
    worst = 3 * one_call + sum(TIMEOUT) + writing

    [timeout] = re.findall(
        r"Handler: app.lambda_handler\n +Role: !GetAtt RefreshTokenRole.Arn\n +Timeout: (\d+)", TEMPLATE
    )
    assert worst < int(timeout)


SECRETS_FAIL = ["get_secret_value", "put_secret_value"]


@pytest.mark.parametrize("call", SECRETS_FAIL)
def test_secrets_manager_failing_keeps_the_message(call: str, stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    app = stack.function(TokenEndpoint())
    secrets = Failing(stack.secrets, [an_aws_error("InternalServiceError")], call=call)
    stack.surround(app, secrets)

    first = app.lambda_handler(an_event(SCHEDULE), None)
    written = lines(capsys)
    second = app.lambda_handler(an_event(SCHEDULE), None)

    assert (first, second) == (KEPT, DONE)
    assert metrics_in(written) == ["TokenRefreshFailed"]
    [error] = [line for line in written if line.get("level") == "ERROR"]
    assert (error["code"], error["reason"]) == ("SECRETS_UNAVAILABLE", "InternalServiceError")


MARKS = {
    "client_id": "MARK-id",
    "client_secret": "MARK-secret",
    "username": "MARK-user@example.com",
    "password": "MARK-password",
    "security_token": "MARK-security",
    "refresh_token": "MARK-refresh",
}
FAILURES = [
    a_refusal("invalid_client", "MARK-secret is wrong"),
    a_refusal("invalid_grant", "authentication failure"),
    a_refusal("MARK-secret", "MARK-secret"),
    a_refusal("unknown_error", "MARK"),
    Reply(400, {"error": {"MARK": "MARK"}}),
    Reply(200, {"access_token": "MARK two words", "instance_url": "https://MARK.my.salesforce.com"}),
    Reply(200, an_answer(access_token="MARK-token", instance_url="https://MARK.example")),
    Reply(200, an_answer(access_token="MARK-token", id="https://MARK.example/id/MARK/MARK")),
    Reply(200, an_answer(access_token="MARK-token", refresh_token="MARK-rotated", instance_url="MARK")),
    Reply(200, '{"access_token": "MARK'),
    Reply(302, "MARK", {"Location": "https://MARK.example"}),
    Reply(503, "<html>MARK</html>"),
    ReadTimeout("MARK"),
    Reply(200, an_answer(access_token="MARK-token", refresh_token="MARK-rotated")),
]
MISTAKES = [
    {"grant_type": "MARK"},
    {"domain": "MARK.example/MARK"},
    {"domain": ["MARK"]},
    {"client_secret": {"MARK": "MARK"}, "password": ["MARK"], "refresh_token": 7},
    {"org_id": "MARK"},
    {"client_id": None, "clientid": "MARK"},
]


@pytest.mark.parametrize("failure", FAILURES, ids=range(len(FAILURES)))
def test_no_failure_of_a_log_in_lets_a_secret_out(
    failure: Reply | Exception, stack: Stack, capfd: pytest.CaptureFixture[str]
) -> None:
    app = stack.function(TokenEndpoint(failure))

    for grant_type in GRANT_VALUES:
        put_credentials(stack, a_secret(grant_type, **MARKS, org_id=ORG_ID))
        stack.secrets.put_secret_value(SecretId=stack.access_token_id, SecretString="{}")  # no log-ins are counted yet
        app.lambda_handler(an_event(SCHEDULE), None)
        app.lambda_handler(an_event(SCHEDULE), None)

    out, err = capfd.readouterr()
    assert out.count('"_aws"') == 2 * len(GRANT_VALUES)
    assert "MARK" not in out + err


@pytest.mark.parametrize("mistake", MISTAKES, ids=range(len(MISTAKES)))
def test_no_mistake_in_the_credentials_lets_a_secret_out(
    mistake: dict[str, object], stack: Stack, capfd: pytest.CaptureFixture[str]
) -> None:
    app = stack.function(TokenEndpoint())

    for grant_type in GRANT_VALUES:
        put_credentials(stack, a_secret(grant_type, **{**MARKS, **mistake}))
        assert app.lambda_handler(an_event(SCHEDULE), None) == KEPT

    out, err = capfd.readouterr()
    assert out.count("TokenRefreshFailed") >= len(GRANT_VALUES)
    assert "MARK" not in out + err


@pytest.mark.parametrize("text", ["MARK", '{"client_secret": "MARK"', '["MARK"]', '"MARK"'])
def test_a_secret_of_another_form_is_not_shown(text: str, stack: Stack, capfd: pytest.CaptureFixture[str]) -> None:
    put_credentials(stack, text)

    assert stack.function(TokenEndpoint()).lambda_handler(an_event(SCHEDULE), None) == KEPT
    out, err = capfd.readouterr()
    assert "not a JSON object" in out
    assert "MARK" not in out + err
