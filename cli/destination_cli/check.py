"""`destination check`: what a destination file will send where, and what does not fit the org."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from salesforce_destination.connection.allowances import audience_room, long_text_room
from salesforce_destination.connection.check import Connection, check_connection
from salesforce_destination.connection.comparison import OrgFacts, compare, file_findings
from salesforce_destination.connection.finding import Finding, Level, warning
from salesforce_destination.destination.destination import Audience, Destination, FieldMapping
from salesforce_destination.destination.mistakes import Places
from salesforce_destination.errors import DestinationFileError, Mistake, TokenUnavailableError
from salesforce_destination.record.description import read_description
from salesforce_destination.salesforce.facts import FactFinder
from salesforce_destination.settings import load_destination

from destination_cli.function_logs import Published, login_cause, published
from destination_cli.queues import contradictions
from destination_cli.target import Target
from destination_cli.terminal import COULD_NOT, FINDINGS, GOOD

SIGNS = {Level.ERROR: "[red]✗[/]", Level.WARNING: "[yellow]![/]", Level.NOTE: "[blue]i[/]"}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found about one file: mistakes in it, how it fits the org, and by which version the stack delivers."""

    file: Path
    destination: Destination | None
    mistakes: Sequence[Mistake] = ()
    findings: Sequence[Finding] = ()
    connection: Connection | None = None
    org: str = ""
    published: Published | None = None

    @property
    def is_good(self) -> bool:
        """Whether profiles can be delivered as the file says."""
        found = self.connection or Connection(tuple(self.findings))
        return not self.mistakes and found.is_good

    @property
    def exit_status(self) -> int:
        """What the command ends with."""
        if self.is_good:
            return GOOD
        return FINDINGS if self.mistakes or self.connection is None or self.connection.is_known else COULD_NOT

    def as_json(self) -> str:
        """The report for programs."""
        content: dict[str, Any] = {
            "file": str(self.file),
            "good": self.is_good,
            "mistakes": [asdict(mistake) for mistake in self.mistakes],
            "findings": [asdict(finding) for finding in self.findings],
        }
        if self.connection is not None:
            content |= {"connected": self.connection.is_good, "org": self.org}
            content["published"] = asdict(self.published) if self.published else None
        return json.dumps(content, indent=2)


def report_on(file: Path, describes: Sequence[Path] = (), target: Target | None = None) -> Report:
    """Read a file, and compare it with saved describes or with the org of a stack, where there are any."""
    try:
        destination = load_destination(file)
    except DestinationFileError as error:
        return Report(file, None, error.mistakes)
    if target is not None:
        return _judge_connected(file, destination, target)
    if not describes:
        return Report(file, destination, findings=file_findings(destination))
    described = [read_description(json.loads(describe.read_text(encoding="utf-8"))) for describe in describes]
    facts = OrgFacts({each.name.lower(): each for each in described}, {})
    room = [audience_room(destination), *chain.from_iterable(map(long_text_room, described))]
    return Report(file, destination, findings=[*compare(destination, facts), *room])


def _judge_connected(file: Path, destination: Destination, target: Target) -> Report:
    connection = check_connection(destination, FactFinder(target.salesforce(renew=True), destination.api_version))
    if any(finding.key == "credentials" for finding in connection.findings) and (cause := login_cause(target)):
        connection = replace(connection, findings=(cause, *connection.findings[1:]))
    dangers = [] if target.is_local else contradictions(target)
    found = (*connection.findings, *(warning(it.key, "", it.problem, it.cure) for it in dangers))
    org = ""
    with suppress(TokenUnavailableError):
        org = target.stored_token().current().instance_url
    return Report(file, destination, (), found, connection, org, published(target, file))


def show(report: Report, console: Console) -> None:
    """Print a report as a person reads it."""
    if report.destination is None:
        count = len(report.mistakes)
        found = f"[red]✗[/] {escape(str(report.file))} has {count} mistake{'s' if count > 1 else ''}:"
        console.print(_unbroken(found, console), end="\n\n", highlight=False, soft_wrap=True)
        for mistake in report.mistakes:
            _show_found("[red]✗[/]", mistake.place or mistake.key, f"{mistake.problem} {mistake.cure}", console)
            if mistake.excerpt:
                console.print(mistake.excerpt, markup=False, highlight=False, soft_wrap=True)
        return
    console.print(_unbroken(_verdict(report), console), end="\n\n", highlight=False, soft_wrap=True)
    places = Places(report.file.read_text(encoding="utf-8-sig"), report.destination.model_dump(by_alias=True))
    for finding in sorted(report.findings, key=lambda found: list(SIGNS).index(found.level)):
        _show_found(SIGNS[finding.level], places.of(finding.key), f"{finding.problem} {finding.cure}", console)
    if report.findings:
        console.print()
    _show_destination(report.destination, console)
    if report.published:
        _show_published(report.published, report.file.name, console)


def _verdict(report: Report) -> str:
    file = escape(str(report.file))
    if report.connection is None:
        return f"[green]✓[/] {file} can be used." if report.is_good else f"[red]✗[/] {file} does not fit the org."
    if report.is_good:
        return f"[green]✓ Connected.[/] {file} fits the org {escape(report.org)}."
    if not report.connection.answered:
        return "[red]✗ Not connected.[/] The check could not reach the org."
    return f"[red]✗ Not connected.[/] {file} does not fit the org {escape(report.org)}."


def _show_published(published: Published, file: str, console: Console) -> None:
    if published.is_same:
        text = f"The stack uses this file ({published.hash})."
    elif published.file != file:
        text = f"The stack uses {published.file} ({published.hash}), not {file}."
    else:
        text = f"The stack uses another version of {published.file} ({published.hash}): this one is not deployed."
    console.print(f"\n{escape(text)}", highlight=False)


def _unbroken(text: str, console: Console, indent: str = "") -> str:
    """A text in lines that end between words: names and addresses stay whole."""
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False, "initial_indent": indent}
    return textwrap.fill(text, console.width, subsequent_indent=indent, **options)


def _show_found(sign: str, place: str, text: str, console: Console) -> None:
    console.print(_unbroken(f"{sign} [bold]{escape(place)}[/]", console), highlight=False, soft_wrap=True)
    console.print(_unbroken(text, console, " " * 4), markup=False, highlight=False, soft_wrap=True)


def _show_destination(destination: Destination, console: Console) -> None:
    identity = destination.identity
    by = "the record's Id" if destination.updates_by_id else identity.target
    missing = "creates missing ones" if identity.create_missing else "never creates any"
    console.print(f"Updates {destination.salesforce_object} records found by {by}, and {missing}.\n", highlight=False)
    rows = [(identity.source, by, "identity")]
    rows += [(each.source or repr(each.constant), each.target, _how(each)) for each in destination.mappings]
    rows += [(each.name or each.id, each.mapping_id, _written(each)) for each in destination.audiences]
    if destination.ordering:
        rows.append((destination.ordering.source or "the event's time", destination.ordering.field, "ordering"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if widths[0] + widths[1] + max(len(word) for row in rows for word in row[2].split() or ["How"]) + 4 > console.width:
        for source, target, how in rows:  # a table would break the names
            _show_found("·", f"{target}{how and f' ({how})'}", source, console)
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("From the profile", "To Salesforce", "How"):
        table.add_column(heading, no_wrap=heading != "How")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def _how(mapping: FieldMapping) -> str:
    words = [
        "constant" if mapping.source is None else "",
        "required" if mapping.required else "",
        f"at most {mapping.max_length}" if mapping.max_length else "",
        "cut" if mapping.when_too_long == "truncate" else "",
        f"else {mapping.default!r}" if mapping.default is not None else "",
        f"by {len(mapping.values)} values" if mapping.values else "",
        {"leave": "others left alone", "clear": "others cleared"}.get(mapping.other, ""),
        "cleared when absent" if mapping.when_absent == "clear" else "",
        "left out when refused" if mapping.may_be_omitted else "",
    ]
    return ", ".join(filter(None, words))


def _written(audience: Audience) -> str:
    realized = ", existing as realized" if audience.existing_as == "realized" else ""
    since = f", since in {audience.since_field}" if audience.since_field else ""
    texts = f" as {', '.join(dict.fromkeys(audience.texts.values()))}" if audience.values else ""
    return f"audience, {audience.value}{texts}{realized}{since}"
