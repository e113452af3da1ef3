"""
The AWS CLI's part in the documents, on botocore: services, operations and options as the CLI derives them from the
service models. It reads a command, and runs it.

Commands that the CLI adds to the services, or has its own words for, are known by hand: `logs tail`, `s3 cp` to
standard output, and two that are read and not run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, Shape

GLOBAL = {"--query": 1, "--output": 1, "--region": 1, "--profile": 1, "--no-cli-pager": 0, "--cli-binary-format": 1}
ADDED = {
    ("logs", "tail"): {"--since": 1, "--follow": 0, "--format": 1, "--filter-pattern": 1},
    ("cloudformation", "deploy"): {
        "--stack-name": 1,
        "--template-file": 1,
        "--capabilities": 1,
        "--parameter-overrides": 99,
    },
    ("s3", "cp"): {},
    # The CLI's name for Endpoint, which its own --endpoint-url would swallow.
    ("sns", "subscribe"): {"--topic-arn": 1, "--protocol": 1, "--notification-endpoint": 1},
}


class CommandError(Exception):
    """The AWS CLI would not take this command; the text says why."""


@dataclass(slots=True)
class AwsCommand:
    """One command: what is asked of which service, and how the answer is printed."""

    service: str
    operation: str
    options: dict[str, list[str]] = field(default_factory=dict)
    positional: list[str] = field(default_factory=list)

    @property
    def is_added(self) -> bool:
        """Whether the CLI adds it to what the service has."""
        return (self.service, self.operation) in ADDED

    def missing(self) -> set[str]:
        """Options that the operation demands and the command has not."""
        if self.is_added:
            return set()
        shape = _operation(self.service, self.operation).input_shape
        required = shape.required_members if shape else ()
        given = {option.replace("--no-", "--", 1) for option in self.options}
        return {_option(name) for name in required} - given - set(self.options)


def read_command(words: Sequence[str]) -> AwsCommand:
    """Read the words after `aws`; raise CommandError where there is no such service, operation or option."""
    if len(words) < 2 or words[0].startswith("-"):
        raise CommandError("service and operation come first")
    command = AwsCommand(words[0], words[1])
    known = {**GLOBAL, **_known(command)}
    rest = list(words[2:])
    while rest:
        word, *rest = rest
        if not word.startswith("--"):
            command.positional.append(word)
            continue
        if word not in known:
            raise CommandError(f"{command.service} {command.operation} has no option {word}")
        count = next((at for at, value in enumerate(rest[: known[word]]) if value.startswith("--")), known[word])
        command.options[word], rest = rest[:count], rest[count:]
        if known[word] and not command.options[word]:
            raise CommandError(f"{word} needs a value")
    if command.positional and command.operation not in ("tail", "cp"):
        raise CommandError(f"{command.positional[0]} belongs to no option")
    for query in command.options.get("--query", ()):
        jmespath.compile(query)
    return command


def _known(command: AwsCommand) -> dict[str, int]:
    if command.is_added:
        return ADDED[command.service, command.operation]
    shape = _operation(command.service, command.operation).input_shape
    members = shape.members if shape else {}
    return dict(_counts(members.items()))


def _counts(members: Any) -> Iterator[tuple[str, int]]:
    """An option has one value, a list or a map any number; a switch has none, and its opposite."""
    for name, shape in members:
        if shape.type_name == "boolean":
            yield from ((_option(name), 0), (_option(name).replace("--", "--no-", 1), 0))
        else:
            yield _option(name), 99 if shape.type_name in ("list", "map", "structure") else 1


def _option(member: str) -> str:
    return f"--{xform_name(member, '-')}"


@cache
def _operation(service: str, operation: str) -> OperationModel:
    try:
        model = botocore.session.get_session().get_service_model(service)
    except UnknownServiceError:
        raise CommandError(f"there is no service {service}") from None
    for name in model.operation_names:
        if xform_name(name, "-") == operation:
            return model.operation_model(name)
    raise CommandError(f"{service} has no operation {operation}")


def run_command(command: AwsCommand, client: Callable[[str], Any], folder: Path) -> str:
    """Do it, with files of this folder; give what is printed."""
    if missing := command.missing():
        raise CommandError(f"{' '.join(sorted(missing))} is missing")
    if command.service == "s3":
        bucket, _, key = command.positional[0].removeprefix("s3://").partition("/")
        return str(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode())
    if command.is_added:
        return _tail(command, client("logs"))
    model = _operation(command.service, command.operation)
    call = dict(_parameters(model, command, folder))
    answer = getattr(client(command.service), xform_name(model.name))(**call)
    answer.pop("ResponseMetadata", None)
    return _printed(answer, command)


def _parameters(model: OperationModel, command: AwsCommand, folder: Path) -> Iterator[tuple[str, Any]]:
    for name, shape in (model.input_shape.members if model.input_shape else {}).items():
        option = _option(name)
        if option in command.options:
            yield name, _value(shape, [_read(word, folder) for word in command.options[option]])
        elif option.replace("--", "--no-", 1) in command.options:
            yield name, False


def _read(word: str, folder: Path) -> str:
    return (folder / word.removeprefix("file://")).read_text() if word.startswith("file://") else word


def _value(shape: Shape, words: list[str]) -> Any:
    match shape.type_name:
        case "boolean":
            return True
        case "integer" | "long":
            return int(words[0])
        case "list" if not words[0].lstrip().startswith("["):
            return [_shorthand(word) for word in words] if shape.member.type_name == "structure" else words
        case "map" if not words[0].lstrip().startswith("{"):
            return dict(word.split("=", 1) for text in words for word in text.split(","))
        case "list" | "map" | "structure":
            return json.loads(words[0])
        case "blob":
            return words[0].encode()
        case _:
            return words[0]


def _shorthand(word: str) -> dict[str, str]:
    """`op=replace,path=/enabled` as the AWS CLI reads it."""
    return dict(part.split("=", 1) for part in word.split(","))


def _printed(answer: Any, command: AwsCommand) -> str:
    (query,) = command.options.get("--query", ["@"])
    found = jmespath.search(query, answer)
    if command.options.get("--output") != ["text"]:
        return json.dumps(found, indent=2, default=str)
    return "\t".join(map(str, found)) if isinstance(found, list) else str(found)


def _tail(command: AwsCommand, logs: Any) -> str:
    (since,), (group,) = command.options.get("--since", ["10m"]), command.positional
    seconds = int(since[:-1]) * {"m": 60, "h": 3600, "d": 86_400}[since[-1]]
    start = int((time.time() - seconds) * 1000)
    events = logs.filter_log_events(logGroupName=group, startTime=start)["events"]
    return "\n".join(event["message"] for event in events)
