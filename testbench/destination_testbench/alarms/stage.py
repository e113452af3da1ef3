"""The stack on a compressed clock: the real functions in processes of their own, everything around them simulated.

A minute is a step. What a function is told of times is moved by the difference of the two clocks, so that a message
that has waited for an hour of the stage has waited for an hour; what it emits is dated by the stage's clock.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from salesforce_destination.aws.token_store import PAID_UNTIL

from destination_testbench.alarms.aws_metrics import (
    EmittedMetrics,
    QueueCounts,
    publish_invocation,
    publish_queue,
    publish_request,
    publish_throttle,
    queue_metric,
)
from destination_testbench.alarms.metrics import Metrics
from destination_testbench.alarms.stack_alarms import resolver
from destination_testbench.alarms.traffic import new_org
from destination_testbench.aws.aws_endpoint import AwsEndpoint
from destination_testbench.aws.clients import SimulatedSecrets, SimulatedSqs
from destination_testbench.aws.fifo import FifoQueue
from destination_testbench.aws.front_door import FromQueue, FrontDoor, ToQueue
from destination_testbench.aws.queue import QueueConfig, StandardQueue
from destination_testbench.aws_lambda.event_source import (
    MOST_MESSAGES_PER_CALL,
    EventSource,
    EventSourceMapping,
    Message,
)
from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.aws_lambda.function_process import SLEEP_RATE
from destination_testbench.aws_lambda.invoker import Invoker
from destination_testbench.local.options import StackOptions
from destination_testbench.local.places import ACCOUNT_ID, REGION
from destination_testbench.org import SimulatedOrg, serve
from destination_testbench.template.parts import functions_of
from destination_testbench.template.template import Template

QUEUE, DEAD_LETTERS, REFRESH = "Queue", "DeadLetterQueue", "RefreshQueue"
NOT_STARTED = queue_metric("ScheduleDeadLetterQueue", "NumberOfMessagesSent")
CREDENTIALS_SECRET, TOKEN_SECRET = "CredentialsSecret", "AccessTokenSecret"
SECRETS: Mapping[str, str] = {TOKEN_SECRET: "{}", CREDENTIALS_SECRET: "{}", "OutcomeKeySecret": "k" * 43}
"""The secrets by their logical ids, which are their ids here."""


class StageCloud:
    """A template whose queues have URLs at the stage's AWS; everything else is known by its logical id."""

    def __init__(self, template: Template, parameters: Mapping[str, Any], aws_url: str) -> None:
        self._template, self._aws_url = template, aws_url
        self._resolver = resolver(template, parameters, self._reference)

    def resolve(self, value: Any) -> Any:
        """A value of the template with every reference in it worked out."""
        return self._resolver.resolve(value)

    def properties(self, resource_type: str) -> dict[str, Any]:
        """The properties of the resources of a type, by logical id."""
        return dict(self._template.of_type(resource_type))

    def queue_url(self, logical_id: str) -> str:
        """Where a queue is."""
        return f"{self._aws_url}/{ACCOUNT_ID}/{logical_id}"

    def _reference(self, logical_id: str) -> str:
        return self.queue_url(logical_id) if logical_id in (QUEUE, DEAD_LETTERS, REFRESH) else logical_id


DESTINATION = Path(__file__).with_name("watched.toml")
START = 1_767_571_200.0
"""2026-01-05, a Monday."""

MINUTE = 60.0
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}"
SCHEDULED_AT = 15
"""The minute of each hour in which the schedules are due."""

DELIVER, REFRESHER, CHECKER = "DeliverFunction", "RefreshTokenFunction", "CheckConnectionFunction"
SECONDS_BETWEEN_LOOKS = 0.02

KEEP_ALL = {"batchItemFailures": [{"itemIdentifier": ""}]}
"""What a function that ended without an answer comes to: nothing is deleted."""

KEY = "the-key"
TAKEN = json.dumps({"SendMessageResponse": {"SendMessageResult": {"MessageId": "an-id"}}})
DENIED = json.dumps({"Error": {"Code": "AccessDenied", "Message": "", "Type": "Sender"}})


class Gateway:
    """Takes requests, hands what it lets through to `put`, and publishes what API Gateway would.

    `is_denied` is SQS's side of it: then its role may no longer send, which SQS answers with 403.
    """

    def __init__(self, cloud: StageCloud, metrics: Metrics, put: Callable[[str], None]) -> None:
        (api,) = cloud.properties("AWS::ApiGateway::RestApi").values()
        (stage,) = cloud.properties("AWS::ApiGateway::Stage").values()
        self._name, self._stage = cloud.resolve(api["Name"]), cloud.resolve(stage["StageName"])
        self._metrics, self._put = metrics, put
        self._door = FrontDoor(cloud.resolve(api["Body"]), KEY, self._send)
        self.is_denied = False

    def post(self, body: str, now: float, key: str = KEY) -> None:
        """Answer a request."""
        calls, headers = len(self._door.sent), {"x-api-key": key}
        status = self._door.post("/profiles", body.encode(), headers).status
        publish_request(self._metrics, self._name, self._stage, now, status, len(self._door.sent) > calls)

    def _send(self, request: ToQueue) -> FromQueue:
        if self.is_denied:
            return FromQueue(403, DENIED)
        self._put(*parse_qs(request.body)["MessageBody"])
        return FromQueue(200, TAKEN)


class AlarmStage:
    """One stack from its first log-in to `close`; if it `is_new`, nothing has run before, nor is it connected.

    `is_polled` and `is_throttled` are Lambda's side of it, `may_start` the Scheduler's. Functions in
    `hanging` get no answer from AWS.
    """

    def __init__(self, template: Template, parameters: Mapping[str, Any], folder: Path, is_new: bool = False) -> None:
        self.parameters = {"DestinationFile": DESTINATION.name, **parameters}
        self.org: SimulatedOrg = new_org()
        self.metrics = Metrics()
        self.time = START
        self.is_polled, self.is_throttled, self.may_start = True, False, True
        self.hanging: set[str] = set()
        self.numbers = 0
        self._closing = ExitStack()
        self._counts = QueueCounts()
        self._pool = ThreadPoolExecutor(1)
        self._closing.callback(self._pool.shutdown)
        org_url = self._closing.enter_context(serve(self.org)).url
        self.secrets = SimulatedSecrets({**SECRETS, **({} if is_new else {CREDENTIALS_SECRET: credentials(org_url)})})
        clients: dict[str, Any] = {"secretsmanager": self.secrets}
        self.aws = AwsEndpoint(clients)
        self._closing.callback(self.aws.close)
        cloud = StageCloud(template, self.parameters, self.aws.url)
        clients["sqs"] = self._sqs = self._queues(cloud)
        self.gateway = Gateway(cloud, self.metrics, self.send)
        options = StackOptions(destination=DESTINATION, state=folder)
        functions = functions_of(cloud, self.aws, options)
        self._functions = {name: functions[name] for name in (DELIVER, REFRESHER, CHECKER)}
        if is_new:  # its functions wait for a token that does not come
            self._functions = {name: it.with_variables({SLEEP_RATE: "50"}) for name, it in self._functions.items()}
        self._invokers = {name: Invoker(function) for name, function in self._functions.items()}
        self._emitted = {name: EmittedMetrics(functions[name].log) for name in self._invokers}
        self._closing.callback(self._end_processes)
        for name in () if is_new else (REFRESHER, CHECKER):
            publish_invocation(self.metrics, name, START - 45 * MINUTE, 1.0, failed=False)
        self._ask_for_a_token()
        self._refresh()

    def close(self) -> None:
        """End all processes and servers."""
        self.aws.goes_on.set()
        self._closing.close()

    def restart(self, **environment: str) -> None:
        """Begin with new environments of the functions, with these variables if any, as after a deployment."""
        self._end_processes()
        self._functions = {name: it.with_variables(environment) for name, it in self._functions.items()}
        self._invokers = {name: Invoker(function) for name, function in self._functions.items()}

    def _end_processes(self) -> None:
        for invoker in self._invokers.values():
            invoker.close()

    def send(self, body: str, event_at: float | None = None) -> None:
        """Send one message, with the time of its event where that is given."""
        time_text = None if event_at is None else {"DataType": "Number", "StringValue": str(int(event_at * 1000))}
        self._queue.add(body, {"EventTime": time_text} if time_text else {})
        self._counts.sent += 1
        self.numbers += 1

    def post(self, body: str, key: str = KEY) -> None:
        """Send one request to the front door."""
        self.gateway.post(body, self.time + 1, key)

    def minute(self) -> None:
        """Let a minute pass: what is scheduled, what is on the queues, what AWS publishes at the end."""
        if (self.time - START) % 3600 == SCHEDULED_AT * MINUTE:
            if self.may_start:
                self._ask_for_a_token()
                self._invoke(CHECKER, {"reason": "schedule"})
            else:
                self.metrics.add(NOT_STARTED, self.time + 1, 2.0)
        self._refresh()
        self._deliver()
        self.time += MINUTE
        self._forget_log_ins()
        publish_queue(self.metrics, QUEUE, self._queue, self._counts, self.time)
        if self._dead_letters.all():
            publish_queue(self.metrics, DEAD_LETTERS, self._dead_letters, QueueCounts(), self.time)

    def _queues(self, cloud: StageCloud) -> SimulatedSqs:
        draw = random.Random(1)
        settings = (cloud.resolve({"Ref": name}) for name in ("VisibilityTimeoutSeconds", "RetentionSeconds"))
        config = QueueConfig(*map(int, settings))
        self._url = {name: cloud.queue_url(name) for name in (QUEUE, DEAD_LETTERS, REFRESH)}
        self._queue = StandardQueue(self._url[QUEUE], config, self._now, draw)
        self._dead_letters = StandardQueue(self._url[DEAD_LETTERS], config, self._now, draw)
        self._requests = FifoQueue(self._url[REFRESH], QueueConfig(60, 1500), self._now, draw)
        sqs = SimulatedSqs({queue.name: queue for queue in (self._queue, self._dead_letters, self._requests)})
        self._sources = {
            name: EventSource(sqs, EventSourceMapping(self._url[name], f"{QUEUE_ARN}:{name}", 1_000, 0, 1, True))
            for name in (QUEUE, REFRESH)
        }
        return sqs

    def _now(self) -> float:
        return self.time

    def _ask_for_a_token(self) -> None:
        self._requests.add('{"reason": "schedule", "refused": null}', {}, "refresh", f"schedule-{self.time}")

    def _refresh(self) -> None:
        source = self._sources[REFRESH]
        if requests := source.receive(1, 0):
            answer = self._invoke(REFRESHER, source.event_of(requests))
            source.settle(requests, KEEP_ALL if answer is None else answer)

    def _forget_log_ins(self) -> None:
        """A minute less is paid for: the function counts log-ins by the clock of this machine, which stands still."""
        token = json.loads(self.secrets.values[TOKEN_SECRET])
        if PAID_UNTIL in token:
            token[PAID_UNTIL] -= MINUTE
            self.secrets.values[TOKEN_SECRET] = json.dumps(token)

    def _deliver(self) -> None:
        if not self.is_polled or not self._queue.counts()[0]:
            return
        if self.is_throttled:
            publish_throttle(self.metrics, DELIVER, self.time)
            return
        source, messages = self._sources[QUEUE], list[Message]()
        while taken := source.receive(MOST_MESSAGES_PER_CALL, 0):
            messages += taken
        self._counts.received += len(messages)
        shift = time.time() - self.time
        event = source.event_of([moved(message, shift) for message in messages])
        answering = self._pool.submit(self._invoke, DELIVER, event)
        self._refresh_until(answering)
        answer = answering.result()
        self._counts.deleted += len(source.settle(messages, KEEP_ALL if answer is None else answer))

    def _refresh_until(self, answering: Future[Any]) -> None:
        """Run the refresh function beside the deliver function, which may be waiting for a token."""
        while not answering.done():
            self._refresh()
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _invoke(self, function: str, event: Any) -> Any:
        """The function's answer, or None where it ended without one."""
        started, answer = time.monotonic(), None
        (self.aws.hangs.set if function in self.hanging else self.aws.hangs.clear)()
        with suppress(FunctionError):
            answer = self._invokers[function].invoke(event)
        publish_invocation(self.metrics, function, self.time + 1, time.monotonic() - started, answer is None)
        for metric, value in self._emitted[function].new():
            self.metrics.add(metric, self.time + 1, value)
        return answer


def moved(message: Message, seconds: float) -> Message:
    """A message with its times on another clock."""
    shift = int(seconds * 1000)
    attributes = {k: str(int(v) + shift) if k.endswith("Timestamp") else v for k, v in message["Attributes"].items()}
    own = {
        name: {**value, "StringValue": str(int(value["StringValue"]) + shift)}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {**message, "Attributes": attributes, "MessageAttributes": own}


def credentials(org_url: str, secret: str = "local-client-secret") -> str:
    """The credentials of the simulated org."""
    fields = {"grant_type": "client_credentials", "domain": org_url, "client_id": "local-client-id"}
    return json.dumps({**fields, "client_secret": secret})
