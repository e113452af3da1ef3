from __future__ import annotations

import re
from typing import Any

import pytest
from destination_testbench.org import OrgRequest, SimulatedOrg, record_id
from org_caller import ADMIN, CONTACT, Caller, a_contact, an_org, first_error

INTEGRATION_ID = record_id("005", 1)
TEXT = {"label": "AI Status", "type": "Text", "length": 20}


@pytest.fixture
def admin(org: SimulatedOrg) -> Caller:
    return Caller(org, ADMIN)


def make(admin: Caller, name: str = "Contact.AI_Status__c", metadata: dict[str, Any] = TEXT) -> tuple[int, Any]:
    return admin.send("POST", "tooling/sobjects/CustomField", {"FullName": name, "Metadata": metadata})


def grant(admin: Caller, *fields: str, edit: bool = True) -> None:
    _, permission_set = admin.send("POST", "sobjects/PermissionSet", {"Name": "CDP", "Label": "CDP"})
    for field in fields:
        permission = {"ParentId": permission_set["id"], "SobjectType": "Contact", "Field": f"Contact.{field}"}
        status, body = admin.send(
            "POST", "sobjects/FieldPermissions", {**permission, "PermissionsRead": True, "PermissionsEdit": edit}
        )
        assert status == 201, body
    assignment = {"AssigneeId": INTEGRATION_ID, "PermissionSetId": permission_set["id"]}
    assert admin.send("POST", "sobjects/PermissionSetAssignment", assignment)[0] == 201


def test_a_new_field_is_invisible_until_a_permission_set_opens_it(admin: Caller, caller: Caller) -> None:
    status, body = make(admin)

    assert status == 201
    assert (body["id"][:3], body["success"], body["errors"]) == ("00N", True, [])
    assert first_error(caller.update(a_contact(AI_Status__c="x"))[0])[0] == "INVALID_FIELD"

    grant(admin, "AI_Status__c")

    assert caller.update(a_contact(AI_Status__c="x"))[0]["success"]
    assert first_error(caller.update(a_contact(AI_Status__c="x" * 21))[0])[0] == "STRING_TOO_LONG"


def test_a_right_to_read_is_no_right_to_write(admin: Caller, caller: Caller) -> None:
    make(admin)
    grant(admin, "AI_Status__c", edit=False)

    assert first_error(caller.update(a_contact(AI_Status__c="x"))[0])[0] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    _, described = caller.send("GET", "sobjects/Contact/describe")
    field = next(field for field in described["fields"] if field["name"] == "AI_Status__c")
    assert (field["updateable"], field["createable"], field["length"]) == (False, False, 20)


def test_a_right_that_is_taken_back_is_gone(admin: Caller, caller: Caller) -> None:
    make(admin)
    grant(admin, "AI_Status__c")
    (row,) = admin.query("SELECT Id FROM PermissionSetAssignment")

    assert admin.send("DELETE", f"sobjects/PermissionSetAssignment/{row['Id']}")[0] == 204

    assert first_error(caller.update(a_contact(AI_Status__c="x"))[0])[0] == "INVALID_FIELD"


def test_a_new_external_id_can_be_upserted_by_at_once(admin: Caller, caller: Caller) -> None:
    make(admin, "Contact.Key__c", {**TEXT, "externalId": True, "unique": True, "caseSensitive": True})
    grant(admin, "Key__c")

    results = [caller.upsert("Contact/Key__c", a_contact(None, Key__c=key, LastName="X"))[0] for key in ("a", "A", "a")]

    assert [result["created"] for result in results] == [True, True, False]


@pytest.mark.parametrize(
    ("metadata", "described"),
    [
        ({"type": "Checkbox", "label": "A", "defaultValue": "false"}, {"type": "boolean", "nillable": False}),
        ({"type": "DateTime", "label": "A"}, {"type": "datetime", "soapType": "xsd:dateTime"}),
        (
            {"type": "Number", "label": "A", "precision": 18, "scale": 0},
            {"type": "double", "precision": 18, "scale": 0},
        ),
        (
            {"type": "LongTextArea", "label": "A", "length": 256, "visibleLines": 3},
            {"type": "textarea", "length": 256, "filterable": False},
        ),
        (
            {
                "type": "MultiselectPicklist",
                "label": "A",
                "visibleLines": 4,
                "valueSet": {"restricted": True, "valueSetDefinition": {"value": [{"valueName": "VIP"}]}},
            },
            {"type": "multipicklist", "restrictedPicklist": True},
        ),
    ],
)
def test_each_type_of_field_is_described_as_it_was_made(
    admin: Caller, caller: Caller, metadata: dict[str, Any], described: dict[str, Any]
) -> None:
    assert make(admin, "Contact.New__c", metadata)[0] == 201
    grant(admin, "New__c")

    _, body = caller.send("GET", "sobjects/Contact/describe")
    field = next(field for field in body["fields"] if field["name"] == "New__c")
    assert {name: field[name] for name in described} == described


@pytest.mark.parametrize(
    ("name", "metadata", "code"),
    [
        ("Contact.CDP_Loyal__c", TEXT, "DUPLICATE_DEVELOPER_NAME"),
        ("Contact.cdp_loyal__c", TEXT, "DUPLICATE_DEVELOPER_NAME"),
        ("Nonsense.A__c", TEXT, "INVALID_FIELD"),
        ("Contact.A", TEXT, "INVALID_FIELD"),
        ("Contact.A B__c", TEXT, "INVALID_FIELD"),
        ("Contact." + "A" * 42 + "__c", TEXT, "INVALID_FIELD"),
        ("Contact.A__c", {**TEXT, "length": 256}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Contact.A__c", {"type": "Text", "label": "A"}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Contact.A__c", {"type": "Magic", "label": "A"}, "INVALID_TYPE"),
        ("Contact.A__c", {"type": "Text", "length": 5}, "REQUIRED_FIELD_MISSING"),
        (
            "Contact.A__c",
            {"type": "LongTextArea", "label": "A", "length": 255, "visibleLines": 3},
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        ("Contact.A__c", {"type": "LongTextArea", "label": "A", "length": 256}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Contact.A__c", {"type": "Number", "label": "A", "precision": 19, "scale": 0}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Contact.A__c", {"type": "MultiselectPicklist", "label": "A", "visibleLines": 4}, "FIELD_INTEGRITY_EXCEPTION"),
        ("Contact.A__c", {"type": "Checkbox", "label": "A", "externalId": True}, "FIELD_INTEGRITY_EXCEPTION"),
    ],
)
def test_a_field_that_cannot_be_is_refused(admin: Caller, name: str, metadata: dict[str, Any], code: str) -> None:
    status, body = make(admin, name, metadata)

    assert (status, body[0]["errorCode"]) == (400, code)


def test_the_thirteenth_long_text_of_the_largest_size_does_not_fit(admin: Caller) -> None:
    largest = {"type": "LongTextArea", "label": "A", "length": 131_072, "visibleLines": 3}

    answers = [make(admin, f"Lead.Long{number}__c", largest) for number in range(13)]

    assert [status for status, _ in answers] == [201] * 12 + [400]
    assert answers[-1][1][0]["errorCode"] == "LIMIT_EXCEEDED"


def test_twenty_five_external_ids_are_the_most(admin: Caller) -> None:
    statuses = [make(admin, f"Contact.Key{n}__c", {**TEXT, "externalId": True})[0] for n in range(25)]

    assert statuses == [201] * 24 + [400]


def test_what_was_made_can_be_queried_read_changed_and_deleted(admin: Caller) -> None:
    _, made = make(admin)
    path = f"tooling/sobjects/CustomField/{made['id']}"

    (row,) = admin.query("SELECT Id, TableEnumOrId FROM CustomField WHERE DeveloperName = 'AI_Status'", "tooling/query")
    assert row == {"Id": made["id"], "TableEnumOrId": "Contact"}
    assert admin.send("GET", path)[1]["Metadata"] == TEXT
    assert admin.send("PATCH", path, {"Metadata": {**TEXT, "length": 30}})[0] == 204
    assert admin.org.schema.sobjects["Contact"].fields["AI_Status__c"].length == 30
    assert admin.send("DELETE", path)[0] == 204
    assert admin.send("GET", path)[0] == 404
    assert "AI_Status__c" not in admin.org.schema.sobjects["Contact"].fields


def test_the_fields_an_org_starts_with_can_be_queried(admin: Caller) -> None:
    rows = admin.query("SELECT DeveloperName FROM CustomField WHERE TableEnumOrId = 'Contact'", "tooling/query")

    assert {"DeveloperName": "CDP_Loyal"} in rows
    assert len(rows) == 10


RULE = {"active": True, "errorConditionFormula": 'LastName = "No"', "errorMessage": "not this one"}


def make_rule(admin: Caller, **changes: Any) -> tuple[int, Any]:
    body = {"FullName": "Contact.Not_this_one", "Metadata": {**RULE, **changes}}
    return admin.send("POST", "tooling/sobjects/ValidationRule", body)


def test_a_rule_that_was_made_is_evaluated(admin: Caller, caller: Caller) -> None:
    status, made = make_rule(admin)
    assert status == 201
    assert first_error(caller.update(a_contact(LastName="No"))[0])[1] == "not this one"

    inactive = {"Metadata": {**RULE, "active": False}}
    assert admin.send("PATCH", f"tooling/sobjects/ValidationRule/{made['id']}", inactive)[0] == 204
    assert caller.update(a_contact(LastName="No"))[0]["success"]


def test_rules_can_be_queried_by_their_sobject(admin: Caller) -> None:
    make_rule(admin)
    where = "WHERE EntityDefinition.QualifiedApiName = 'Contact'"

    rows = admin.query(f"SELECT ValidationName, Active, ErrorMessage FROM ValidationRule {where}", "tooling/query")

    assert rows == [{"ValidationName": "Not_this_one", "Active": True, "ErrorMessage": "not this one"}]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"errorConditionFormula": "Nope__c > 1"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"errorConditionFormula": "AND("}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"errorConditionFormula": "$Permission.Nope"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"errorMessage": "x" * 256}, "STRING_TOO_LONG"),
        ({"errorMessage": None}, "REQUIRED_FIELD_MISSING"),
        ({"errorDisplayField": "Nope__c"}, "FIELD_INTEGRITY_EXCEPTION"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(admin: Caller, changes: dict[str, Any], code: str) -> None:
    status, body = make_rule(admin, **changes)

    assert (status, body[0]["errorCode"]) == (400, code)


def test_a_custom_permission_of_a_permission_set_exempts_its_holders(admin: Caller, caller: Caller) -> None:
    assert create_permission(admin, "May") == "true"
    (made,) = admin.query("SELECT Id FROM CustomPermission WHERE DeveloperName = 'May'")
    make_rule(admin, errorConditionFormula='AND(NOT($Permission.May), LastName = "No")')
    grant(admin)
    (permission_set,) = admin.query("SELECT Id FROM PermissionSet")
    assert not caller.update(a_contact(LastName="No"))[0]["success"]

    access = {"ParentId": permission_set["Id"], "SetupEntityId": made["Id"]}
    assert admin.send("POST", "sobjects/SetupEntityAccess", access)[0] == 201

    assert caller.update(a_contact(LastName="No"))[0]["success"]


CREATE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xmlns="http://soap.sforce.com/2006/04/metadata">
  <e:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></e:Header>
  <e:Body><createMetadata><metadata xsi:type="{kind}"><fullName>{name}</fullName><isLicensed>false</isLicensed>
    <label>{name}</label></metadata></createMetadata></e:Body>
</e:Envelope>"""


READ = re.sub(
    "<createMetadata>.*</createMetadata>",
    "<readMetadata><type>{kind}</type><fullNames>{name}</fullNames><fullNames>None</fullNames></readMetadata>",
    CREATE,
    flags=re.DOTALL,
)


def soap(caller: Caller, text: str) -> str:
    headers = {"content-type": "text/xml; charset=UTF-8", "soapaction": '""'}
    return caller.org.handle(OrgRequest("POST", "/services/Soap/m/66.0", {}, headers, text.encode())).body.decode()


def create_permission(admin: Caller, name: str, kind: str = "CustomPermission", token: str | None = None) -> str:
    """ "true", or the code of the refusal."""
    text = soap(admin, CREATE.format(token=token or admin.token, name=name, kind=kind))
    (found,) = re.findall(r"(?:<(?:success|statusCode|faultcode)>(?:sf:)?|errorCode.:.)(true|[A-Z_]+)", text)
    return str(found)


def test_a_permission_set_is_shown_with_all_that_it_has(admin: Caller, caller: Caller) -> None:
    make(admin)
    grant(admin, "AI_Status__c", edit=False)

    text = soap(admin, READ.format(token=admin.token, kind="PermissionSet", name="CDP"))

    assert "<fullName>CDP</fullName><label>CDP</label>" in text
    right = "<editable>false</editable><field>Contact.AI_Status__c</field><readable>true</readable>"
    assert f"<fieldPermissions>{right}</fieldPermissions>" in text
    assert text.count('<records xsi:nil="true"/>') == 1
    assert "INSUFFICIENT_ACCESS" in soap(caller, READ.format(token=caller.token, kind="PermissionSet", name="CDP"))
    assert "NOT_SIMULATED" in soap(admin, READ.format(token=admin.token, kind="Profile", name="Admin"))


MAP = re.sub(
    "<createMetadata>.*</createMetadata>",
    '<updateMetadata><metadata xsi:type="LeadConvertSettings"><fullName>LeadConvertSettings</fullName><objectMapping>'
    "<inputObject>Lead</inputObject><mappingFields><inputField>{source}</inputField><outputField>{into}</outputField>"
    "</mappingFields><outputObject>Contact</outputObject></objectMapping></metadata></updateMetadata>",
    CREATE,
    flags=re.DOTALL,
)


def test_fields_of_a_lead_are_mapped_for_its_conversion(admin: Caller, caller: Caller) -> None:
    key = "CDP_Customer_Id__c"

    def map_(who: Caller, source: str = key, into: str = key) -> str:
        return soap(who, MAP.format(token=who.token, source=source, into=into))

    def shown() -> str:
        return soap(admin, READ.format(token=admin.token, kind="LeadConvertSettings", name="LeadConvertSettings"))

    assert "mappingFields" not in shown()
    assert "<success>true</success>" in map_(admin)
    pair = f"<inputField>{key}</inputField><outputField>{key}</outputField>"
    assert f"<mappingFields>{pair}</mappingFields><outputObject>Contact</outputObject>" in shown()
    assert "INSUFFICIENT_ACCESS" in map_(caller)
    assert "INVALID_FIELD" in map_(admin, "Email", "Email")
    assert "FIELD_INTEGRITY_EXCEPTION" in map_(admin, into="CDP_Event_Time__c")
    assert pair in shown()


def test_records_are_merged_by_the_partner_api_as_in_the_page(admin: Caller) -> None:
    kept, lost = (admin.send("POST", "sobjects/Contact", {"LastName": name})[1]["id"] for name in ("Kept", "Lost"))
    merge = (
        "<merge><request><masterRecord><s:type>Contact</s:type><s:Id>{}</s:Id></masterRecord>"
        "<recordToMergeIds>{}</recordToMergeIds></request></merge>"
    )

    def answer(token: str, loser: str = lost) -> str:
        text = f"<e:Body>{merge.format(kept, loser)}</e:Body><sessionId>{token}</sessionId>"
        return admin.org.handle(OrgRequest("POST", "/services/Soap/u/66.0", {}, {}, text.encode())).body.decode()

    assert "INVALID_SESSION_ID" in answer("nobody's")
    assert "INVALID_CROSS_REFERENCE_KEY" in answer(admin.token, "003nobody")
    assert "<success>true</success>" in answer(admin.token)
    (row,) = admin.query(f"SELECT MasterRecordId FROM Contact WHERE Id = '{lost}'", "queryAll")
    assert row["MasterRecordId"] == kept


ROWS = """<fullName>{name}</fullName><label>Row</label><pluralLabel>Rows</pluralLabel>
<sharingModel>Private</sharingModel>
<deploymentStatus>Deployed</deploymentStatus><enableReports>true</enableReports>
<nameField><label>Row</label><type>Text</type></nameField>
<fields><fullName>Key__c</fullName><label>Key</label><type>Text</type><length>255</length><externalId>true</externalId>
<unique>true</unique><caseSensitive>true</caseSensitive></fields>
<fields><fullName>Contact__c</fullName><label>Contact</label><type>Lookup</type><referenceTo>{owner}</referenceTo>
<relationshipName>Rows</relationshipName><deleteConstraint>SetNull</deleteConstraint></fields>
<fields><fullName>Since__c</fullName><label>Since</label><type>Number</type><precision>18</precision><scale>0</scale>
</fields>"""
GUARD = """<fullName>Row__c.Guard</fullName><active>true</active><errorMessage>older</errorMessage>
<errorConditionFormula>AND(NOT(ISNEW()), Since__c &lt; PRIORVALUE(Since__c))</errorConditionFormula>"""
TAB = "<fullName>Row__c</fullName><customObject>true</customObject><motif>Custom53: Bell</motif>"
SET = """<fullName>Rows</fullName><label>Rows</label>
<objectPermissions><object>Contact</object><allowRead>true</allowRead></objectPermissions>
<objectPermissions><object>Account</object><allowRead>true</allowRead></objectPermissions>
<objectPermissions><object>Row__c</object><allowRead>true</allowRead><allowCreate>true</allowCreate><allowEdit>true</allowEdit>
</objectPermissions><fieldPermissions><field>Row__c.Key__c</field><editable>true</editable><readable>true</readable>
</fieldPermissions><fieldPermissions><field>Row__c.{field}</field><editable>true</editable><readable>true</readable>
</fieldPermissions><tabSettings><tab>Row__c</tab><visibility>Visible</visibility></tabSettings>"""


def create(who: Caller, kind: str, *components: str) -> list[str]:
    """ "true", or the code of the refusal, for each component."""
    bodies = "".join(f'<metadata xsi:type="{kind}">{component}</metadata>' for component in components)
    text = re.sub(
        "<metadata.*</metadata>", lambda _: bodies, CREATE.format(token=who.token, kind="", name=""), flags=re.DOTALL
    )
    return re.findall(r"(?:<(?:success|statusCode|faultcode)>(?:sf:)?)(true|[A-Z_]+)", soap(who, text))


def test_an_object_is_made_whole_by_the_metadata_api(admin: Caller, caller: Caller) -> None:
    target, row = "Row__c/Key__c", {"attributes": {"type": "Row__c"}, "Key__c": f"{CONTACT}:a", "Since__c": 2}
    assert create(admin, "CustomObject", ROWS.format(name="Row__c", owner="Contact")) == ["true"]
    assert caller.send("GET", "sobjects/Row__c/describe")[0] == 404
    assert create(admin, "ValidationRule", GUARD) == create(admin, "CustomTab", TAB) == ["true"]
    assert create(admin, "PermissionSet", SET.format(field="Since__c")) == ["true"]
    (made,) = admin.query("SELECT Id FROM PermissionSet WHERE Name = 'Rows'")
    assignment = {"AssigneeId": caller.org.users[0].id, "PermissionSetId": made["Id"]}
    assert admin.send("POST", "sobjects/PermissionSetAssignment", assignment)[0] == 201

    _, described = caller.send("GET", "sobjects/Row__c/describe")
    key = next(field for field in described["fields"] if field["name"] == "Key__c")
    assert (described["deletable"], key["unique"], key["externalId"], key["caseSensitive"]) == (False, True, True, True)
    assert "Contact__c" not in [field["name"] for field in described["fields"]]
    assert caller.upsert(target, row)[0]["created"]
    assert first_error(caller.upsert(target, row | {"Since__c": 1})[0])[1] == "older"
    caller.org.admin.remove_object("Row__c")
    assert admin.send("GET", "sobjects/Row__c/describe")[0] == 404
    assert create(admin, "CustomObject", ROWS.format(name="Row__c", owner="Contact")) == ["true"]
    assert admin.query("SELECT Id FROM Row__c") == []


def test_components_are_refused_one_by_one(admin: Caller, caller: Caller) -> None:
    good = ROWS.format(name="Row__c", owner="Contact")

    assert create(admin, "CustomObject", good.replace("<label>Row</label>", "", 1), good, good) == [
        "REQUIRED_FIELD_MISSING",
        "true",
        "DUPLICATE_DEVELOPER_NAME",
    ]
    assert create(admin, "CustomObject", ROWS.format(name="Other__c", owner="Nobody")) == ["FIELD_INTEGRITY_EXCEPTION"]
    assert admin.send("GET", "sobjects/Other__c/describe")[0] == 404
    assert create(admin, "CustomTab", TAB, TAB) == ["true", "DUPLICATE_DEVELOPER_NAME"]
    assert create(admin, "CustomTab", TAB.replace("Row__c", "No__c")) == ["INVALID_CROSS_REFERENCE_KEY"]
    assert create(admin, "PermissionSet", SET.format(field="No__c")) == ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    assert admin.query("SELECT Id FROM PermissionSet") == []
    assert create(caller, "CustomTab", TAB) == ["INSUFFICIENT_ACCESS"]
    assert create(admin, "CustomTab", *[TAB] * 11) == ["LIMIT_EXCEEDED"]
    status, body = admin.send("POST", "tooling/sobjects/CustomObject", {"FullName": "X__c", "Metadata": {}})
    assert (status, body[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")


def test_a_custom_permission_that_cannot_be_is_refused(admin: Caller, caller: Caller) -> None:
    assert create_permission(admin, "May") == "true"
    assert create_permission(admin, "May") == "DUPLICATE_DEVELOPER_NAME"
    assert create_permission(admin, "Must__not") == "INVALID_FULLNAME"
    assert create_permission(admin, "Other", kind="ApexClass") == "NOT_SIMULATED"
    assert create_permission(admin, "Other", token="nobody's") == "INVALID_SESSION_ID"
    assert create_permission(caller, "Other") == "INSUFFICIENT_ACCESS"
    body = {"DeveloperName": "Other", "MasterLabel": "Other"}
    assert admin.send("POST", "sobjects/CustomPermission", body)[0] == 400


def test_metadata_can_be_queried_of_one_row_only(admin: Caller) -> None:
    where = "FROM CustomField WHERE TableEnumOrId = 'Contact'"
    one = admin.query(f"SELECT Metadata {where} AND DeveloperName = 'CDP_Trial'", "tooling/query")

    status, body = admin.send("GET", f"tooling/query?q=SELECT Id, Metadata {where}")

    assert (one[0]["Metadata"]["type"], one[0]["Metadata"]["length"]) == ("Text", 20)
    assert (status, body[0]["errorCode"]) == (400, "MALFORMED_QUERY")


def test_a_field_that_was_deleted_can_be_made_again_and_is_empty_and_closed(admin: Caller, caller: Caller) -> None:
    caller.update(a_contact(CDP_Trial__c="realized"))
    admin.org.admin.remove_field("Contact", "CDP_Trial__c")

    assert make(admin, "Contact.CDP_Trial__c")[0] == 201

    assert first_error(caller.update(a_contact(CDP_Trial__c="x"))[0])[0] == "INVALID_FIELD"
    grant(admin, "CDP_Trial__c")
    assert caller.query(f"SELECT CDP_Trial__c FROM Contact WHERE Id = '{CONTACT}'") == [{"CDP_Trial__c": None}]


def give(admin: Caller, **rights: bool) -> tuple[int, Any]:
    admin.send("POST", "sobjects/PermissionSet", {"Name": "Rights", "Label": "Rights"})
    (row,) = admin.query("SELECT Id FROM PermissionSet WHERE Name = 'Rights'")
    return admin.send("POST", "sobjects/ObjectPermissions", {"ParentId": row["Id"], "SobjectType": "Contact", **rights})


def test_a_right_needs_those_that_it_rests_on(admin: Caller) -> None:
    def text(answer: tuple[int, Any]) -> str:
        assert answer[1][0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
        return str(answer[1][0]["message"])

    edit, read = give(admin, PermissionsEdit=True), give(admin, PermissionsRead=True)

    assert text(edit) == "Permission Edit Contact depends on permission(s): Read Contact"
    assert text(read) == "Permission Read Contact depends on permission(s): Read Account"


def test_a_user_of_a_minimal_profile_has_what_permission_sets_give_and_no_more(org: SimulatedOrg) -> None:
    org.users[0].minimal = True
    admin, caller = Caller(org, ADMIN), Caller(org)
    assert caller.send("GET", "sobjects/Contact/describe")[0] == 404
    assert caller.send("GET", "query?q=SELECT Id FROM Contact")[0] == 400
    assert first_error(caller.update(a_contact(LastName="New"))[0])[0] == "INSUFFICIENT_ACCESS_OR_READONLY"

    grant(admin, "Email")
    (row,) = admin.query("SELECT Id FROM PermissionSet")
    for name, edit in (("Account", False), ("Contact", True)):
        rights = {"ParentId": row["Id"], "SobjectType": name, "PermissionsRead": True, "PermissionsEdit": edit}
        assert admin.send("POST", "sobjects/ObjectPermissions", rights)[0] == 201

    assert caller.update(a_contact(LastName="New", Email="new@example.com"))[0]["success"]
    assert first_error(caller.update(a_contact(Title="New"))[0])[0] == "INVALID_FIELD"
    _, described = caller.send("GET", "sobjects/Contact/describe")
    assert (described["updateable"], described["createable"], described["deletable"]) == (True, False, False)
    assert not caller.send("DELETE", f"composite/sobjects?ids={CONTACT}")[1][0]["success"]


def test_rights_on_what_everyone_has_are_refused(admin: Caller) -> None:
    _, permission_set = admin.send("POST", "sobjects/PermissionSet", {"Name": "X", "Label": "X"})

    for field in ("LastName", "FirstName", "MailingCity", "Id"):
        rights = {"ParentId": permission_set["id"], "SobjectType": "Contact", "Field": f"Contact.{field}"}
        assert admin.send("POST", "sobjects/FieldPermissions", {**rights, "PermissionsRead": True})[0] == 400
    rights = {"ParentId": permission_set["id"], "SobjectType": "Contact", "Field": "Contact.MailingAddress"}
    assert admin.send("POST", "sobjects/FieldPermissions", {**rights, "PermissionsRead": True})[0] == 201


def test_an_org_says_whether_it_is_a_sandbox_and_who_is_asking(admin: Caller, caller: Caller) -> None:
    assert caller.query("SELECT IsSandbox, Name FROM Organization") == [{"IsSandbox": True, "Name": "Acme"}]
    _, mine = caller.send("GET", "")
    _, theirs = admin.send("GET", "")
    assert mine["identity"].rsplit("/", 1)[1] == INTEGRATION_ID
    assert mine["identity"].rsplit("/", 1)[0] == theirs["identity"].rsplit("/", 1)[0]


def test_only_an_administrator_may_change_or_see_the_set_up(caller: Caller) -> None:
    assert make(caller)[0] == 403
    assert make_rule(caller)[0] == 403
    assert caller.send("POST", "sobjects/PermissionSet", {"Name": "X", "Label": "X"})[0] == 403
    status, body = caller.send("GET", "tooling/query?q=SELECT Id FROM ValidationRule")
    assert (status, body[0]["errorCode"]) == (400, "INVALID_TYPE")


def test_permissions_on_a_field_that_is_not_there_are_refused(admin: Caller) -> None:
    _, permission_set = admin.send("POST", "sobjects/PermissionSet", {"Name": "X", "Label": "X"})
    rights = {"ParentId": permission_set["id"], "SobjectType": "Contact", "Field": "Contact.Nope__c"}

    status, body = admin.send("POST", "sobjects/FieldPermissions", {**rights, "PermissionsRead": True})

    assert (status, body[0]["errorCode"]) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")


def test_a_field_removed_and_restored_keeps_its_values(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(CDP_Newsletter__c="realized"))

    org.admin.remove_field("Contact", "CDP_Newsletter__c")
    gone = caller.update(a_contact(CDP_Newsletter__c="exited"))[0]
    org.admin.restore_field("Contact", "CDP_Newsletter__c")

    assert first_error(gone) == ("INVALID_FIELD", "No such column 'CDP_Newsletter__c' on sobject of type Contact", [])
    soql = f"SELECT CDP_Newsletter__c FROM Contact WHERE Id = '{CONTACT}'"
    assert caller.query(soql) == [{"CDP_Newsletter__c": "realized"}]


def test_an_org_of_many_is_made_of_its_own_fields() -> None:
    one, other = an_org(), an_org()

    one.admin.remove_field("Contact", "CDP_Trial__c")

    assert "CDP_Trial__c" in other.schema.sobjects["Contact"].fields
