"""How `destination check` shows its report to a person."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from salesforce_destination.connection.finding import Level
from salesforce_destination.destination.destination import Audience, Destination, FieldMapping

from destination_cli.check import Report
from destination_cli.published import Published

SIGNS = {Level.ERROR: "[red]✗[/]", Level.WARNING: "[yellow]![/]", Level.NOTE: "[blue]i[/]"}


def show(report: Report, console: Console) -> None:
    """Print a report as a person reads it."""
    if report.destination is None:
        count = len(report.mistakes)
        console.print(f"[red]✗[/] {escape(str(report.file))} has {count} mistake{'s' if count > 1 else ''}:\n")
        for mistake in report.mistakes:
            _show_found("[red]✗[/]", mistake.key, f"{mistake.problem} {mistake.cure}", console)
        return
    console.print(f"{_verdict(report)}\n", highlight=False)
    for finding in sorted(report.findings, key=lambda found: list(SIGNS).index(found.level)):
        _show_found(SIGNS[finding.level], finding.key, f"{finding.problem} {finding.cure}", console)
    if report.findings:
        console.print()
    _show_destination(report.destination, console)
    if report.published:
        _show_published(report.published, console)


def _verdict(report: Report) -> str:
    file = escape(str(report.file))
    if report.connection is None:
        return f"[green]✓[/] {file} can be used." if report.is_good else f"[red]✗[/] {file} does not fit the org."
    if report.is_good:
        return f"[green]✓ Connected.[/] {file} fits the org {escape(report.org)}."
    if not report.connection.answered:
        return "[red]✗ Not connected.[/] The check could not reach the org."
    return f"[red]✗ Not connected.[/] {file} does not fit the org {escape(report.org)}."


def _show_published(published: Published, console: Console) -> None:
    if published.is_same:
        text = f"The stack uses this file ({published.hash})."
    else:
        text = f"The stack uses another version of {published.file} ({published.hash}): this one is not deployed."
    console.print(f"\n{escape(text)}", highlight=False)


def _show_found(sign: str, key: str, text: str, console: Console) -> None:
    console.print(f"{sign} [bold]{escape(key)}[/]", highlight=False)
    console.print(Padding(escape(text.strip()), (0, 0, 0, 4)), highlight=False)


def _show_destination(destination: Destination, console: Console) -> None:
    identity = destination.identity
    by = "the record's Id" if destination.updates_by_id else identity.target
    missing = "creates missing ones" if identity.create_missing else "never creates any"
    console.print(f"Updates {destination.salesforce_object} records found by {by}, and {missing}.\n", highlight=False)
    table = Table("From the profile", "To Salesforce", "How", box=None, pad_edge=False, header_style="dim")
    table.add_row(escape(identity.source), escape(by), "identity")
    for mapping in destination.mappings:
        table.add_row(escape(mapping.source or repr(mapping.constant)), mapping.target, _how(mapping))
    for audience in destination.audiences:
        table.add_row(escape(audience.name or audience.id), audience.mapping_id, _written(audience))
    if destination.ordering:
        source = destination.ordering.source or "the event's time"
        table.add_row(escape(source), destination.ordering.field, "ordering")
    console.print(table)


def _how(mapping: FieldMapping) -> str:
    length = f"at most {mapping.max_length}, " if mapping.max_length else ""
    cut = "cut, " if mapping.when_too_long == "truncate" else ""
    words = [
        "constant" if mapping.source is None else "",
        "required" if mapping.required else "",
        f"{length}{cut}".rstrip(", "),
        f"else {mapping.default!r}" if mapping.default is not None else "",
        "cleared when absent" if mapping.when_absent == "clear" else "",
        "left out when refused" if mapping.when_refused == "omit" else "",
    ]
    return ", ".join(word for word in words if word)


def _written(audience: Audience) -> str:
    words = [f"audience, {audience.value}"]
    if audience.existing_as == "realized":
        words.append("existing as realized")
    if audience.since_field:
        words.append(f"since in {audience.since_field}")
    return ", ".join(words)
