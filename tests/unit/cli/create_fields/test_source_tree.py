from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from xml.etree import ElementTree

import pytest
from destination_cli.create_fields.found import Found, FoundField, FoundSet, assumed
from destination_cli.create_fields.metadata import NAMESPACE
from destination_cli.create_fields.needs import FieldKind, wanted_by
from destination_cli.create_fields.plan import plan
from destination_cli.create_fields.source_tree import ROOT, source_tree
from guarded_org import GUARDED, GUARDS
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.record.guards import guard_formula

NAMES = """
name = "Names"
salesforce_object = "Lead"
api_version = "65.0"
[profiles]
memberships = "all"
[identity]
source = "id"
target = "Key__c"
create_missing = true
[[mappings]]
source = "lastName"
target = "LastName"
required = true
[[mappings]]
source = "company"
target = "Company"
required = true
[[mappings]]
source = "city"
target = "City"
[[audiences]]
id = "1"
name = "A & B"
mapping_id = "Names__c"
value = "names"
[[audiences]]
id = "2"
name = "<C>"
mapping_id = "Names__c"
value = "names"
[[audiences]]
id = "3"
name = "In"
mapping_id = "In__c"
value = "boolean"
[[audiences]]
id = "4"
name = "When"
mapping_id = "When__c"
value = "timestamp"
"""

ORDER = {
    "CustomField": [
        *("fullName", "caseSensitive", "defaultValue", "description", "externalId", "label", "length", "precision"),
        *("required", "scale", "type", "unique", "valueSet", "visibleLines"),
    ],
    "ValidationRule": ["fullName", "active", "description", "errorConditionFormula", "errorMessage"],
    "CustomPermission": ["description", "isLicensed", "label"],
    "PermissionSet": ["description", "fieldPermissions", "hasActivationRequired", "label", "objectPermissions"],
}
"""The members that each kind may have here, in the order of Salesforce's own tools."""


def tree(
    text: str,
    found: Found | None = None,
    kind: FieldKind | None = None,
    there: dict[str, ElementTree.Element] | None = None,
) -> dict[PurePosixPath, str]:
    (wanted,) = wanted_by(read_destination(text), kind)
    needs = [(wanted, found or assumed(wanted.sobject, (name for _, name in wanted.given)))]
    return source_tree(needs, plan(needs), there or {})


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def bare(tag: str) -> str:
    return tag.removeprefix(f"{{{NAMESPACE}}}")


def members(element: ElementTree.Element) -> dict[str, object]:
    return {bare(child.tag): members(child) if len(child) else child.text for child in element}


def at(files: dict[PurePosixPath, str], path: str) -> ElementTree.Element:
    return parsed(files[ROOT / path])


@pytest.mark.parametrize("text", [GUARDED, NAMES])
def test_every_file_is_well_formed_and_of_the_shape_of_its_kind(text: str) -> None:
    files = {path: parsed(content) for path, content in tree(text).items() if path.suffix == ".xml"}

    assert len(files) >= 6
    for path, root in files.items():
        kind, tags = bare(root.tag), [bare(child.tag) for child in root]
        assert root.tag == f"{{{NAMESPACE}}}{kind}"
        assert path.name.endswith(f".{SUFFIXES[kind]}-meta.xml")
        assert list(dict.fromkeys(tags)) == [name for name in ORDER[kind] if name in tags]
        assert set(tags) <= set(ORDER[kind])


SUFFIXES = {
    "CustomField": "field",
    "ValidationRule": "validationRule",
    "CustomPermission": "customPermission",
    "PermissionSet": "permissionset",
}


def test_the_project_names_its_folder_and_the_files_api_version() -> None:
    project = json.loads(tree(NAMES)[PurePosixPath("sfdx-project.json")])

    assert project["sourceApiVersion"] == "65.0"
    assert project["packageDirectories"] == [{"path": "force-app", "default": True}]


def test_a_guard_is_a_rule_that_speaks_of_its_field_and_of_the_exemption() -> None:
    files = tree(GUARDED)

    rule = members(at(files, "objects/Contact/validationRules/Guard_CDP_Event_Time.validationRule-meta.xml"))
    permission = members(at(files, "customPermissions/CDP_Guard_Exempt.customPermission-meta.xml"))

    assert rule["errorConditionFormula"] == guard_formula("CDP_Event_Time__c")
    assert "[CDP-STALE:CDP_Event_Time__c]" in str(rule["errorMessage"])
    assert (rule["fullName"], rule["active"]) == ("Guard_CDP_Event_Time", "true")
    assert permission["label"] == "CDP Guard Exempt"


def test_each_kind_of_field_has_the_members_that_its_type_asks_for() -> None:
    files, guarded, long = tree(NAMES), tree(GUARDED), tree(GUARDED, kind=FieldKind.LONG_TEXT)
    contact, lead = "objects/Contact/fields/{}.field-meta.xml", "objects/Lead/fields/{}.field-meta.xml"

    def some(element: ElementTree.Element, *names: str) -> list[object]:
        found = members(element)
        return [found.get(name) for name in names]

    assert some(at(guarded, contact.format("CDP_Loyal__c")), "type", "length") == ["Text", "20"]
    assert some(at(guarded, contact.format("CDP_Loyal_Since__c")), "type", "length") == ["DateTime", None]
    assert some(at(guarded, contact.format("CDP_Event_Time__c")), "type", "precision", "scale") == ["Number", "18", "0"]
    long_text = at(long, contact.format("CDP_Loyal__c"))
    assert some(long_text, "type", "length", "visibleLines") == ["LongTextArea", "256", "3"]
    assert some(at(files, lead.format("In__c")), "type", "defaultValue", "required") == ["Checkbox", "false", None]
    assert some(at(files, lead.format("When__c")), "type") == ["DateTime"]
    key = at(files, lead.format("Key__c"))
    assert some(key, "type", "externalId", "unique", "caseSensitive") == ["Text", "true", "true", "false"]


def test_values_of_a_picklist_are_escaped_and_named_as_the_metadata_api_names_them() -> None:
    field = at(tree(NAMES), "objects/Lead/fields/Names__c.field-meta.xml")

    tags = {"m": NAMESPACE}
    values = field.findall("m:valueSet/m:valueSetDefinition/m:value", tags)
    assert [value.findtext("m:fullName", namespaces=tags) for value in values] == ["A & B", "<C>"]
    assert field.findtext("m:type", namespaces=tags) == "MultiselectPicklist"


def test_permission_sets_name_no_field_that_everyone_has() -> None:
    files = tree(NAMES)

    text = files[ROOT / "permissionsets/CDP_Lead_Integration.permissionset-meta.xml"]

    assert "<field>Lead.Address</field>" in text
    assert not any(f"Lead.{name}<" in text for name in ("LastName", "Company", "City"))
    sales = parsed(files[ROOT / "permissionsets/CDP_Lead_Sales.permissionset-meta.xml"])
    assert {child.text for child in sales.iter(f"{{{NAMESPACE}}}editable")} == {"false"}
    assert sales.find(f"{{{NAMESPACE}}}objectPermissions") is None


THERE = """
<records><fullName>CDP_Contact_Integration</fullName>
<applicationVisibilities><application>Sales</application><visible>true</visible></applicationVisibilities>
<classAccesses><apexClass>Dedupe</apexClass><enabled>true</enabled></classAccesses>
<customPermissions><enabled>true</enabled><name>Bypass</name></customPermissions>
<description>Edited &amp; kept</description>
<fieldPermissions><editable>false</editable><field>Contact.Email</field><readable>true</readable></fieldPermissions>
<fieldPermissions><editable>true</editable><field>Lead.Rating</field><readable>true</readable></fieldPermissions>
<hasActivationRequired>false</hasActivationRequired><label>Ours</label>
<license>Salesforce Integration</license>
<objectPermissions><allowCreate>false</allowCreate><allowDelete>true</allowDelete><allowEdit>true</allowEdit>
<allowRead>true</allowRead><modifyAllRecords>true</modifyAllRecords><object>Contact</object>
<viewAllFields>false</viewAllFields><viewAllRecords>true</viewAllRecords></objectPermissions>
<objectPermissions><allowCreate>true</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>
<allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Lead</object>
<viewAllRecords>false</viewAllRecords></objectPermissions>
<recordTypeVisibilities><recordType>Contact.Person</recordType><visible>true</visible></recordTypeVisibilities>
<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions></records>"""


def leaves(element: ElementTree.Element) -> set[tuple[str, ...]]:
    """Everything that a permission set says, each entry by its whole text."""
    return {
        (bare(child.tag), *(f"{bare(leaf.tag)}={(leaf.text or '').strip()}" for leaf in child.iter()))
        for child in element
    }


def test_a_permission_set_keeps_all_it_has_since_a_deployment_replaces_it() -> None:
    there = parsed(re.sub(r"\n", "", THERE))
    found = Found(
        {name.lower(): FoundField(name, "string", f"Contact.{name}") for name in ("CDP_Loyal__c", "Email")},
        sets={"CDP_Contact_Integration": FoundSet()},
    )

    written = at(tree(GUARDED, found, there={"CDP_Contact_Integration": there}), SET)

    before, after = leaves(parsed(re.sub(r"\n", "", THERE))), leaves(written)
    assert {entry[0] for entry in before - after} == {"fullName", "fieldPermissions"}
    new = {f"field={name}" for name in ("Contact.Email", *(f"Contact.{field}" for field in NEW))}
    assert after - before == {
        *(("fieldPermissions", "fieldPermissions=", "editable=true", name, "readable=true") for name in new),
        _rights("Account"),
    }
    assert [child.tag for child in written] == sorted(child.tag for child in written)


SET = "permissionsets/CDP_Contact_Integration.permissionset-meta.xml"
NEW = ("CDP_Loyal__c", "CDP_Newsletter__c", *GUARDS)


def _rights(sobject: str) -> tuple[str, ...]:
    given = ("allowCreate=false", "allowDelete=false", "allowEdit=false", "allowRead=true", "modifyAllRecords=false")
    return ("objectPermissions", "objectPermissions=", *given, f"object={sobject}", "viewAllRecords=false")


PARENT = '[[mappings]]\nsource = "account"\ntarget = "Account.Number__c"\n'


def test_a_parents_key_is_read_and_its_lookup_written() -> None:
    lookup = FoundField("AccountId", "reference", "Contact.AccountId", parents=("Account",))
    found = Found({"account.": lookup, "lastname": FoundField("LastName", "string", None)})

    entries = leaves(at(tree(GUARDED + PARENT, found), SET))

    for name, edits in (("Contact.AccountId", "true"), ("Account.Number__c", "false")):
        assert (
            "fieldPermissions",
            "fieldPermissions=",
            f"editable={edits}",
            f"field={name}",
            "readable=true",
        ) in entries
