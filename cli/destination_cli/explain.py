"""`destination explain`: what happened to one contact's messages, and what the org holds."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from salesforce_destination.aws.clients import read_secret
from salesforce_destination.aws.outcome_log import IN_LINE, NOT_PERMITTED, identity_hash
from salesforce_destination.destination.destination import Destination, spelled_as
from salesforce_destination.errors import DestinationError, DestinationFileError
from salesforce_destination.mapping.mapper import IdentityReader
from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.record.description import read_description
from salesforce_destination.record.successor import quoted
from salesforce_destination.salesforce.client import SalesforceClient
from salesforce_destination.settings import load_destination

from destination_cli.checkout import DESTINATIONS
from destination_cli.function_logs import LogLine, lines_of
from destination_cli.target import Target, TargetError
from destination_cli.terminal import moment

ABOUT_THE_RECORD = (
    "Id",
    "IsDeleted",
    "MasterRecordId",
    "IsConverted",
    "ConvertedContactId",
    "LastModifiedDate",
    "CreatedDate",
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


def events_of(target: Target, identity_hash: str, seconds: int) -> list[LoggedOutcome]:
    """Every delivery in the last seconds, the oldest first."""
    lines = lines_of(target, "deliver", f'"{identity_hash}"', seconds)
    since = (time.time() - seconds) * 1000
    return sorted((event for event in _events(lines, identity_hash) if event.at >= since), key=lambda event: event.at)


def _events(lines: Iterable[LogLine], identity_hash: str) -> Iterator[LoggedOutcome]:
    for line in lines:
        for outcome, entries in line.get(IN_LINE, {}).items():
            for entry in entries:
                if entry.startswith(identity_hash):
                    yield _event(_logged_at(line.get("timestamp")), outcome, entry)


def _event(at: int, outcome: str, entry: str) -> LoggedOutcome:
    word, _, code = outcome.partition(" ")
    _, message_id, event_time = entry.split(" ")
    return LoggedOutcome(at, word, code, int(event_time) if event_time.isdigit() else None, message_id)


def _logged_at(timestamp: Any) -> int:
    """The time of a line as Powertools writes it: `2026-01-11 21:24:39,123+0000`."""
    return int(datetime.strptime(str(timestamp), "%Y-%m-%d %H:%M:%S,%f%z").timestamp() * 1000)


def key_of(destination: Destination, identity: str) -> tuple[str, str]:
    """
    The key by which the log knows an identity, and the identity as the org is asked for it.

    Raises ProfileRefusedError for what can be no identity of this destination.
    """
    plain = destination.identity.model_copy(update={"source": "identity"})
    return IdentityReader(destination.model_copy(update={"rules": (plain,)})).read({"identity": identity})


def records_of(client: SalesforceClient, destination: Destination, identity: str) -> list[dict[str, Any]]:
    """The records with this identity, those in the recycle bin too: their fields that the destination file names."""
    sobject, version = destination.salesforce_object, destination.api_version
    visible = read_description(client.get(f"/services/data/v{version}/sobjects/{sobject}/describe")).fields
    destination = spelled_as(destination, visible)
    by = "Id" if destination.updates_by_id else destination.identity.target
    names = [name for name in dict.fromkeys([*ABOUT_THE_RECORD, by, *destination.written_fields]) if name in visible]
    limit = ("LIMIT", str(MOST_RECORDS))
    soql = " ".join(["SELECT", ", ".join(names), "FROM", sobject, "WHERE", by, "=", quoted(identity), *limit])
    answer = client.get(f"/services/data/v{version}/queryAll", {"q": soql})
    return [_without_attributes(row) for row in answer["records"]]


def _without_attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "attributes"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of one contact; `problem` says why the org could not be asked."""

    salesforce_object: str
    since: str
    events: Sequence[LoggedOutcome]
    records: Sequence[dict[str, Any]] = field(repr=False)
    problem: str = ""
    refusal: Reason | None = None

    @property
    def is_good(self) -> bool:
        """Whether the last message was carried out, on a record that the org has."""
        return bool(self.events and self.records) and self.events[-1].outcome not in WAITING


def explain(target: Target, identity: str, file: Path | None, since: str) -> Explanation:
    """Look into the log and into the org."""
    seconds = seconds_of(since)
    destination = _destination(target, file)
    try:
        key, asked_for = key_of(destination, identity)
    except ProfileRefusedError as error:
        raise TargetError(f"{identity} cannot be an identity of {destination.name}: {error.reason.text}") from None
    events = events_of(target, identity_hash(_hash_key(target), key), seconds)
    try:
        records, problem = records_of(target.salesforce(), destination, asked_for), ""
    except DestinationError as error:
        records, problem = [], error.code
    kept = target.kept_refusal() if events and events[-1].outcome == "deferred" else None
    refusal = kept[0] if kept and kept[0].code == events[-1].code else None
    return Explanation(destination.salesforce_object, since, events, records, problem, refusal)


def seconds_of(since: str) -> int:
    """A span such as 90m, 24h or 14d in seconds; raise TargetError for anything else."""
    found = _SINCE.fullmatch(since)
    if found is None:
        raise TargetError(f"--since is {since!r}. Write it like 90m, 24h or 14d.")
    return int(found[1]) * _UNITS[found[2]]


def as_json(explanation: Explanation) -> str:
    """All of it for programs."""
    return json.dumps({"good": explanation.is_good, **asdict(explanation)}, indent=2)


def show(explanation: Explanation, console: Console) -> None:
    """All of it as a person reads it."""
    _show_events(explanation, console)
    console.print()
    if explanation.problem:
        console.print(f"The org cannot be asked: {explanation.problem}. Run `destination status`.", style="red")
    elif not explanation.records:
        console.print(f"The org has no {explanation.salesforce_object} with this identity, or the user may not see it.")
    for record in explanation.records:
        table = Table("In the org", "", box=None, pad_edge=False, header_style="dim")
        for name, value in record.items():
            table.add_row(name, "" if value is None else escape(str(value)))
        console.print(table)


def _show_events(explanation: Explanation, console: Console) -> None:
    if not explanation.events:
        console.print(
            f"No message for this contact was processed in the last {explanation.since}. Either none was sent, or it"
            " waits on the queue (see `destination status`), or it has another identity."
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


def _destination(target: Target, file: Path | None) -> Destination:
    path = file or target.destination_path or DESTINATIONS / target.destination_file
    try:
        return load_destination(path)
    except DestinationFileError as error:
        text = f"{path} cannot be used; name another one with --file. Its first mistake: {error.mistakes[0]}"
        raise TargetError(text) from None


def _hash_key(target: Target) -> bytes:
    try:
        key = read_secret(target.client("secretsmanager"), target.output("OutcomeKeySecretArn"))
    except DestinationError as error:
        raise TargetError(
            f"The key of the hashes in the log cannot be read ({error.code}). You need the right to read the secret"
            " OutcomeKeySecretArn."
        ) from None
    if not key:
        raise TargetError("The key of the hashes in the log is empty. Deploy template.yaml again.")
    return key.encode()
