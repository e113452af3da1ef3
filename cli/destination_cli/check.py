"""`destination check`: what a destination file will send where, and what does not fit the org."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from salesforce_destination.connection.allowances import audience_room, calls_a_day, storage_room
from salesforce_destination.connection.check import Connection, check_connection
from salesforce_destination.connection.comparison import OrgFacts, compare, file_findings, guard_fields, rights_for
from salesforce_destination.connection.finding import Finding, Level, warning
from salesforce_destination.destination.destination import SALESFORCE_ID, Audience, Destination, FieldMapping, Identity
from salesforce_destination.destination.mistakes import Places
from salesforce_destination.errors import DestinationFileError, Mistake, TokenUnavailableError
from salesforce_destination.record.description import read_description
from salesforce_destination.record.guards import GUARD_EXEMPT
from salesforce_destination.salesforce.facts import FactFinder
from salesforce_destination.settings import file_hash, load_destination

from destination_cli.create_fields.needs import rule_name, wanted_by
from destination_cli.function_logs import Published, login_cause, published
from destination_cli.queues import contradictions
from destination_cli.target import Target
from destination_cli.terminal import COULD_NOT, FINDINGS, GOOD, counted

SIGNS = {Level.ERROR: "[red]✗[/]", Level.WARNING: "[yellow]![/]", Level.NOTE: "[blue]i[/]"}

NO_FACTS = OrgFacts({}, {})


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
    facts: OrgFacts = NO_FACTS

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
    room = dict.fromkeys(finding for each in described for finding in audience_room(destination, each))
    return Report(file, destination, findings=[*compare(destination, facts), *room], facts=facts)


def _judge_connected(file: Path, destination: Destination, target: Target) -> Report:
    connection = check_connection(destination, FactFinder(target.salesforce(renew=True), destination.api_version))
    if any(finding.key == "credentials" for finding in connection.findings) and (cause := login_cause(target)):
        connection = replace(connection, findings=(cause, *connection.findings[1:]))
    dangers = [] if target.is_local else contradictions(target)
    found = (*connection.findings, *(warning(it.key, "", it.problem, it.cure) for it in dangers))
    org = ""
    with suppress(TokenUnavailableError):
        org = target.stored_token().current().instance_url
    facts = connection.facts or NO_FACTS
    return Report(file, destination, (), found, connection, org, published(target, file), facts)


def show(report: Report, console: Console) -> None:
    """Print a report as a person reads it."""
    console.print(_unbroken(_verdict(report), console), end="\n\n", highlight=False, soft_wrap=True)
    if report.destination is None:
        for mistake in report.mistakes:
            _show_found("[red]✗[/]", mistake.place or mistake.key, f"{mistake.problem} {mistake.cure}", console)
            if mistake.excerpt:
                console.print(mistake.excerpt, markup=False, highlight=False, soft_wrap=True)
        return
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
    if report.destination is None:
        return f"[red]✗[/] {file} has {counted(len(report.mistakes), 'mistake', 'mistakes')}:"
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
    several = len(destination.objects) > 1
    missing = f"creates missing ones{f' as {destination.creates}' if several else ''}"
    by = ", then by ".join(_fields_of(rule) for rule in destination.rules)
    missing = missing if destination.creates else "never creates any"
    text = f"Updates {' and '.join(destination.objects)} records found by {by}, and {missing}."
    console.print(_unbroken(text, console), end="\n\n", highlight=False, soft_wrap=True)
    rows = _rows(destination)
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


def _rows(destination: Destination) -> list[tuple[str, str, str]]:
    """What comes from where in the profile, goes into which field, and how."""
    rows = [(rule.source, _fields_of(rule), "identity") for rule in destination.rules]
    for each in destination.mappings:
        if destination.creates or each.write != "create":
            rows.append((each.source or repr(each.constant), _fields_of(each), _only(destination, each) + _how(each)))
    for audience in destination.audiences:
        name, only = audience.name or audience.id, _only(destination, audience)
        rows += [(name, audience.mapping_id, only + _written(audience))] if audience.mapping_id else []
        texts = ", ".join(dict.fromkeys((audience.member_status or {}).values()))
        members = [(name, f"campaign {audience.campaign}", f"{only}audience, member status {texts}")]
        rows += members if audience.campaign else []
    if kept := destination.memberships:
        rows.append((f"{kept.audiences} audiences", kept.object, f"rows by {kept.key}, since in {kept.since}"))
    if destination.ordering:
        rows.append((destination.ordering.source or "the event's time", destination.ordering.field, "ordering"))
    return rows


def _fields_of(table: Identity | FieldMapping) -> str:
    return " or ".join(dict.fromkeys(table.targets.values())).replace(SALESFORCE_ID, "the record's Id")


def _only(destination: Destination, table: FieldMapping | Audience) -> str:
    is_part = table.objects and len(destination.objects) > 1
    return f"only {' and '.join(table.objects)}, " if is_part else ""


def _how(mapping: FieldMapping) -> str:
    words = [
        {"create": "on new records only", "if_empty": "only where empty"}.get(mapping.write, ""),
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


@dataclass(frozen=True, slots=True)
class SignOff:
    """One page for the Salesforce administrator: what a file does in the org, what proves it, how to remove it."""

    report: Report
    destination: Destination

    def as_json(self) -> str:
        """The page for programs, by its headings."""
        return json.dumps({"file": str(self.report.file), "good": self.report.is_good, "document": self.sections()})

    def show(self, console: Console) -> None:
        """Print the page as Markdown, in lines that every terminal holds."""
        report = self.report
        compared = f"compared with {report.org}" if report.facts.known and report.org else "not compared with an org"
        about = f"File `{report.file.name}`, version {file_hash(report.file)}, {compared}."
        page = [f"# {self.destination.name}: what it does in Salesforce", "", _filled(about)]
        for heading, items in self.sections().items():
            page += ["", f"## {heading}", "", *(_filled(f"- {item}") for item in items)]
        print("\n".join([*page, "", "Approved by: ____________________  Date: __________"]))

    def sections(self) -> dict[str, list[str]]:
        """The lines of the page by their headings."""
        made, facts = wanted_by(self.destination), self.report.facts
        calls = calls_a_day(self.destination, facts.known)
        serious = [f"{each.level.upper()}: {each}" for each in self.report.findings if each.level is not Level.NOTE]
        written = {
            f"{one.salesforce_object}: {'new and existing' if one.creates else 'existing'} records": [
                f"{target} from `{source}`{how and f' ({how})'}" for source, target, how in _rows(one)
            ]
            for one in self.destination.by_object
        }
        sets = _named(each.name for wanted in made for each in wanted.sets)
        rules = _named(rule_name(field) for wanted in made for field in wanted.guards)
        return written | {
            "Rights of the integration user": [*self._rights()],
            "Rules of the org": [*self._rules()] or ["The file has no guards, and creates no records."],
            "API calls and storage": [
                f"{calls.problem} {calls.cure}".strip(),
                *(each.problem for each in self.report.findings if each.key == "api_calls"),
                "A new record takes 2 KB of data storage." if self.destination.creates else "No record is created.",
                *(each.problem for each in storage_room(self.destination, facts.free_mb, facts.storage_mb)),
            ],
            "What the check found": serious or ["No errors and no warnings."],
            "How to remove it": [
                "Stack: `sam delete --stack-name NAME`; docs/aws-setup.md says what stays.",
                "Deactivate the integration user, delete the External Client App.",
                f"Permission sets, if create-fields made them: {sets}.",
                f"Validation rules: {rules}; custom permission: `{GUARD_EXEMPT}`.",
                *(f"Fields of {each.sobject}: {_named(field.name for field in each.fields)}." for each in made),
            ],
        }

    def _rights(self) -> Iterator[str]:
        for right in rights_for(self.destination, self.report.facts):
            state = "not proved" if right.holds is None else f"proved by {right.proof}" if right.holds else "MISSING"
            yield f"{right.name[0].upper()}{right.name[1:]}, or {right.otherwise}: {state}."
        errors = [each for each in self.report.findings if each.level is Level.ERROR and each.field]
        state = f"MISSING for {_named(each.field for each in errors)}" if errors else "proved by the describe"
        yield f"Edit Access to every field above: {state if self.report.facts.known else 'not proved'}."
        yield "It needs no right to delete people or to change the set-up."

    def _rules(self) -> Iterator[str]:
        said = [each.problem for each in self.report.findings if each.key in ("duplicate_rules", "assignment_rules")]
        yield from said or (["Duplicate rules: not proved."] if self.destination.creates else [])
        for one in self.destination.by_object:
            rules = self.report.facts.rules.get(one.salesforce_object.lower()) or ()
            for field in guard_fields(one):
                ours = [rule.active for rule in rules if rule.guards(field)]
                state = "active" if any(ours) else "not active" if ours else "MISSING" if rules else "not proved"
                yield f"Validation rule of {one.salesforce_object} that refuses an older `{field}`: {state}."


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names)) or "none"


def _filled(text: str) -> str:
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, 79, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
