"""Taking the steps of a plan, one after the other. Each leaves the org as it should be, or says why it could not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from destination_cli.create_fields.metadata import write_metadata
from destination_cli.create_fields.plan import Component, SetRecords, Step
from destination_cli.org_api import OrgApi, OrgError

MOST_RECORDS = 200
"""Of one collection."""

_PARENTS = {
    "ObjectPermissions": "ParentId",
    "FieldPermissions": "ParentId",
    "PermissionSetAssignment": "PermissionSetId",
}
"""The field by which each setup object names its permission set."""


class StepRefusedError(OrgError):
    """Salesforce refused a step. What was done before it stays."""

    def __init__(self, step: Step, code: str, text: str, cure: str = "") -> None:
        kind, name, _ = step.shown()
        self.code = code
        super().__init__(
            f"Salesforce refused the {kind} {name}: {code}. {text}".strip()
            + f" {cure or 'Correct it and run the command again: it does only what is not done yet.'}"
        )


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
            _check_rows(step, answer.body)


def _check_rows(step: Step, results: Sequence[Mapping[str, Any]]) -> None:
    errors = [error for result in results if not result["success"] for error in result["errors"]]
    # Beside the error itself each other row says that it was rolled back.
    own = [error for error in errors if error["statusCode"] != "ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    if errors:
        error = (own or errors)[0]
        raise StepRefusedError(step, str(error["statusCode"]), str(error["message"]))
