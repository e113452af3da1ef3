"""Which stack a command speaks to: one that CloudFormation deployed, or the one that runs on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError
from salesforce_destination.aws.clients import read_secret
from salesforce_destination.aws.kept_refusal import read_kept_refusal
from salesforce_destination.aws.token_store import TokenSource
from salesforce_destination.destination.destination import Destination
from salesforce_destination.errors import DestinationFileError, TokenUnavailableError
from salesforce_destination.outcome import Reason
from salesforce_destination.salesforce.client import SalesforceClient, new_session
from salesforce_destination.settings import load_destination

from destination_cli.checkout import STATE, StackFile, read_stack_file

ClientFactory = Callable[[str], Any]  # Makes a boto3 client of a service, by its name

READ_SECONDS = 120.0
REFUSAL_GOOD_FOR_SECONDS = 3_600.0
"""While a common cause lasts, its text is written again every ten minutes or whenever a message comes again."""

CONFIG = Config(connect_timeout=10, retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=32)


class TargetError(Exception):
    """A stack cannot be reached or used. The text is for the person who asked: what is wrong, and what to do."""


@dataclass
class Target:
    """One stack, by its outputs and parameters, and `where` it is; what AWS refuses is a TargetError in `explained`."""

    name: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    make_client: ClientFactory
    is_local: bool = False
    log_folder: Path | None = None
    destination_path: Path | None = None
    wait: float = 10.0
    where: Mapping[str, str] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, stack: str | None, local: bool, state: Path = STATE, region: str | None = None) -> Target:
        """Find the stack that `--stack NAME` or `--local` means; raise TargetError where there is none."""
        if local and stack:
            raise TargetError("Give --stack NAME or --local, not both.")
        if local:
            return _local_target(state)
        if stack:
            return _deployed_target(stack, region)
        raise TargetError("Which stack? Add --stack NAME for a deployed one, or --local for the one of `make local`.")

    def client(self, service: str) -> Any:
        """A boto3 client; several threads may use it."""
        if service not in self._clients:
            self._clients[service] = self.make_client(service)
        return self._clients[service]

    def output(self, key: str) -> str:
        """An output of the template; raise TargetError where this stack is older than it."""
        try:
            return self.outputs[key]
        except KeyError:
            text = f"The stack {self.name} has no output {key}: it is too old, or its deployment failed. Deploy again."
            raise TargetError(text) from None

    @property
    def version(self) -> str:
        """The version that was deployed; empty where the stack is older than that output."""
        return self.outputs.get("Version", "")

    @property
    def queue_url(self) -> str:
        """The queue that profiles are sent to."""
        return self.output("QueueUrl")

    @property
    def dead_letter_queue_url(self) -> str:
        """The queue of the rejected messages."""
        return self.output("DeadLetterQueueUrl")

    @property
    def destination_file(self) -> str:
        """The name of the destination file that this stack uses."""
        return self.parameters.get("DestinationFile", "")

    @property
    def destination(self) -> str:
        """The destination's name in metrics, logs and dead letters: that of its file, without .toml."""
        return Path(self.destination_file).stem

    def kept_refusal(self) -> tuple[Reason, int] | None:
        """A refusal for a common cause of the last hour, and when it was met (ms); None where it cannot be read."""
        secret = self.outputs.get("RefusalSecretArn")
        try:
            kept = read_kept_refusal(read_secret(partial(self.client, "secretsmanager"), secret)) if secret else None
        except TokenUnavailableError:
            return None
        return kept if kept and kept[1] > (time.time() - REFUSAL_GOOD_FOR_SECONDS) * 1000 else None

    def alarm_topic(self) -> str:
        """Why no alarm reaches anybody, by the subscriptions of their topic; empty where one does."""
        topic = self.outputs.get("AlarmTopicArn")
        if self.is_local or not topic:
            return ""
        try:
            pages = self.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            found = {each["SubscriptionArn"] for page in pages for each in page["Subscriptions"]}
        except (BotoCoreError, ClientError) as error:
            found = set[str]()
            if "NotFound" not in str(error):
                return "Whether an alarm reaches anybody is not known: you need sns:ListSubscriptionsByTopic."
        if found - {"Deleted", "PendingConfirmation"}:
            return ""
        if "PendingConfirmation" in found:
            return "No alarm reaches anybody yet: open the link that AWS has mailed to the alarm address."
        return "No alarm reaches anybody: deploy with AlarmEmail, or subscribe somebody to the output AlarmTopicArn."

    def event_source_mapping_id(self) -> str:
        """The mapping that feeds the deliver function from the queue."""
        function = self.output("DeliverFunctionName")
        answer = self.client("lambda").list_event_source_mappings(FunctionName=function)
        queue_arn = self.output("QueueArn")
        for mapping in answer["EventSourceMappings"]:
            if mapping["EventSourceArn"] == queue_arn:
                return str(mapping["UUID"])
        raise TargetError(f"{function} does not read its queue. Make its event source mapping as template.yaml does.")

    def salesforce(self, *, renew: bool = False, read_seconds: float = READ_SECONDS) -> SalesforceClient:
        """A client for the org, with the stored token; with `renew` another one is asked for if it is refused."""
        tokens = self.stored_token(self.output("RefreshQueueUrl") if renew else "")
        return SalesforceClient(new_session(), tokens, lambda: read_seconds)

    def stored_token(self, refresh_queue_url: str = "") -> TokenSource:
        """The access token as it lies in its secret. A refused one is read again; only by a queue one is asked for."""
        return TokenSource(
            partial(self.client, "secretsmanager"),
            partial(self.client, "sqs"),
            self.output("AccessTokenSecretArn"),
            refresh_queue_url,
            self.wait,
            allow_local=self.is_local,
        )


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what AWS refuses, for the stack of this name, into a TargetError with what to do."""
    try:
        yield
    except NoCredentialsError:
        raise TargetError("No AWS credentials were found. Log in, or set AWS_PROFILE.") from None
    except NoRegionError:
        raise TargetError("No AWS region is set. Add --region, or set AWS_REGION to the region of the stack.") from None
    except EndpointConnectionError as error:
        raise TargetError(f"AWS does not answer for {name}: {error} Check --region or start the local stack.") from None
    except ClientError as error:
        raise TargetError(_refusal(name, error)) from None
    except BotoCoreError as error:
        raise TargetError(f"AWS cannot be asked about {name}: {error}") from None


def destination_in(file: Path) -> Destination:
    """Read a destination file; its first mistake becomes a TargetError."""
    try:
        return load_destination(file)
    except DestinationFileError as error:
        raise TargetError(f"{file} has mistakes; mend or name another. The first: {error.mistakes[0]}") from None


def _refusal(name: str, error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    if code in ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"):
        return f"AWS rejects your credentials ({code}). Log in again."
    if "AccessDenied" in code or code == "UnauthorizedOperation":
        return f"You may not call {error.operation_name} on {name}. Ask for that right, or use another AWS_PROFILE."
    return f"AWS refused {error.operation_name} on {name}: {code}."


def _local_target(state: Path) -> Target:
    if (stack := read_stack_file(state)) is None:
        raise TargetError(f"No local stack is running with the folder {state}. Start one with `make local`.")
    return Target(
        name=stack.name,
        outputs=stack.outputs,
        parameters=stack.parameters,
        make_client=lambda service: _local_client(service, stack),
        is_local=True,
        log_folder=state / "logs",
        destination_path=Path(stack.destination_path),
    )


def _local_client(service: str, stack: StackFile) -> Any:
    """A client for moto, whatever account or proxy the environment names."""
    return boto3.client(
        service,
        region_name=stack.region,
        endpoint_url=stack.aws_endpoint_url,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        aws_session_token=None,
        config=CONFIG.merge(Config(proxies={})),
    )


def _deployed_target(name: str, region: str | None) -> Target:
    with explained(name):
        # Of AWS_DEFAULT_REGION and of the profile boto3 knows itself, of AWS_REGION it does not.
        session = boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None)
        try:
            (stack,) = session.client("cloudformation", config=CONFIG).describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ValidationError":
                raise
            where = f"{_account(session)}, region {session.region_name}"
            raise TargetError(f"There is no stack {name} in {where}. Check AWS_PROFILE and --region.") from None
    _, _, _, region, account, _ = stack["StackId"].split(":", 5)
    return Target(
        name=stack["StackName"],
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())},
        parameters={given["ParameterKey"]: given.get("ParameterValue", "") for given in stack.get("Parameters", ())},
        make_client=lambda service: session.client(service, config=CONFIG),
        where={"account": account, "region": region},
    )


def _account(session: boto3.Session) -> str:
    with suppress(BotoCoreError, ClientError):
        return f"account {session.client('sts', config=CONFIG).get_caller_identity()['Account']}"
    return "the account of your credentials"
