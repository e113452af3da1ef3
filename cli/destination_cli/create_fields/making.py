"""Taking the steps of a plan, one after the other. Each leaves the org as it should be, or says why it could not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from destination_cli.create_fields.metadata import field_metadata, permission_metadata, rule_metadata
from destination_cli.create_fields.soap import create_metadata
from destination_cli.create_fields.step import (
    AddValues,
    AssignSet,
    GiveFields,
    GiveRights,
    MakeField,
    MakePermission,
    MakeRule,
    MakeSet,
    MendRule,
    Step,
)
from destination_cli.org_api import OrgAnswer, OrgApi, OrgError

Row = dict[str, Any]

MOST_RECORDS = 200
"""Of one collection."""

RIGHTS = ("Read", "Create", "Edit", "Delete")


class StepRefusedError(OrgError):
    """Salesforce refused a step. What was done before it stays."""

    def __init__(self, step: Step, code: str, text: str, cure: str = "") -> None:
        kind, name, _ = step.shown()
        self.code = code
        super().__init__(
            f"Salesforce refused the {kind} {name}: {code}. {text}".strip()
            + f" {cure or 'Correct it and run the command again: it does only what is not done yet.'}"
        )


class Maker:
    """Takes steps with an administrator's token."""

    def __init__(self, api: OrgApi) -> None:
        self._api = api
        self._sets: dict[str, str] = {}

    def take(self, steps: Sequence[Step], done: Callable[[Step], None]) -> None:
        """Take steps in their order; raise StepRefusedError at the first that is refused."""
        for step in steps:
            self._take(step)
            done(step)

    def _take(self, step: Step) -> None:
        match step:
            case MakePermission(name):
                self._make_permission(step, name)
            case MakeField(sobject, field):
                body = {"FullName": f"{sobject}.{field.name}", "Metadata": field_metadata(field)}
                self._send(step, "POST", "tooling/sobjects/CustomField", body)
            case AddValues():
                self._send(step, "PATCH", f"tooling/sobjects/CustomField/{step.record_id}", {"Metadata": step.metadata})
            case MakeRule(sobject, rule):
                body = {"FullName": f"{sobject}.{rule.name}", "Metadata": rule_metadata(rule)}
                self._send(step, "POST", "tooling/sobjects/ValidationRule", body)
            case MendRule():
                path = f"tooling/sobjects/ValidationRule/{step.record_id}"
                self._send(step, "PATCH", path, {"Metadata": rule_metadata(step.rule)})
            case _:
                self._give(step)

    def _give(self, step: MakeSet | GiveRights | GiveFields | AssignSet) -> None:
        match step:
            case MakeSet(wanted):
                body = {"Name": wanted.name, "Label": wanted.label, "Description": wanted.description}
                self._sets[wanted.name] = str(self._send(step, "POST", "sobjects/PermissionSet", body).body["id"])
            case GiveRights():
                self._write(step, "ObjectPermissions", self._rights(step))
            case GiveFields():
                self._write(step, "FieldPermissions", self._fields(step))
            case AssignSet(name, user):
                body = {"AssigneeId": user, "PermissionSetId": self._set_id(name)}
                self._send(step, "POST", "sobjects/PermissionSetAssignment", body)

    def _make_permission(self, step: Step, name: str) -> None:
        refusal = create_metadata(self._api, "CustomPermission", name, permission_metadata())
        if refusal:
            cure = (
                f"Create {name} by hand (Setup > Custom Permissions) or deploy what --export writes,"
                " then run the command again."
            )
            raise StepRefusedError(step, *refusal, cure)

    def _rights(self, step: GiveRights) -> list[Row]:
        # Accounts come before contacts, which rest on them; one request saves both.
        return [
            self._row(step.set_name, name, step.known.get(name))
            | {f"Permissions{right}": right in given for right in RIGHTS}
            for name, given in step.rights.items()
        ]

    def _fields(self, step: GiveFields) -> list[Row]:
        rows = []
        for name, edit in step.fields.items():
            row = self._row(step.set_name, step.sobject, step.known.get(name))
            field = {} if name in step.known else {"Field": f"{step.sobject}.{name}"}
            rows.append({**row, **field, "PermissionsRead": True, "PermissionsEdit": edit})
        return rows

    def _row(self, set_name: str, sobject: str, known: str | None) -> Row:
        return {"id": known} if known else {"ParentId": self._set_id(set_name), "SobjectType": sobject}

    def _write(self, step: Step, sobject: str, rows: Sequence[Row]) -> None:
        for method, chosen in (("POST", [r for r in rows if "id" not in r]), ("PATCH", [r for r in rows if "id" in r])):
            for start in range(0, len(chosen), MOST_RECORDS):
                records = [{"attributes": {"type": sobject}, **row} for row in chosen[start : start + MOST_RECORDS]]
                body = {"allOrNone": True, "records": records}
                self._check_rows(step, self._send(step, method, "composite/sobjects", body).body)

    def _check_rows(self, step: Step, results: Sequence[Mapping[str, Any]]) -> None:
        errors = [error for result in results if not result["success"] for error in result["errors"]]
        # Beside the error itself each other row says that it was rolled back.
        own = [error for error in errors if error["statusCode"] != "ALL_OR_NONE_OPERATION_ROLLED_BACK"]
        if errors:
            error = (own or errors)[0]
            raise StepRefusedError(step, str(error["statusCode"]), str(error["message"]))

    def _set_id(self, name: str) -> str:
        if name not in self._sets:
            (row,) = self._api.query("Id", "PermissionSet", {"Name": name, "NamespacePrefix": None})
            self._sets[name] = str(row["Id"])
        return self._sets[name]

    def _send(self, step: Step, method: str, resource: str, body: Row) -> OrgAnswer:
        answer = self._api.send(method, resource, body)
        if not answer.good:
            raise StepRefusedError(step, answer.code, answer.text)
        return answer
