"""What the template says about functions, event source mappings and schedules, in terms of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from destination_testbench.aws.cloud import Cloud
from destination_testbench.aws.process import CREDENTIALS
from destination_testbench.aws_lambda.event_source import EventSourceMapping
from destination_testbench.aws_lambda.function import Function
from destination_testbench.aws_lambda.schedule import Schedule, seconds_between
from destination_testbench.local.options import StackOptions
from destination_testbench.local.places import ACCOUNT_ID, REGION, ROOT, STACK_NAME

CONCURRENCY_WITHOUT_A_MAXIMUM = 1
"""The refresh queue has no maximum and one message group, so that a second poller would only wait."""


class Resolved(Protocol):
    """The template with its references worked out."""

    def resolve(self, value: Any) -> Any:
        """A value of the template with every reference in it worked out."""

    def properties(self, resource_type: str) -> dict[str, Any]:
        """The properties of the resources of a type, by logical id."""


class Endpoint(Protocol):
    """Where the functions find AWS."""

    @property
    def url(self) -> str:
        """Its address."""


def functions_of(cloud: Resolved, aws: Endpoint, options: StackOptions) -> dict[str, Function]:
    """The functions by their logical ids, each with the folders of this checkout and the template's environment."""
    folders = {
        logical_id: ROOT / properties["Content"]["S3Key"]
        for logical_id, properties in cloud.properties("AWS::Lambda::LayerVersion").items()
    }
    return {
        name: _function(name, it, [folders[layer["Ref"]] for layer in it.get("Layers", [])], cloud, aws, options)
        for name, it in cloud.properties("AWS::Lambda::Function").items()
    }


def _function(
    logical_id: str,
    properties: Mapping[str, Any],
    layers: Sequence[Path],
    cloud: Resolved,
    aws: Endpoint,
    options: StackOptions,
) -> Function:
    name = f"{STACK_NAME}-{logical_id}"
    folder = ROOT / properties["Code"]["S3Key"]
    variables = cloud.resolve(properties.get("Environment", {}).get("Variables", {}))
    return Function(
        name=name,
        arn=f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}",
        handler=properties["Handler"],
        folder=options.functions.get(logical_id, folder),
        layers=tuple(layers),
        timeout_seconds=float(cloud.resolve(properties["Timeout"])),
        memory_megabytes=int(cloud.resolve(properties["MemorySize"])),
        environment={
            **{key: _on_this_machine(str(value), layers, options.destination) for key, value in variables.items()},
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_SAM_LOCAL": "true",
            # Lambda sets these, and Powertools ranks them before POWERTOOLS_LOG_LEVEL ("Logging configuration").
            "AWS_LAMBDA_LOG_FORMAT": properties["LoggingConfig"]["LogFormat"],
            "AWS_LAMBDA_LOG_LEVEL": properties["LoggingConfig"].get("ApplicationLogLevel", "INFO"),
        },
        log=options.state / "logs" / f"{folder.name}.log",
    )


def _on_this_machine(value: str, layers: Sequence[Path], destination: Path | None) -> str:
    """A path below /opt, where Lambda mounts layers, as a path in this checkout, or as the file that was asked for."""
    if not value.startswith("/opt/"):
        return value
    inside = value.removeprefix("/opt/")
    if destination and destination.name == inside:
        return str(destination)
    return next((str(layer / inside) for layer in layers if (layer / inside).exists()), value)


def mappings_of(cloud: Cloud) -> Iterator[tuple[str, EventSourceMapping]]:
    """Each event source mapping, with the logical id of its function."""
    for properties in cloud.properties("AWS::Lambda::EventSourceMapping").values():
        said = cloud.resolve({key: value for key, value in properties.items() if key != "FunctionName"})
        queue = properties["EventSourceArn"]["Fn::GetAtt"][0]
        yield (
            properties["FunctionName"]["Ref"],
            EventSourceMapping(
                queue_url=cloud.attribute(queue, "Ref"),
                queue_arn=said["EventSourceArn"],
                batch_size=int(said["BatchSize"]),
                window_seconds=float(said.get("MaximumBatchingWindowInSeconds", 0)),
                concurrency=int(said.get("ScalingConfig", {}).get("MaximumConcurrency", CONCURRENCY_WITHOUT_A_MAXIMUM)),
                partial_responses="ReportBatchItemFailures" in said.get("FunctionResponseTypes", []),
                function_name=cloud.resolve(properties["FunctionName"]),
            ),
        )


def schedules_of(cloud: Cloud) -> Iterator[Schedule]:
    """Each schedule, with the queue that it sends to or the function that it invokes."""
    functions = cloud.properties("AWS::Lambda::Function")
    for properties in cloud.properties("AWS::Scheduler::Schedule").values():
        target = properties["Target"]
        logical_id = target["Arn"]["Fn::GetAtt"][0]
        is_function = logical_id in functions
        yield Schedule(
            body=cloud.resolve(target["Input"]),
            every_seconds=seconds_between(cloud.resolve(properties["ScheduleExpression"])),
            queue_url=None if is_function else cloud.attribute(logical_id, "Ref"),
            group=target.get("SqsParameters", {}).get("MessageGroupId"),
            function=logical_id if is_function else None,
        )
