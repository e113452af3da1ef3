from __future__ import annotations

from typing import Any

import pytest
from destination_cli.create_fields.creation import MOST_RECORDS, StepRefusedError, take
from destination_cli.create_fields.plan import SetRecords
from destination_cli.org_api import OrgAnswer, OrgApi
from salesforce_destination.login.token import AccessToken

REFUSED = {"statusCode": "FIELD_INTEGRITY_EXCEPTION", "message": "no"}
ROLLED_BACK = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": "rolled back"}


class RecordingApi(OrgApi):
    """Writes down the collections that it is sent, and takes all but those with a word in them."""

    def __init__(self, refused: str = "nothing") -> None:
        super().__init__(AccessToken("token", "https://acme.my.salesforce.com"), "66.0")
        self.refused, self.sent = refused, list[tuple[str, list[Any]]]()

    def query(self, *call: Any) -> list[dict[str, Any]]:
        return [{"Id": "0PS1"}]

    def send(self, method: str, resource: str, body: Any = None, *more: Any, **others: Any) -> OrgAnswer:
        self.sent.append((method, body["records"]))
        bad = [self.refused in str(row) for row in body["records"]]
        errors = [REFUSED if wrong else ROLLED_BACK for wrong in bad]
        return OrgAnswer(200, [{"success": not any(bad), "errors": [error]} for error in errors])


def a_step(sobject: str, *rows: dict[str, Any]) -> SetRecords:
    return SetRecords("CDP_Contact_Integration", sobject, rows, "rights", "")


def test_rights_on_accounts_are_saved_before_those_on_contacts_that_rest_on_them() -> None:
    api = RecordingApi()
    accounts = {"id": "1101", "PermissionsRead": True}

    take(api, [a_step("ObjectPermissions", accounts, {"SobjectType": "Contact"})], lambda _: None)

    assert [(method, [row.get("id", row.get("ParentId")) for row in rows]) for method, rows in api.sent] == [
        ("PATCH", ["1101"]),
        ("POST", ["0PS1"]),
    ]


def test_rights_on_fields_go_together_as_far_as_a_collection_holds_them() -> None:
    api = RecordingApi()
    new = [{"Field": f"Contact.F{number}__c"} for number in range(MOST_RECORDS + 1)]

    take(api, [a_step("FieldPermissions", {"id": "01k1"}, *new, {"id": "01k2"})], lambda _: None)

    assert [(method, len(rows)) for method, rows in api.sent] == [
        *[("PATCH", 1), ("POST", MOST_RECORDS), ("POST", 1), ("PATCH", 1)],
    ]


def test_the_row_that_is_refused_is_told_and_not_those_that_fall_with_it() -> None:
    rows = [{"Field": name} for name in ("Contact.A__c", "Contact.Wrong__c")]

    with pytest.raises(StepRefusedError, match="FIELD_INTEGRITY_EXCEPTION"):
        take(RecordingApi("Wrong__c"), [a_step("FieldPermissions", *rows)], lambda _: None)
