"""The whole stack on this machine: AWS, the functions, what feeds them, and an org to deliver to."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from destination_cli.checkout import StackFile
from salesforce_destination.mapping.audience_parts import DELETE, member_texts
from salesforce_destination.settings import load_destination

from destination_testbench.aws.cloud import Cloud
from destination_testbench.aws.process import LocalAws
from destination_testbench.aws_lambda.function import Function
from destination_testbench.aws_lambda.invoker import Invoker
from destination_testbench.aws_lambda.poller import Poller
from destination_testbench.aws_lambda.schedule import Scheduler, invoking, sending
from destination_testbench.local.endpoints import (
    Endpoints,
    forget_endpoints,
    remove_own_files,
    write_endpoints,
    write_stack_file,
)
from destination_testbench.local.options import StackOptions
from destination_testbench.local.places import LOCAL_API_KEY, REGION, STACK_NAME
from destination_testbench.local.switch import Switch
from destination_testbench.org import SimulatedOrg, seed, serve
from destination_testbench.org.records.campaigns import STATUSES
from destination_testbench.template.parameters import parameter_values
from destination_testbench.template.parts import functions_of, mappings_of, schedules_of
from destination_testbench.template.template import read_template

CONTACTS, LEADS = 1_000, 200
"""What the simulated org starts with."""


def add_campaigns(org: SimulatedOrg, file: Path) -> dict[str, str]:
    """Give an org the campaigns of a destination file, which no command makes; their Ids by audience.

    Beside the statuses that the file names each has those of every new campaign.
    """
    made: dict[str, str] = {}
    for audience in load_destination(file).audiences:
        if (campaign := audience.campaign) is not None:
            name, given = (audience.name, campaign) if isinstance(campaign, str) else (campaign.name, None)
            labels = dict.fromkeys([*(label for label, _ in STATUSES), *member_texts(audience).values()])
            responds = dict(STATUSES)
            statuses = [(label, responds.get(label, False)) for label in labels if label != DELETE]
            made[audience.id] = org.admin.add_campaign(name or audience.id, statuses, given)
    return made


class LocalStack:
    """A stack that runs from `start` to `close`.

    Everything comes from template.yaml: which queues and secrets there are, the environment of the functions, and how
    messages are handed to them. Only the org, and the credentials for it, are its own.
    """

    def __init__(self, options: StackOptions, org: SimulatedOrg | None = None) -> None:
        self.options = options
        self._org = org
        self._closing = ExitStack()
        self._invokers: dict[str, Invoker] = {}
        self.http_endpoint_url: str | None = None

    def start(self) -> LocalStack:
        """Start everything and say in `.local/endpoints.json` where it is."""
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        forget_endpoints(self.options.state)
        template = read_template(self.options.template)
        self.parameters = parameter_values(template.parameters, self.options.environ, self._given_parameters())
        self.aws = self._closing.enter_context(LocalAws(self.options.state / "logs" / "aws.log"))
        self.salesforce_url = self.options.salesforce_url or self._start_org()
        self.cloud = Cloud(template, self.parameters, self.aws)
        self.cloud.create()
        self.sqs = self.aws.client("sqs")
        self._fill_credentials()
        self._start_functions()
        self._start_pollers()
        self._start_schedules()
        self._start_front_door()
        self._closing.callback(remove_own_files, self.options.state)
        write_stack_file(self._described(), self.options.state)
        write_endpoints(self.endpoints, self.options.state)

    def close(self) -> None:
        """Stop everything; nothing of it remains but the logs."""
        self._closing.close()

    def __enter__(self) -> LocalStack:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def endpoints(self) -> Endpoints:
        """Where it is."""
        return Endpoints(
            aws_endpoint_url=self.aws.url,
            region=REGION,
            queue_url=self.cloud.attribute("Queue", "Ref"),
            dead_letter_queue_url=self.cloud.attribute("DeadLetterQueue", "Ref"),
            salesforce_url=self.salesforce_url,
            pid=os.getpid(),
            http_endpoint_url=self.http_endpoint_url,
            http_api_key=LOCAL_API_KEY if self.http_endpoint_url else None,
        )

    def _described(self) -> StackFile:
        here = {"HttpEndpointUrl": self.http_endpoint_url} if self.http_endpoint_url else {}
        return StackFile(
            name=STACK_NAME,
            aws_endpoint_url=self.aws.url,
            region=REGION,
            outputs=self.cloud.outputs() | here,
            parameters=self.parameters,
            destination_path=self.function("DeliverFunction").environment.get("DESTINATION_FILE", ""),
            pid=os.getpid(),
        )

    def function(self, logical_id: str) -> Function:
        """One of the functions, as it runs here."""
        return self._invokers[logical_id].function

    def _given_parameters(self) -> dict[str, Any]:
        file = self.options.destination
        return {**({"DestinationFile": file.name} if file else {}), **self.options.parameters}

    def _start_org(self) -> str:
        if self._org is None:
            self._org = SimulatedOrg()
            seed(self._org, contacts=CONTACTS, leads=LEADS)
            if self.options.destination:
                add_campaigns(self._org, self.options.destination)
        return self._closing.enter_context(serve(self._org)).url

    def _fill_credentials(self) -> None:
        credentials = {
            "grant_type": "client_credentials",
            "domain": self.salesforce_url,
            "client_id": "local-client-id",
            "client_secret": "local-client-secret",
        }
        self.aws.client("secretsmanager").put_secret_value(
            SecretId=self.cloud.attribute("CredentialsSecret", "Ref"), SecretString=json.dumps(credentials)
        )

    def _start_functions(self) -> None:
        for logical_id, function in functions_of(self.cloud, self.aws, self.options).items():
            function.log.unlink(missing_ok=True)
            self._invokers[logical_id] = Invoker(function)
            self._closing.callback(self._invokers[logical_id].close)
        with ThreadPoolExecutor() as starting:
            for started in [starting.submit(invoker.warm_up) for invoker in self._invokers.values()]:
                started.result()

    def _start_pollers(self) -> None:
        for function, mapping in mappings_of(self.cloud):
            switch = Switch(self.aws, mapping)
            poller = Poller(mapping, self.sqs, self._invokers[function], switch.is_on)
            poller.start()
            self._closing.callback(poller.stop)

    def _start_schedules(self) -> None:
        for schedule in schedules_of(self.cloud):
            function = self._invokers.get(schedule.function or "")
            act = invoking(schedule, function) if function else sending(schedule, self.sqs)
            scheduler = Scheduler(schedule, act)
            scheduler.start()
            self._closing.callback(scheduler.stop)

    def _start_front_door(self) -> None:
        if self.cloud.properties("AWS::ApiGateway::RestApi"):
            from destination_testbench.aws.front_door_server import (
                FrontDoorServer,  # brings a template engine and a validator along
            )

            self.http_endpoint_url = self._closing.enter_context(FrontDoorServer(self.cloud, self.aws.url)).url
