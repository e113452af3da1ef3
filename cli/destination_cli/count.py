"""`destination count`: how many people the org holds in each audience, beside the numbers that a marketer gives."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from salesforce_destination.destination.destination import Audience, Destination, spelled_as
from salesforce_destination.record.successor import quoted

from destination_cli.org_api import OrgApi, OrgError
from destination_cli.target import TargetError

MEMBER = ("realized", "existing")
STATUSES = (*MEMBER, "exited", "other", "empty")
ROW = {status: status for status in STATUSES[:3]}  # what a row holds for each status
ALIVE = {"Lead": "WHERE IsConverted = false"}  # a converted lead is read-only: nothing that happens later reaches it

Held = Iterator[tuple[str, str, str, int]]  # an audience, where it is held, a status, and how often


@dataclass(frozen=True, slots=True)
class Count:
    """A line for each audience and place that holds it, with the records of each status and the expected members."""

    lines: list[dict[str, Any]]

    @property
    def is_good(self) -> bool:
        """Whether as many are members as were expected."""
        return not any(line["differs"] for line in self.lines)

    def as_json(self) -> str:
        """All of it for programs."""
        return json.dumps({"good": self.is_good, "held": self.lines}, indent=2)

    def show(self, console: Console) -> None:
        """Print a table in which a number stands out that differs."""
        table = Table("Audience", box=None, pad_edge=False, header_style="dim")
        for name in (*STATUSES, "expected"):
            table.add_column(name, justify="right", no_wrap=True)
        for line in self.lines:
            *numbers, expected = ("" if line[name] is None else f"{line[name]:,}" for name in (*STATUSES, "expected"))
            name = f"{escape(line['audience'])}\n[dim]{escape(line['where'])}[/]"
            table.add_row(name, *numbers, f"[red]✗ {expected}[/]" if line["differs"] else expected)
        console.print(table)


def count_in(api: OrgApi, destination: Destination, expected: Mapping[str, int]) -> Count:
    """Ask the org, in groups where a field allows that; read all records where none does."""
    held = defaultdict[tuple[str, str], Counter[str]](Counter)
    in_fields = chain.from_iterable(_in_fields(api, file) for file in destination.by_object)
    for audience, where, status, number in chain(
        in_fields, _in_campaigns(api, destination), _in_rows(api, destination)
    ):
        held[audience, where][status] += number
    lines, names = [], {each.id: each.name or each.id for each in destination.audiences}
    for (audience, where), found in held.items():
        line = {"audience": names.get(audience, audience), "where": where, **{it: found[it] for it in STATUSES}}
        wanted, members = expected.get(audience), sum(found[status] for status in MEMBER)
        lines.append({**line, "expected": wanted, "differs": wanted not in (None, members)})
    return Count(lines)


def status_of(audience: Audience, text: str) -> str:
    """What a field's text says of a person. A checkbox, a time and names tell members alone: who is none is empty."""
    if audience.value == "status":
        return status_by(audience.texts, text)
    text, name = text.lower(), (audience.name or audience.id).lower()
    is_in = {"boolean": text == "true", "timestamp": bool(text), "names": name in text.split(";")}
    return "realized" if is_in[audience.value] else "empty"


def status_by(texts: Mapping[Any, str], text: str) -> str:
    """The first status that is written as this text, in any case of letters."""
    found = (str(status) for status, written in texts.items() if written.lower() == text.lower())
    return next(found, "other") if text else "empty"


def memberships(api: OrgApi, destination: Destination, where: str = "") -> Iterator[tuple[str, str, str, str]]:
    """The person of each row, empty where a merge has left it over, the audience, the status and since when."""
    if rows := destination.memberships:
        lookups = filter(None, map(rows.lookup, destination.objects))
        columns = dict.fromkeys([rows.key, rows.audience, rows.status, rows.since, *lookups])
        for key, audience, status, since, *people in api.rows(columns, rows.object, where):
            yield key[:18] if key[:18] in people else "", audience, status, since


def _in_fields(api: OrgApi, file: Destination) -> Held:
    sobject, where = file.salesforce_object, ALIVE.get(file.salesforce_object, "")
    fields = {each["name"]: each["groupable"] for each in api.ask(f"sobjects/{sobject}/describe")["fields"]}
    audiences = [audience for audience in spelled_as(file, fields).audiences if audience.mapping_id]
    if missing := [each.mapping_id for each in audiences if each.mapping_id not in fields]:
        raise OrgError(f"{sobject} has no field {missing[0]} that this user may see. Run `destination check`.")
    for each in audiences:
        groups = api.count(each.mapping_id, sobject, where).items() if fields[each.mapping_id] else ()
        yield from ((each.id, each.mapping_id, status_of(each, text), number) for text, number in groups)
    if read := list(dict.fromkeys(each.mapping_id for each in audiences if not fields[each.mapping_id])):
        columns = [(each, read.index(each.mapping_id)) for each in audiences if each.mapping_id in read]
        for row in api.rows(read, sobject, where):
            yield from ((each.id, each.mapping_id, status_of(each, row[place]), 1) for each, place in columns)


def _in_campaigns(api: OrgApi, destination: Destination) -> Held:
    for each in destination.audiences:
        if campaign := each.campaign:
            field, name = ("CampaignId", campaign) if isinstance(campaign, str) else ("Campaign.Name", campaign.name)
            found = api.count("Status", "CampaignMember", f"WHERE {field} = {quoted(name)}") or {"": 0}
            texts = each.member_status or {}
            yield from ((each.id, f"campaign {name}", status_by(texts, text), found[text]) for text in found)


def _in_rows(api: OrgApi, destination: Destination) -> Held:
    if rows := destination.memberships:
        yield from ((each.id, rows.object, "empty", 0) for each in destination.audiences if rows.takes(each.id))
        for person, audience, text, _ in memberships(api, destination):
            yield audience if person else "rows left over from merges", rows.object, status_by(ROW, text), 1


def expectations(given: Sequence[str], destination: Destination) -> dict[str, int]:
    """The members that are expected, by audience id: from AUDIENCE=NUMBER, or a CSV file of audiences and numbers."""
    ids, found = {name: each.id for each in destination.audiences for name in (each.id, each.name)}, {}
    for text in given:
        is_file = Path(text).is_file()
        for place, line in enumerate(Path(text).read_text("utf-8-sig").splitlines() if is_file else [text]):
            name, members = (part.strip('" ') for part in line.rpartition("," if is_file else "=")[::2])
            if name in ids and members.isdecimal():
                found[ids[name]] = int(members)
            elif line.strip() and not (is_file and place == 0 and not members.isdecimal()):
                raise TargetError(f"--expect {line}: name an audience of the file, and how many members it has.")
        if is_file and not found:
            raise TargetError(f"--expect {text}: the file has no lines of an audience and how many members it has.")
    return found
