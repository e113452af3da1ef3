"""`destination explain`: what happened to one contact's messages, and what the org holds."""

import json
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from salesforce_destination.aws.clients import read_secret
from salesforce_destination.aws.outcome_log import IN_LINE, NOT_PERMITTED, hasher
from salesforce_destination.destination.destination import Destination
from salesforce_destination.errors import DestinationError
from salesforce_destination.mapping.mapper import IdentityReader
from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.source import in_digits
from salesforce_destination.record.description import NUMBER_TYPES, FieldDescription, read_description
from salesforce_destination.record.successor import quoted

from destination_cli.checkout import DESTINATIONS
from destination_cli.function_logs import LogLine, lines_of
from destination_cli.target import Target, TargetError, destination_in
from destination_cli.terminal import moment

ABOUT_THE_RECORD = (
    *("Id", "IsDeleted", "MasterRecordId", "IsConverted", "ConvertedContactId", "LastModifiedDate", "CreatedDate"),
)
"""What tells whether a record is still there, and what has taken its place."""

MOST_RECORDS = 5
_UNITS = {"m": 60, "h": 3_600, "d": 86_400}
_SINCE = re.compile(r"([1-9]\d{0,5})([mhd])")

WAITING = {
    "rejected": "The message is in the dead-letter queue. Run `destination dead-letters --reason {code} --show"
    " --samples 1000` and look for message {message_id}.",
    "deferred": "The message waits on the queue because of {code}. It is tried again by itself;"
    " `destination status` says if a person has to act.",
}
"""What to do about the last outcome."""


@dataclass(frozen=True, slots=True)
class LoggedOutcome:
    """What became of one message about the contact, at one delivery; times in ms."""

    at: int
    outcome: str
    code: str
    event_time: int | None
    message_id: str
    """The beginning of the id that SQS gave the sender."""


def events_of(target: Target, hashes: Collection[str], seconds: int) -> list[LoggedOutcome]:
    """Every delivery in the last seconds of whom one of these stands for, the oldest first."""
    found = [
        event
        for each in hashes
        for event in _events(lines_of(target, "deliver", f'"{each}"', seconds), each)
        if event.at >= (time.time() - seconds) * 1000
    ]
    return sorted(found, key=lambda event: event.at)


def _events(lines: Iterable[LogLine], identity_hash: str) -> Iterator[LoggedOutcome]:
    for line in lines:
        for outcome, entries in line.get(IN_LINE, {}).items():
            for entry in entries:
                if entry.startswith(identity_hash):
                    # Powertools writes the time of a line as 2026-01-11 21:24:39,123+0000.
                    written = datetime.strptime(str(line.get("timestamp")), "%Y-%m-%d %H:%M:%S,%f%z")
                    at, (word, _, code) = int(written.timestamp() * 1000), outcome.partition(" ")
                    _, message_id, event_time = entry.split(" ")
                    yield LoggedOutcome(at, word, code, int(event_time) if event_time.isdigit() else None, message_id)


def identities_in(destination: Destination, text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Everybody who may be meant by a text, by the key in the log: the value in the org, and the field by sObject.

    Raises ProfileRefusedError for what is no identity by any rule of this destination.
    """
    found, refusals = dict[str, tuple[str, dict[str, str]]](), list[Exception]()
    for number, rule in enumerate(destination.rules):
        reader = IdentityReader(destination, number)
        try:
            key, value = reader.read({"identity": {rule.target: text}}, is_form=True)
        except ProfileRefusedError as error:
            refusals.append(error)
            continue
        fields = {name: reader.target_on(name) or "" for name in destination.objects}
        found[key] = value, {reader.address(value).sobject: "Id"} if rule.is_id else fields
    if not found:
        raise refusals[0]
    return found


def records_of(ask: Callable[..., Any], destination: Destination, text: str) -> list[dict[str, Any]]:
    """The records with this identity, those in the recycle bin too: their fields that the destination file names."""
    identities, found = identities_in(destination, text).values(), list[dict[str, Any]]()
    for file in destination.by_object:
        sobject, root = file.salesforce_object, f"/services/data/v{file.api_version}"
        fields = read_description(ask(f"{root}/sobjects/{sobject}/describe")).fields
        visible = {name.lower(): field for name, field in fields.items()}
        asked = [(visible.get(names.get(sobject, "").lower()), value) for value, names in identities]
        if where := " OR ".join(f"{field.name} = {_literal(field, value)}" for field, value in asked if field):
            names = [*ABOUT_THE_RECORD, *(rule.target for rule in file.rules), *file.written_fields]
            columns = dict.fromkeys(visible[name.lower()].name for name in names if name.lower() in visible)
            clauses = "SELECT", ", ".join(columns), "FROM", sobject, "WHERE", where, "LIMIT", str(MOST_RECORDS)
            rows = ask(f"{root}/queryAll", {"q": " ".join(clauses)})["records"]
            found += [{"sObject": sobject, **row} for row in rows]
    for row in found:
        row.pop("attributes", None)
    return found


def _literal(field: FieldDescription, value: str) -> str:
    return (in_digits(value) or "null") if field.type in NUMBER_TYPES else quoted(value)


def beside(records: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """The sObject that a person's messages are written to, and the one beside it where the person has a record too."""
    there = [record for record in records if not record.get("IsDeleted") and not record.get("IsConverted")]
    names = list(dict.fromkeys(str(record["sObject"]) for record in there))
    return (names[0], names[1]) if len(names) > 1 else None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of one contact; `problem` says why the org could not be asked."""

    salesforce_objects: Sequence[str]
    since: str
    events: Sequence[LoggedOutcome]
    records: Sequence[dict[str, Any]] = field(repr=False)
    problem: str = ""
    refusal: Reason | None = None

    @property
    def is_good(self) -> bool:
        """Whether the last message was carried out, on a record that the org has."""
        return bool(self.events and self.records) and self.events[-1].outcome not in WAITING

    def as_json(self) -> str:
        """All of it for programs."""
        return json.dumps({"good": self.is_good, **asdict(self)}, indent=2)


def explain(target: Target, identity: str, file: Path | None, since: str) -> Explanation:
    """Look into the log and into the org."""
    seconds = seconds_of(since)
    destination = destination_of(target, file)
    try:
        keys = list(identities_in(destination, identity))
    except ProfileRefusedError as error:
        raise TargetError(f"{identity} cannot be an identity of {destination.name}: {error.reason.text}") from None
    events = events_of(target, [*map(hasher(_hash_key(target)), keys)], seconds)
    try:
        records, problem = records_of(target.salesforce().get, destination, identity), ""
    except DestinationError as error:
        records, problem = [], error.code
    kept = target.kept_refusal() if events and events[-1].outcome == "deferred" else None
    refusal = kept[0] if kept and kept[0].code == events[-1].code else None
    return Explanation(destination.objects, since, events, records, problem, refusal)


def seconds_of(since: str) -> int:
    """A span such as 90m, 24h or 14d in seconds; raise TargetError for anything else."""
    if (found := _SINCE.fullmatch(since)) is None:
        raise TargetError(f"--since is {since!r}. Write it like 90m, 24h or 14d.")
    return int(found[1]) * _UNITS[found[2]]


def show(explanation: Explanation, console: Console) -> None:
    """All of it as a person reads it."""
    _show_events(explanation, console)
    console.print()
    if explanation.problem:
        console.print(f"The org cannot be asked: {explanation.problem}. Run `destination status`.", style="red")
    elif not explanation.records:
        names = " or ".join(explanation.salesforce_objects)
        console.print(f"The org has no {names} with this identity, or the user may not see it.")
        if explanation.events and explanation.events[-1].outcome == "delivered":
            console.print("If a later rule of the file found the record, look it up by that rule's value.")
    elif two := beside(explanation.records):
        console.print("A {1} stands beside the {0}: messages are written to the {0}.\n".format(*two), highlight=False)
    for record in explanation.records:
        table = Table("In the org", "", box=None, pad_edge=False, header_style="dim")
        for name, value in record.items():
            table.add_row(name, "" if value is None else escape(str(value)))
        console.print(table)


def _show_events(explanation: Explanation, console: Console) -> None:
    if not explanation.events:
        console.print(
            f"No message for this contact was processed in the last {explanation.since}. Either none was sent, or it"
            " waits on the queue (see `destination status`), or its identity is malformed (see `destination"
            " dead-letters`), or its profiles have another identity: the log knows each by the first rule with a value."
        )
        return
    whole = not console.is_terminal
    for event in explanation.events:
        event_time = f"event of {moment(event.event_time)}, " if event.event_time else ""
        kept_out = "written as exited" if event.outcome == "delivered" else event.outcome
        is_kept_out = event.code == NOT_PERMITTED
        what = f"{kept_out}: only_if was not true" if is_kept_out else f"{event.outcome} {event.code}".strip()
        about = f"({event_time}message {event.message_id}...)"
        console.print(f"{moment(event.at)}  {what}  {about}", markup=False, highlight=False, soft_wrap=whole)
    last = explanation.events[-1]
    if last.outcome in WAITING:
        text = WAITING[last.outcome].format(code=last.code, message_id=last.message_id)
        console.print(text, markup=False, highlight=False, soft_wrap=whole)
    if explanation.refusal:
        text = f"Salesforce refuses many records for this reason. It said to one of them: {explanation.refusal.text}"
        console.print(text, markup=False, highlight=False, soft_wrap=whole)


def destination_of(target: Target, file: Path | None) -> Destination:
    """Read the file that a stack delivers by: the one named, or the checkout's; raise TargetError."""
    return destination_in(file or target.destination_path or DESTINATIONS / target.destination_file)


def _hash_key(target: Target) -> bytes:
    try:
        key = read_secret(lambda: target.client("secretsmanager"), target.output("OutcomeKeySecretArn"))
    except DestinationError as error:
        raise TargetError(
            f"The key of the hashes in the log cannot be read ({error.code}). You need the right to read the secret"
            " OutcomeKeySecretArn."
        ) from None
    if not key:
        raise TargetError("The key of the hashes in the log is empty. Deploy template.yaml again.")
    return key.encode()
