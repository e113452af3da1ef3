"""`destination create-fields`: shows what an org lacks for a file, makes it, and reads it back."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from salesforce_destination.destination.destination import spelled_as
from salesforce_destination.login.token import AccessToken

from destination_cli.create_fields.found import assumed, describe, key_of, read_org, who_am_i
from destination_cli.create_fields.metadata import read_conversion, read_metadata, write_metadata
from destination_cli.create_fields.needs import FieldKind, Wanted, handed_on, wanted_by
from destination_cli.create_fields.plan import Component, Needs, Plan, SetRecords, Step, plan
from destination_cli.create_fields.source_tree import source_tree, write_tree
from destination_cli.org_api import OrgApi, OrgError, admin_token, local_way, stack_token
from destination_cli.target import Target, destination_in
from destination_cli.terminal import FINDINGS, GOOD, counted


class Sight(NamedTuple):
    """What the integration user sees of the fields that the file writes."""

    edits: list[str]
    only_reads: list[str]
    lacks: list[str]
    edits_records: bool

    @property
    def is_whole(self) -> bool:
        """Whether it can write everything."""
        return self.edits_records and not self.only_reads and not self.lacks


def sight_of(described: Mapping[str, Any], wanted: Wanted) -> Sight:
    """Judge a describe that the integration user asked for."""
    known = {str(field["name"]).lower(): field.get("updateable") for field in described["fields"]}
    known |= {key_of(f"{field.get('relationshipName')}."): field.get("updateable") for field in described["fields"]}
    may_edit = {name: known.get(key_of(name)) for name in wanted.integration.fields}
    edits, only_reads, lacks = ([name for name in may_edit if may_edit[name] is it] for it in (True, False, None))
    return Sight(edits, only_reads, lacks, described.get("updateable") is True)


def show_plan(sobjects: Sequence[str], todo: Plan, console: Console) -> None:
    """Print what will be done, and what only a person can do."""
    if not todo.steps:
        names = " and ".join(sobjects)
        console.print(f"[green]✓[/] The org has everything that the file needs on {names}.", highlight=False)
    else:
        table = Table("What", "Name", "", box=None, pad_edge=False, header_style="dim")
        for step in todo.steps:
            table.add_row(*map(escape, step.shown()))
        console.print(table)
    for problem in todo.problems:
        console.print(f"[red]✗[/] [bold]{escape(problem.key)}[/]", highlight=False)
        console.print(Padding(escape(f"{problem.problem} {problem.cure}"), (0, 0, 0, 4)), highlight=False)
    for way in todo.by_hand:
        console.print(f"By hand: {escape(way)}", highlight=False)


def show_sight(sight: Sight | None, wanted: Wanted, console: Console) -> None:
    """Print what the integration user sees."""
    if sight is None:
        by_hand = f"assign {wanted.integration.name} to the integration user by hand (Setup > Permission Sets)."
        console.print(f"You named no stack: {by_hand}", highlight=False)
        return
    total = len(wanted.integration.fields)
    sign = "[green]✓[/]" if sight.is_whole else "[red]✗[/]"
    can = f"The integration user can write {len(sight.edits)} of {total} fields of {wanted.sobject}."
    console.print(f"{sign} {can}", highlight=False)
    if not sight.edits_records:
        console.print(f"    It may not edit {wanted.sobject}. Is {wanted.integration.name} assigned to it?")
    for names, what in ((sight.only_reads, "Read-only"), (sight.lacks, "Not visible")):
        if names:
            console.print(f"    {what}: {', '.join(names)}", highlight=False, markup=False)
    if not sight.is_whole:
        console.print("    A licence or a muting permission set may prevent it. Ask the administrator.")


MOST_RECORDS = 200  # of one collection

_PARENTS = dict.fromkeys(("ObjectPermissions", "FieldPermissions"), "ParentId")
_PARENTS |= {"PermissionSetAssignment": "PermissionSetId"}
"""The field by which each setup object names its permission set."""


class StepRefusedError(OrgError):
    """Salesforce refused a step. What was done before it stays."""

    def __init__(self, step: Step, code: str, text: str, cure: str = "") -> None:
        kind, name, _ = step.shown()
        self.code = code
        cure = cure or "Correct it and run the command again: it does only what is not done yet."
        super().__init__(f"Salesforce refused the {kind} {name}: {code}. {text}".strip() + f" {cure}")


def take(api: OrgApi, steps: Sequence[Step], done: Callable[[Step], None]) -> None:
    """Take steps in their order, with an administrator's token; raise StepRefusedError at the first that is refused."""
    for step in steps:
        if isinstance(step, SetRecords):
            _write(api, step)
        else:
            _make(api, step)
        done(step)


def _make(api: OrgApi, step: Component) -> None:
    path, metadata = f"tooling/sobjects/{step.kind}", {"Metadata": step.metadata}
    if step.by_hand:
        if refusal := write_metadata(api, step.kind, step.name, step.metadata):
            raise StepRefusedError(step, *refusal, f"{step.by_hand} Then run the command again.")
        return
    if step.record_id:
        answer = api.send("PATCH", f"{path}/{step.record_id}", metadata)
    else:
        answer = api.send("POST", path, {"FullName": step.full_name, **metadata})
    if not answer.good:
        raise StepRefusedError(step, answer.code, answer.text)


def _write(api: OrgApi, step: SetRecords) -> None:
    new: dict[str, str] = {}
    if parent := _PARENTS.get(step.sobject):
        (found,) = api.query("Id", "PermissionSet", {"Name": step.set_name, "NamespacePrefix": None})
        new = {parent: str(found["Id"])}
    rows = [{"attributes": {"type": step.sobject}, **row, **({} if "id" in row else new)} for row in step.rows]
    # Rights on contacts rest on those on accounts, which are before them and have to be saved by then.
    size = 1 if step.sobject == "ObjectPermissions" else MOST_RECORDS
    for _, alike in groupby(rows, key=lambda row: "id" in row):
        chosen = list(alike)
        for start in range(0, len(chosen), size):
            records = chosen[start : start + size]
            method = "PATCH" if "id" in records[0] else "POST"
            answer = api.send(method, "composite/sobjects", {"allOrNone": True, "records": records})
            if not answer.good:
                raise StepRefusedError(step, answer.code, answer.text)
            errors = [error for result in answer.body if not result["success"] for error in result["errors"]]
            # Beside the error itself each other row says that it was rolled back.
            own = [error for error in errors if error["statusCode"] != "ALL_OR_NONE_OPERATION_ROLLED_BACK"]
            if error := next(iter(own or errors), None):
                raise StepRefusedError(step, str(error["statusCode"]), str(error["message"]))


@dataclass(slots=True)
class CreateFields:
    """One run of the command. `read_token` is None where no administrator's token was offered."""

    file: Path
    target: Target | None
    console: Console
    read_token: Callable[[], str] | None
    ask: Callable[[str], bool]
    kind: FieldKind | None = None
    instance_url: str | None = None
    export: Path | None = None
    yes: bool = False
    as_json: bool = False
    _done: list[Step] = field(default_factory=list)

    def run(self) -> int:
        """Do it; the exit status. Raises TargetError where it cannot be done."""
        destination = destination_in(self.file)
        wanted = wanted_by(destination, self.kind)
        if self.read_token is None:
            return self._export_everything(wanted, handed_on(destination))
        stack_token = self._stack_token()
        version, address = destination.api_version, self._address(stack_token)
        token = admin_token(self.read_token(), address, self._is_local)
        admin = OrgApi(token, version, "the administrator's access token")
        integration = OrgApi(stack_token, version, "the stack's own access token") if stack_token else None
        user = self._integration_user(admin, integration)
        orgs = [read_org(admin, each) for each in wanted]
        destination = spelled_as(destination, (each.name for found in orgs for each in found.fields.values()))
        needs = list(zip(wanted_by(destination, self.kind), orgs, strict=True))
        hands_on = handed_on(destination)
        todo = plan(needs, user, hands_on, read_conversion(admin) if hands_on else None)
        if self.export:
            return self._write_files(needs, todo, admin)
        return self._make(admin, integration, [each for each, _ in needs], todo)

    @property
    def _is_local(self) -> bool:
        return bool(self.target and self.target.is_local)

    def _stack_token(self) -> AccessToken | None:
        try:
            return stack_token(self.target, ", or add --instance-url") if self.target else None
        except OrgError:
            if self.instance_url:
                return None
            raise

    def _address(self, stack_token: AccessToken | None) -> str:
        if address := self.instance_url or (stack_token and stack_token.instance_url):
            return address
        raise OrgError("Name the org: --stack NAME, --local, or --instance-url https://acme.my.salesforce.com.")

    def _integration_user(self, admin: OrgApi, integration: OrgApi | None) -> str | None:
        if integration is None:
            return None
        org, user = who_am_i(integration)
        if org != who_am_i(admin)[0]:
            raise OrgError("The administrator's token is for another org than the stack's.")
        return user or None

    def _export_everything(self, wanted: Sequence[Wanted], hands_on: Mapping[str, str]) -> int:
        if self.export is None:
            way = local_way(self._address(self._stack_token())) if self._is_local else ""
            # Short lines, so that no terminal breaks the command where the shell would not take it.
            command = f"  destination create-fields {self.file} \\\n  --local --access-token-stdin"
            here = f" Here:\n{way} |\n{command}" if way else ""
            why = "This needs an administrator's access token: the integration user must not have that right."
            raise OrgError(f"{why} Add --access-token-stdin, or --export DIR to write files for a deployment.{here}")
        needs = [(e, assumed(e.sobject, (name for _, name in e.given), is_there=not e.is_made)) for e in wanted]
        return self._write_files(needs, plan(needs, hands_on=hands_on))

    def _write_files(self, needs: Needs, todo: Plan, admin: OrgApi | None = None) -> int:
        folder = self.export or Path()
        sets = [name for _, found in needs for name in found.sets]
        files = source_tree(needs, todo, read_metadata(admin, "PermissionSet", sets) if admin and sets else {})
        write_tree(files, folder)
        if self.as_json:
            print(json.dumps({"files": [str(path) for path in files]}, indent=2))
            return FINDINGS if todo.problems else GOOD
        show_plan([each.sobject for each, _ in needs], todo, self.console)
        if admin is None:
            text = "No org was asked: permission sets of these names that are there lose what others added to them."
            self.console.print(f"{text} With --access-token-stdin and a stack they keep it.", highlight=False)
        self.console.print(f"Wrote {len(files)} files. Deploy them:", highlight=False)
        deploy = f"  cd {escape(shlex.quote(str(folder)))} && sf project deploy start --source-dir force-app"
        self.console.print(deploy, highlight=False, soft_wrap=True)
        return FINDINGS if todo.problems else GOOD

    def _make(self, admin: OrgApi, integration: OrgApi | None, wanted: Sequence[Wanted], todo: Plan) -> int:
        if not self.as_json:
            show_plan([each.sobject for each in wanted], todo, self.console)
        question = f"Make {counted(len(todo.steps), 'change', 'changes')} in this org?"
        if todo.steps and not self.yes and (self.as_json or not self.ask(question)):
            if self.as_json:
                self._print_json(wanted, todo, {})
            return FINDINGS
        take(admin, todo.steps, self._note)
        sights = {e.sobject: sight_of(describe(integration, e.sobject), e) for e in wanted} if integration else {}
        if self.as_json:
            self._print_json(wanted, todo, sights)
        else:
            for each in wanted:
                show_sight(sights.get(each.sobject), each, self.console)
        return FINDINGS if todo.problems or not all(sight.is_whole for sight in sights.values()) else GOOD

    def _note(self, step: Step) -> None:
        self._done.append(step)
        if not self.as_json:
            kind, name, detail = step.shown()
            self.console.print(f"[green]✓[/] {kind} [bold]{escape(name)}[/] {escape(detail)}", highlight=False)

    def _print_json(self, wanted: Sequence[Wanted], todo: Plan, sights: Mapping[str, Sight]) -> None:
        rows = [dict(zip(("kind", "name", "detail"), step.shown(), strict=True)) for step in todo.steps]
        report: dict[str, Any] = {
            "salesforce_objects": [each.sobject for each in wanted],
            "steps": [{**row, "done": step in self._done} for row, step in zip(rows, todo.steps, strict=True)],
            "problems": [asdict(problem) for problem in todo.problems],
            "by_hand": todo.by_hand,
            "integration_user": {name: sight._asdict() for name, sight in sights.items()},
        }
        print(json.dumps(report, indent=2))
