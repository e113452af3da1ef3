"""`destination check`: what a destination file will send where, or every mistake in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from salesforce_destination.destination_file import load_destination
from salesforce_destination.domain.comparison import compare
from salesforce_destination.domain.description import read_description
from salesforce_destination.domain.destination import Audience, Destination, FieldMapping
from salesforce_destination.domain.errors import DestinationFileError, Mistake
from salesforce_destination.domain.finding import Finding, Level

GOOD, FINDINGS, COULD_NOT = 0, 1, 2
SIGNS = {Level.ERROR: "[red]✗[/]", Level.WARNING: "[yellow]![/]", Level.NOTE: "[blue]i[/]"}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found about one file: mistakes in it, and findings about how it fits a describe."""

    file: Path
    destination: Destination | None
    mistakes: Sequence[Mistake] = ()
    findings: Sequence[Finding] = ()

    @property
    def is_good(self) -> bool:
        """Whether profiles can be delivered as the file says."""
        return not self.mistakes and not any(finding.level is Level.ERROR for finding in self.findings)

    def as_json(self) -> str:
        """The report for programs."""
        content: dict[str, Any] = {
            "file": str(self.file),
            "good": self.is_good,
            "mistakes": [asdict(mistake) for mistake in self.mistakes],
            "findings": [asdict(finding) for finding in self.findings],
        }
        return json.dumps(content, indent=2)


def judge(file: Path, describe: Path | None) -> Report:
    """Read a file, and compare it with a saved describe where there is one."""
    try:
        destination = load_destination(file)
    except DestinationFileError as error:
        return Report(file, None, error.mistakes)
    if describe is None:
        return Report(file, destination)
    description = read_description(json.loads(describe.read_text(encoding="utf-8")))
    return Report(file, destination, findings=compare(destination, description))


def show(report: Report, console: Console) -> None:
    """Print a report as a person reads it."""
    if report.destination is None:
        count = len(report.mistakes)
        console.print(f"[red]✗[/] {escape(str(report.file))} has {count} mistake{'s' if count > 1 else ''}:\n")
        for mistake in report.mistakes:
            _show_found("[red]✗[/]", mistake.key, f"{mistake.problem} {mistake.cure}", console)
        return
    sign = "[green]✓[/]" if report.is_good else "[red]✗[/]"
    console.print(f"{sign} {escape(str(report.file))} {'can be used' if report.is_good else 'does not fit the org'}.\n")
    for finding in report.findings:
        _show_found(SIGNS[finding.level], finding.key, f"{finding.problem} {finding.cure}", console)
    _show_destination(report.destination, console)


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
