from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, NoRegionError
from logins import Reply, TokenEndpoint, an_answer
from moto import mock_aws
from refresh_function import Failing, Stack
from salesforce_destination.aws.clients import AwsUnavailableError, make_aws_client
from salesforce_destination.aws.token_store import TokenSource
from salesforce_destination.errors import TokenUnavailableError
from salesforce_destination.login.token import AccessToken

FIRST = AccessToken("first", "https://acme.my.salesforce.com", "1")
SECOND = AccessToken("second", "https://acme.my.salesforce.com", "2")
THIRD = AccessToken("third", "https://acme.my.salesforce.com", "3")


class Clock:
    """A clock that only sleeping moves; `at` gives what happens once a time is reached."""

    def __init__(self) -> None:
        self.now = 0.0
        self.at: dict[float, AccessToken] = {}
        self.stack: Stack | None = None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for due in [time for time in self.at if time <= self.now]:
            assert self.stack is not None
            self.stack.secrets.put_secret_value(
                SecretId=self.stack.access_token_id, SecretString=self.at.pop(due).to_secret()
            )


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    with mock_aws():
        yield Stack(monkeypatch, access_token=FIRST.to_secret())


@pytest.fixture
def clock(stack: Stack) -> Clock:
    clock = Clock()
    clock.stack = stack
    return clock


def test_it_is_known_when_the_token_in_use_was_issued(source: TokenSource) -> None:
    before = source.issued_at_ms

    source.current()

    assert (before, source.issued_at_ms) == (None, 1)


@pytest.fixture
def source(stack: Stack, clock: Clock) -> TokenSource:
    return stack.token_source(sleep=clock.sleep, clock=clock)


def put(stack: Stack, text: str) -> None:
    stack.secrets.put_secret_value(SecretId=stack.access_token_id, SecretString=text)


def an_aws_error(code: str, call: str = "GetSecretValue") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "MARK"}, "ResponseMetadata": {}}, call)


def test_the_token_is_read_once_and_kept(stack: Stack, source: TokenSource) -> None:
    assert source.current() == FIRST

    put(stack, SECOND.to_secret())

    assert source.current() == FIRST


def test_a_refused_token_that_was_replaced_meanwhile_costs_no_message(stack: Stack, source: TokenSource) -> None:
    refused = source.current()
    put(stack, SECOND.to_secret())

    assert source.replace(refused) == SECOND
    assert source.current() == SECOND
    assert stack.waiting() == []


def test_a_refused_token_is_reported_and_its_successor_waited_for(
    stack: Stack, clock: Clock, source: TokenSource
) -> None:
    refused = source.current()
    clock.at = {3.0: SECOND}

    assert source.replace(refused) == SECOND

    [message] = stack.waiting()
    assert message["Body"] == f'{{"reason": "refused", "refused": "{FIRST.fingerprint}"}}'
    assert message["Attributes"]["MessageGroupId"] == "refresh"
    assert message["Attributes"]["MessageDeduplicationId"] == FIRST.fingerprint
    assert 3.0 <= clock.now < 4.0


def test_a_token_refused_twice_is_replaced_twice(stack: Stack, clock: Clock, source: TokenSource) -> None:
    clock.at = {1.0: SECOND, 5.0: THIRD}

    second = source.replace(source.current())
    third = source.replace(second)

    assert (second, third) == (SECOND, THIRD)
    assert {message["Attributes"]["MessageDeduplicationId"] for message in stack.waiting()} == {
        FIRST.fingerprint,
        SECOND.fingerprint,
    }


def test_no_new_token_in_time_is_an_end_to_waiting(clock: Clock, source: TokenSource) -> None:
    with pytest.raises(TokenUnavailableError) as caught:
        source.replace(source.current())

    assert caught.value.code == "NO_ACCESS_TOKEN"
    assert clock.now == 10.0


def test_after_a_refusal_the_secret_is_read_again(stack: Stack, source: TokenSource) -> None:
    with pytest.raises(TokenUnavailableError):
        source.replace(source.current())
    put(stack, SECOND.to_secret())

    assert source.current() == SECOND


@pytest.mark.parametrize(("text", "code"), [("{}", "NOT_CONNECTED"), ("not a token", "NO_ACCESS_TOKEN")])
def test_no_token_yet_asks_for_the_first_one(
    text: str, code: str, stack: Stack, clock: Clock, source: TokenSource
) -> None:
    put(stack, text)
    with pytest.raises(TokenUnavailableError) as caught:
        source.current()
    clock.at = {1.0: FIRST}

    assert caught.value.code == code
    assert source.replace(None) == FIRST
    assert [message["Attributes"]["MessageDeduplicationId"] for message in stack.waiting()] == ["none"]


def test_a_secret_that_was_never_written_is_no_token_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        source = Stack(monkeypatch, access_token=None).token_source()

        with pytest.raises(TokenUnavailableError) as caught:
            source.current()

    assert caught.value.code == "NOT_CONNECTED"


def test_a_stack_that_stays_unconnected_is_told_from_one_that_was_connected_meanwhile(
    stack: Stack, source: TokenSource
) -> None:
    put(stack, "{}")
    codes = []
    for text in ("{}", FIRST.to_secret()):
        put(stack, text)
        with pytest.raises(TokenUnavailableError) as caught:
            source.replace(None if text == "{}" else FIRST)
        codes.append(caught.value.code)

    assert codes == ["NOT_CONNECTED", "NO_ACCESS_TOKEN"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (an_aws_error("AccessDeniedException"), "AccessDeniedException"),
        (an_aws_error("DecryptionFailure"), "DecryptionFailure"),
        (an_aws_error("InternalServiceError"), "InternalServiceError"),
        (EndpointConnectionError(endpoint_url="https://secretsmanager"), "EndpointConnectionError"),
    ],
)
def test_secrets_manager_or_kms_failing_means_no_token(error: Exception, reason: str, stack: Stack) -> None:
    secrets = Failing(stack.secrets, [error], call="get_secret_value")
    source = TokenSource(lambda: secrets, lambda: stack.sqs, stack.access_token_id, stack.queue_url)

    with pytest.raises(AwsUnavailableError) as caught:
        source.current()

    assert (caught.value.code, caught.value.reason) == ("SECRETS_UNAVAILABLE", reason)
    assert "MARK" not in str(caught.value)
    assert source.current() == FIRST


def test_a_queue_that_does_not_take_the_request_means_no_token(stack: Stack) -> None:
    queue = Failing(stack.sqs, [an_aws_error("QueueDoesNotExist", "SendMessage")], call="send_message")
    source = TokenSource(lambda: stack.secrets, lambda: queue, stack.access_token_id, stack.queue_url)

    with pytest.raises(AwsUnavailableError) as caught:
        source.replace(source.current())

    assert caught.value.code == "REFRESH_QUEUE_UNAVAILABLE"


def test_clients_are_made_on_first_use(stack: Stack) -> None:
    made: list[str] = []

    def secrets() -> object:
        made.append("secrets")
        return stack.secrets

    def sqs() -> object:
        made.append("sqs")
        return stack.sqs

    source = TokenSource(secrets, sqs, stack.access_token_id, stack.queue_url)
    assert made == []

    source.current()

    assert made == ["secrets"]


def test_the_clients_of_the_functions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    config = Config(connect_timeout=3)

    assert make_aws_client("sqs", config) is make_aws_client("sqs", config)
    assert make_aws_client("sqs", config) is not make_aws_client("sqs", Config(connect_timeout=3))


def test_a_client_that_cannot_be_made_means_no_token(stack: Stack) -> None:
    def secrets() -> object:
        raise NoRegionError

    source = TokenSource(secrets, lambda: stack.sqs, stack.access_token_id, stack.queue_url)

    with pytest.raises(AwsUnavailableError) as caught:
        source.current()

    assert (caught.value.code, caught.value.reason) == ("SECRETS_UNAVAILABLE", "NoRegionError")


def test_a_hundred_functions_refused_at_once_cause_one_log_in(stack: Stack) -> None:
    numbers = count(1)
    endpoint = TokenEndpoint(lambda form: Reply(body=an_answer(access_token=f"00D!{next(numbers)}")))
    app = stack.function(endpoint)
    sources = [stack.token_source(wait=30.0, poll_every=0.2) for _ in range(100)]
    refused = [source.current() for source in sources]
    start = threading.Barrier(101)

    def replace(source: TokenSource, token: AccessToken) -> AccessToken:
        start.wait()
        return source.replace(token)

    with ThreadPoolExecutor(100) as pool:
        replacing = [pool.submit(replace, *pair) for pair in zip(sources, refused, strict=True)]
        start.wait()
        while not all(future.done() for future in replacing):
            stack.run_queue(app)
            threading.Event().wait(0.05)
        replaced = [future.result() for future in replacing]
    stack.run_queue(app)

    assert len(endpoint.requests) == 1
    assert {token.value for token in replaced} == {"00D!1"}
    assert stack.waiting() == []
