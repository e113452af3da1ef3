"""`destination status`: what a stack is doing, and what needs a person."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path

from botocore.exceptions import ClientError
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from salesforce_destination import errors
from salesforce_destination.connection.check import trouble
from salesforce_destination.destination.destination import Destination

from destination_cli import metrics
from destination_cli.dead_letters.command import by_reason
from destination_cli.dead_letters.reader import EMPTY_ANSWERS, DeadLetterReader
from destination_cli.explain import destination_of, seconds_of
from destination_cli.function_logs import LAST_PROFILES, login_cause, never_found
from destination_cli.queues import Depth, contradictions, depth_of, is_paused, mapping_of
from destination_cli.target import Target, TargetError
from destination_cli.terminal import moment

TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
"""Those that watch metrics, and those that watch alarms and wake people. CloudWatch tells the second only if asked."""

NESTED_STACK = "AWS::CloudFormation::Stack"  # its physical id is its ARN, which CloudFormation takes for a name
NAMES_PER_CALL = 100  # DescribeAlarms takes up to 100 names
DEAD_LETTERS_READ = 200  # so many dead letters are looked at for their reasons; `destination dead-letters` looks at all

CURES = {
    metrics.MISMATCH: "The destination file does not fit the org, or a setting is wrong. `destination check` names it.",
    metrics.IGNORED: "UPDATE_ONLY_IGNORED: Salesforce created records for updates. Run `destination pause`, then see"
    " docs/runbook.md#schemamismatchalarm.",
    metrics.CONNECTION: "The last connection check found problems. `destination check` names them.",
}
"""What to do where the last value of a metric is above 0."""

DELETED = "Lambda deletes messages that wait: the function's trigger lacks ReportBatchItemFailures. Switch it on."

NOBODY_FROM = 20  # of so many profiles in an hour at least one should be permitted, as NobodyPermittedAlarm has it
BAR = 45  # so long is the longest bar of a chart, in characters: beside its numbers that makes 80 columns
MOST_SECONDS = 455 * 86_400  # CloudWatch keeps metrics for so long
HELD_FROM = 10  # so often in an hour new people are held back where it is no chance, as CreationsHeldAlarm has it

TOO_MANY_NEW = (
    "New people wait: of the last 1,000 more are new than most_created_percent (10 % by default) lets be created."
)

NEVER_FOUND = (
    "Compare the source, or the audience's id and namespace, with a message, letter by letter. If they are right, the"
    " platform does not send it."
)

PROFILES_READ_BACK = 10 * LAST_PROFILES
"""So many received ones have enough among them that were looked through: not those that are kept out or rejected."""

WHAT_COUNTS = (
    "RecordsDelivered counts records: several messages for one record can be one write. A message that waits for a"
    " missing field counts as delivered and as deferred. only_if kept out ProfilesNotPermitted: skipped, or written as"
    " exited."
)


def alarms_on(target: Target) -> list[str] | None:
    """The logical ids of the alarms that are on; None on this machine, where nobody watches."""
    if target.is_local:
        return None
    logical_ids = _alarms_of(target)
    names = list(logical_ids)
    on: list[str] = []
    for start in range(0, len(names), NAMES_PER_CALL):
        answer = target.client("cloudwatch").describe_alarms(
            AlarmNames=names[start : start + NAMES_PER_CALL], AlarmTypes=["CompositeAlarm", "MetricAlarm"]
        )
        found = [*answer["CompositeAlarms"], *answer["MetricAlarms"]]
        on += [logical_ids[alarm["AlarmName"]] for alarm in found if alarm["StateValue"] == "ALARM"]
    return sorted(on)


def _alarms_of(target: Target) -> dict[str, str]:
    """The alarms of the stack and of its nested stacks: their names, each with its logical id."""
    pages = target.client("cloudformation").get_paginator("list_stack_resources")
    alarms: dict[str, str] = {}
    stacks = [target.name]
    while stacks:
        found = [it for page in pages.paginate(StackName=stacks.pop()) for it in page["StackResourceSummaries"]]
        # One that is being made, or could not be, has no physical id yet.
        there = [it for it in found if it.get("PhysicalResourceId")]
        alarms |= {it["PhysicalResourceId"]: it["LogicalResourceId"] for it in there if it["ResourceType"] in TYPES}
        stacks += [it["PhysicalResourceId"] for it in there if it["ResourceType"] == NESTED_STACK]
    return alarms


@dataclass(frozen=True, slots=True)
class OrgStatus:
    """What is known of the org; `problem` is a code where it cannot be asked, `cause` says why. No secret is here."""

    instance_url: str = ""
    token_issued_at: int | None = None
    api_calls_used: int | None = None
    api_calls_allowed: int | None = None
    problem: str = ""
    cause: str = ""


def org_status(target: Target) -> OrgStatus:
    """Ask the org one question with the stored token; a token that is refused stays as it is."""
    client, problem, token = target.salesforce(), None, None
    version = Destination.model_fields["api_version"].default
    try:
        token = target.stored_token().current()
        client.get(f"/services/data/v{version}/limits")
    except errors.DestinationError as error:
        # Without the right to see limits, the answer's header tells the calls all the same.
        if not isinstance(error, errors.RequestRefusedError) or error.code in errors.ACCESS_REFUSALS:
            problem = error
    org = (token.instance_url, token.issued_at_ms) if token else ("", None)
    calls = (client.usage.used, client.usage.allowed) if client.usage else (None, None)
    return OrgStatus(*org, *calls, *(_cause(problem, target) if problem else ()))


def _cause(problem: errors.DestinationError, target: Target) -> tuple[str, str]:
    """A problem's code and what it tells; where there is no token, the last failed log-in tells more."""
    found, told = trouble(problem), None
    if found.key == "credentials" and (
        problem.code not in errors.ACCESS_REFUSALS or problem.code == errors.SESSION_IP_LOCKED
    ):
        with suppress(ClientError, TargetError):  # without the right to read that log
            told = login_cause(target)
    if told and problem.code == errors.SESSION_IP_LOCKED:
        # Only the token's age spoke for that. It was revoked, and no log-in has worked since.
        problem = errors.TokenUnavailableError()
        found = trouble(problem)
    return problem.code, f"{found.problem} {told.problem} {told.cure}" if told else f"{found.problem} {found.cure}"


@dataclass(frozen=True, slots=True)
class StackStatus:
    """A stack at one moment. `reasons` are those of the dead letters that were looked at."""

    name: str
    destination: str
    paused: bool
    queue: Depth
    oldest_seconds: float | None
    dead_letters: int
    reasons: dict[str, int]
    org: OrgStatus
    activity: metrics.Activity
    alarms: Sequence[str] | None
    version: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    refusal: str = field(default="", repr=False)
    contradictions: Sequence[str] = ()
    looked_through: int = 0
    never_found: Sequence[str] = ()

    @property
    def findings(self) -> list[str]:
        """What a person has to look at."""
        found = [f"{name} is on: see docs/runbook.md#{name.lower()}." for name in self.alarms or ()]
        found += self.contradictions
        if self.paused:
            found.append("Delivery is paused. To continue, run `destination resume`.")
        if self.refusal and self.queue.all:
            found.append(self.refusal)
        if self.dead_letters:
            found.append(f"Dead letters: {self.dead_letters:,}. To see the reasons, run `destination dead-letters`.")
        last = {name: self.activity.last_value(name) or 0 for name in CURES}
        last[metrics.MISMATCH] -= last[metrics.IGNORED]  # the alarm's metric counts both
        found += [f"{text} ({name})" for name, text in CURES.items() if last[name] > 0]
        if self.org.problem:
            reach = f"The org cannot be reached with the stored access token: {self.org.problem}. "
            found.append(f"{'' if self.org.problem == errors.NOT_CONNECTED else reach}{self.org.cause}".strip())
        found += self._of_the_hour()
        if self.never_found:
            listed = "; ".join(self.never_found)
            found.append(f"None of the last {self.looked_through:,} profiles has: {listed}. {NEVER_FOUND}")
        hour = self.activity.hour
        if self.queue.all and hour["MessagesDeferred"] and not hour["RecordsDelivered"] and not found:
            page = "docs/runbook.md#nothingdeliveredalarm"
            found.append(f"Messages wait, and no record was written in the last hour: see {page}.")
        return found

    def _of_the_hour(self) -> Iterator[str]:
        hour = self.activity.hour
        if NOBODY_FROM <= hour["ProfilesReceived"] <= hour["ProfilesNotPermitted"]:
            count = f"all {hour['ProfilesReceived']:,} profiles of the last hour"
            yield f"only_if kept out {count}: see docs/runbook.md#nobodypermittedalarm."
        if hour["CreationsHeld"] >= HELD_FROM and self.queue.all:
            times = f"{hour['CreationsHeld']:,} times in the last hour"
            yield f"{TOO_MANY_NEW} They were held back {times}: see docs/runbook.md#creationsheldalarm."

    def as_json(self) -> str:
        """All of it for programs."""
        return json.dumps({**asdict(self), "findings": self.findings}, indent=2)


def status_of(target: Target, now_ms: int | None = None) -> StackStatus:
    """Look at everything once. It costs one API call to Salesforce."""
    now = int(time.time() * 1000) if now_ms is None else now_ms
    sqs = target.client("sqs")
    queue = depth_of(sqs, target.queue_url)
    points = list(metrics.points_of(target, now))
    activity = metrics.activity_of(points, now)
    looked_through, missed = 0, list[str]()
    with suppress(ClientError):  # without the right to read that log
        looked_through, missed = never_found(target, metrics.seconds_back(points, now, PROFILES_READ_BACK))
    deleted = [] if mapping_of(target).get("FunctionResponseTypes") else [DELETED]
    if (oldest := metrics.oldest_waiting_seconds(target, now)) is None:
        oldest = activity.oldest_received_seconds
    return StackStatus(
        name=target.name,
        destination=target.destination,
        paused=is_paused(target),
        queue=queue,
        oldest_seconds=oldest if queue.all else None,
        dead_letters=depth_of(sqs, target.dead_letter_queue_url).all,
        reasons=_reasons(target),
        org=org_status(target),
        activity=activity,
        alarms=alarms_on(target),
        version=target.version,
        where=target.where,
        refusal=_refusal(target),
        looked_through=looked_through,
        # Who was in none of the last profiles may have been in one of today's: its field was written.
        never_found=[each for each in missed if each.rpartition(" -> ")[2] not in activity.statuses],
        contradictions=() if target.is_local else [*map(str, contradictions(target)), *deleted],
    )


def show(status: StackStatus, console: Console) -> None:
    """All of it as a person reads it."""
    good = not status.findings
    console.print(f"{'[green]✓[/]' if good else '[red]✗[/]'} {status.name} uses {status.destination}.toml.")
    for finding in status.findings:
        console.print(Padding(finding, (0, 0, 0, 2)), markup=False, highlight=False)
    console.print()
    console.print(_rows(status))
    console.print()
    counts = Table("", "Last hour", "Last 24 hours", box=None, pad_edge=False)
    for name in metrics.COUNTED:
        counts.add_row(name, f"{status.activity.hour[name]:,}", f"{status.activity.day[name]:,}")
    for mapping_id, count in sorted(status.activity.statuses.items()):
        counts.add_row(escape(f"{metrics.STATUSES} {mapping_id}"), "", f"{count:,}")
    console.print(counts)
    console.print(WHAT_COUNTS, style="dim", highlight=False)


def show_audience(target: Target, console: Console, name: str, file: Path | None, since: str, *, as_json: bool) -> int:
    """Print by day, today included, what was written for the audience that has this name, id or Mapping ID."""
    audiences, seconds = destination_of(target, file).audiences, min(seconds_of(since), MOST_SECONDS)
    named = {text.lower(): each for each in audiences for text in (each.mapping_id, each.id, each.name or each.id)}
    if not name or (audience := named.get(name.lower())) is None:
        raise TargetError(f"The file has no audience {name}. Type its name, id or Mapping ID as the file has it.")
    counted_as = audience.mapping_id or audience.id
    days = metrics.statuses_by_day(target, counted_as, seconds, int(time.time() * 1000))
    if as_json:
        print(json.dumps({"audience": audience.name or audience.id, "counted_as": counted_as, "days": days}, indent=2))
        return 0
    lines = [f"{audience.name or audience.id} ({counted_as}): statuses written, by day (UTC)", ""]
    lines.append(f"{'in +':>21}{'exited -':>11}")
    longest = max(1, *(sum(counts.values()) for counts in days.values()))
    for day, counts in days.items():
        bar = "".join(mark * -(-BAR * count // longest) for mark, count in zip("+-", counts.values(), strict=True))
        lines.append(f"{day}{counts['in']:>11,}{counts['exited']:>11,}  {bar}")
    console.print("\n".join(lines), markup=False, highlight=False)
    return 0


def _refusal(target: Target) -> str:
    kept = target.kept_refusal()
    why = "Messages wait because Salesforce refuses many records for one reason"
    return f"{why}: {kept[0].code} at {moment(kept[1])}, in its own words: {kept[0].text}" if kept else ""


def _reasons(target: Target) -> dict[str, int]:
    with DeadLetterReader(target.client("sqs"), target.dead_letter_queue_url) as reader:
        letters = islice(chain.from_iterable(reader.each(list, EMPTY_ANSWERS)), min(reader.count, DEAD_LETTERS_READ))
        return {reason.code: reason.count for reason in by_reason(letters, 0)}


def _rows(status: StackStatus) -> Table:
    queue, org = status.queue, status.org
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("Waiting", f"{queue.visible:,} ready, {queue.in_flight:,} in flight or waiting for their next try")
    table.add_row("Oldest message", "" if status.oldest_seconds is None else f"{status.oldest_seconds:,.0f} s")
    reasons = ", ".join(f"{code} {count:,}" for code, count in status.reasons.items())
    seen = f" (of the first {DEAD_LETTERS_READ})" if status.dead_letters > DEAD_LETTERS_READ else ""
    table.add_row("Dead letters", f"{status.dead_letters:,} {reasons}{seen}")
    table.add_row("Last access token", moment(org.token_issued_at) if org.token_issued_at else org.problem)
    if org.api_calls_used is not None and org.api_calls_allowed is not None:
        left = org.api_calls_allowed - org.api_calls_used
        table.add_row("API calls left", f"{left:,} of {org.api_calls_allowed:,} in 24 hours, for all users of the org")
    for name in (metrics.MISMATCH, metrics.CONNECTION):
        value = status.activity.last_value(name)
        last = "none reported" if value is None else f"{value:,} at {moment(status.activity.last[name].at)}"
        table.add_row(name, last)
    table.add_row("Paused", "yes" if status.paused else "no")
    on = "not evaluated on this machine" if status.alarms is None else ", ".join(status.alarms) or "none"
    table.add_row("Alarms that are on", on)
    table.add_row("AWS account, region", ", ".join(status.where.values()) or "this machine")
    table.add_row("Version", status.version or "unknown: the stack is older than 1.0.0")
    return table
