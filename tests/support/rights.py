"""
Who may do what: the rights of each role of the stack, and those that a person needs for each `destination` command.

tests/integration/aws/test_rights.py tries both with IAM enforced; `make rights` writes the second into a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
BLOCK = re.compile(r"(<!-- begin rights -->\n\n).*?(\n<!-- end rights -->)", re.DOTALL)

OF_ROLES: Mapping[str, set[tuple[str, str]]] = {
    "DeliverRole": {
        ("sqs:ChangeMessageVisibility", "Queue"),
        ("sqs:DeleteMessage", "Queue"),
        ("sqs:GetQueueAttributes", "Queue"),
        ("sqs:ReceiveMessage", "Queue"),
        ("sqs:SendMessage", "DeadLetterQueue"),
        ("sqs:SendMessage", "Queue"),
        ("sqs:SendMessage", "RefreshQueue"),
        ("secretsmanager:GetSecretValue", "AccessTokenSecret"),
        ("secretsmanager:GetSecretValue", "OutcomeKeySecret"),
        ("secretsmanager:PutSecretValue", "RefusalSecret"),
        ("s3:GetObject", "SuppressionBucket"),
        ("s3:ListBucket", "SuppressionBucket"),
        ("logs:CreateLogStream", "DeliverLogGroup"),
        ("logs:PutLogEvents", "DeliverLogGroup"),
    },
    "RefreshTokenRole": {
        ("sqs:DeleteMessage", "RefreshQueue"),
        ("sqs:GetQueueAttributes", "RefreshQueue"),
        ("sqs:ReceiveMessage", "RefreshQueue"),
        ("secretsmanager:GetSecretValue", "CredentialsSecret"),
        ("secretsmanager:GetSecretValue", "AccessTokenSecret"),
        ("secretsmanager:PutSecretValue", "AccessTokenSecret"),
        ("logs:CreateLogStream", "RefreshTokenLogGroup"),
        ("logs:PutLogEvents", "RefreshTokenLogGroup"),
    },
    "CheckConnectionRole": {
        ("sqs:SendMessage", "RefreshQueue"),
        ("secretsmanager:GetSecretValue", "AccessTokenSecret"),
        ("logs:CreateLogStream", "CheckConnectionLogGroup"),
        ("logs:PutLogEvents", "CheckConnectionLogGroup"),
    },
    "RefreshScheduleRole": {("sqs:SendMessage", "RefreshQueue"), ("sqs:SendMessage", "ScheduleDeadLetterQueue")},
    "CheckScheduleRole": {
        ("lambda:InvokeFunction", "CheckConnectionFunction"),
        ("sqs:SendMessage", "ScheduleDeadLetterQueue"),
    },
}
"""The rights of a stack with the defaults: actions, and the logical ids that they are for."""


@dataclass(frozen=True)
class Rights:
    """Actions on one thing, with a note for the reader; some are needed only in a case that the note names."""

    actions: tuple[str, ...]
    on: str
    note: str = ""
    always: bool = True


def listed(things: Iterable[str]) -> str:
    """Things as a sentence names them."""
    *first, last = things
    return f"{', '.join(first)} and {last}" if first else last


def told(rights: Iterable[Rights]) -> str:
    """Rights as the table has them; the same actions on several things are named once."""
    on: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for it in rights:
        on.setdefault((it.actions, it.note), []).append(it.on)
    return ", ".join(
        f"{listed(f'`{action}`' for action in actions)} on {listed(things)}{f' ({note})' if note else ''}"
        for (actions, note), things in on.items()
    )


def may(actions: str, on: str, note: str = "", always: bool = True) -> Rights:
    """Actions of a service, written as its name and theirs with blanks between."""
    service, *names = actions.split()
    return Rights(tuple(f"{service}:{name}" for name in names), on, note, always)


QUEUE, LETTERS, TOKEN, ANYTHING = "the queue", "the dead-letter queue", "the access token", "`*`"
REFUSAL = may("secretsmanager GetSecretValue", "the kept refusal")
SUPPRESSED = "the suppression list's bucket"
READ_TOKEN = may("secretsmanager GetSecretValue", TOKEN)
WHY_NO_LOGIN = may("logs FilterLogEvents", "the refresh-token function's log", "if it cannot log in", always=False)
WHO_IS_TOLD = may("sns ListSubscriptionsByTopic", "the alarm topic")
READ_SETTINGS = may(
    "lambda GetFunctionConfiguration", "the deliver function", "for settings that contradict each other"
)
SETTINGS = (
    READ_SETTINGS,
    may("sqs GetQueueAttributes", QUEUE),
    may("sqs GetQueueAttributes", LETTERS),
)
SWITCH = (
    may("lambda ListEventSourceMappings GetEventSourceMapping UpdateEventSourceMapping", ANYTHING),
    may("sqs GetQueueAttributes", QUEUE),
)

OF_COMMANDS: Mapping[str, tuple[Rights, ...]] = {
    "output": (),
    "status": (
        may("sqs GetQueueAttributes", QUEUE),
        may("sqs GetQueueAttributes ReceiveMessage ChangeMessageVisibility", LETTERS),
        may("cloudwatch GetMetricData ListMetrics", ANYTHING),
        may("cloudwatch DescribeAlarms", ANYTHING, "for composite alarms"),
        WHO_IS_TOLD,
        may("cloudformation ListStackResources", "the stack and its nested stacks"),
        may("lambda ListEventSourceMappings GetEventSourceMapping", ANYTHING),
        READ_SETTINGS,
        READ_TOKEN,
        REFUSAL,
        may("logs FilterLogEvents", "the deliver function's log", "for what no profile has"),
        WHY_NO_LOGIN,
    ),
    "send": (may("sqs SendMessage GetQueueAttributes", QUEUE),),
    "pause": SWITCH,
    "resume": SWITCH,
    "dead-letters": (may("sqs GetQueueAttributes ReceiveMessage ChangeMessageVisibility", LETTERS),),
    "dead-letters --redrive": (
        may("sqs GetQueueAttributes ReceiveMessage ChangeMessageVisibility DeleteMessage", LETTERS),
        may("sqs SendMessage", QUEUE),
    ),
    "explain": (
        may("logs FilterLogEvents", "the deliver function's log"),
        may("secretsmanager GetSecretValue", "the outcome key"),
        READ_TOKEN,
        replace(REFUSAL, always=False),
    ),
    "connect": (
        may("secretsmanager PutSecretValue", "the credentials"),
        READ_TOKEN,
        may("sqs SendMessage", "the refresh queue"),
        WHO_IS_TOLD,
        WHY_NO_LOGIN,
    ),
    "check": (
        READ_TOKEN,
        may("lambda InvokeFunction", "the check-connection function", "for the deployed version"),
        *SETTINGS,
        WHO_IS_TOLD,
        may("sqs SendMessage", "the refresh queue", "if Salesforce refuses the token", always=False),
        WHY_NO_LOGIN,
    ),
    "erase": (
        may("s3 GetObject", SUPPRESSED),
        may("s3 ListBucket", SUPPRESSED, "while there is no list", always=False),
        may("s3 PutObject", SUPPRESSED, "with `--yes` or `--lift`", always=False),
        may("secretsmanager GetSecretValue", "the outcome key"),
        READ_TOKEN,
        may("sqs GetQueueAttributes ReceiveMessage ChangeMessageVisibility", LETTERS),
        may("sqs DeleteMessage", LETTERS, "with `--yes`", always=False),
    ),
    "create-fields": (READ_TOKEN,),
    "prove": (READ_TOKEN,),
    "count": (READ_TOKEN,),
    "reconcile": (READ_TOKEN,),
    "reconcile --yes": (READ_TOKEN, may("sqs SendMessage", QUEUE)),
}
"""Beside `cloudformation:DescribeStacks`, which finds the stack."""


def table() -> Iterator[str]:
    """The lines of the page's table; commands that need the same share one."""
    yield "| Command | What your AWS user needs |"
    yield "|---|---|"
    yield "| all; `output` needs no more | `cloudformation:DescribeStacks` |"
    for rights in dict.fromkeys(OF_COMMANDS.values()):
        if rights:
            names = ", ".join(f"`{name}`" for name, its in OF_COMMANDS.items() if its == rights)
            yield f"| {names} | {told(rights)} |"


def page() -> str:
    """The page with the table of today."""
    text = PAGE.read_text(encoding="utf-8")
    return BLOCK.sub(lambda found: found[1] + "\n".join(table()) + "\n" + found[2], text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
