"""
Taking the steps of a plan, one after the other. Each leaves the org as it should be, or says why it could not.

Neither REST nor the Tooling API makes custom permissions ("CustomPermission" in the Object Reference: query and
retrieve only). One call to the Metadata API does: createMetadata() needs no package and no waiting. The token travels
in the body. Salesforce takes no tokens in JWT format here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from typing import Any
from xml.sax.saxutils import escape

from destination_cli.create_fields.metadata import field_metadata, permission_metadata, rule_metadata
from destination_cli.create_fields.plan import (
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

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_HEADERS = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="{namespace}">'
    "<e:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></e:Header>"
    '<e:Body><createMetadata><metadata xsi:type="{kind}">{members}</metadata></createMetadata></e:Body></e:Envelope>'
)

_CODE = re.compile(r"<(?:\w+:)?(?:statusCode|faultcode)>(?:\w+:)?([A-Z_]+)<")
_TEXT = re.compile(r"<(?:\w+:)?(?:message|faultstring)>(.*?)</", re.DOTALL)
Row = dict[str, Any]

MOST_RECORDS = 200
"""Of one collection."""

RIGHTS = ("Read", "Create", "Edit", "Delete")


def create_metadata(api: OrgApi, kind: str, name: str, metadata: Mapping[str, Any]) -> tuple[str, str] | None:
    """Make one component; None when it was made, else the code and the text of the refusal."""
    members = {"fullName": name, **metadata}
    body = _ENVELOPE.format(
        namespace=NAMESPACE,
        token=escape(api.token.value),
        kind=kind,
        members="".join(f"<{key}>{_text(value)}</{key}>" for key, value in members.items()),
    )
    answer = api.send("POST", f"/services/Soap/m/{api.version}", body.encode(), headers=_HEADERS)
    text = answer.body if isinstance(answer.body, str) else ""
    if answer.good and "<success>true</success>" in text:
        return None
    code, message = _CODE.search(text), _TEXT.search(text)
    return code[1] if code else f"HTTP_{answer.status}", unescape(message[1]) if message else ""


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else escape(str(value))


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
