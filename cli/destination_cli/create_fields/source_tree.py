"""The same as an SFDX source tree, for those who review a change before it is deployed (`sf project deploy start`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from destination_cli.create_fields.found import Found, FoundSet
from destination_cli.create_fields.metadata import field_metadata, permission_metadata, rule_metadata
from destination_cli.create_fields.needs import Wanted, WantedSet
from destination_cli.create_fields.plan import (
    NO_SET,
    READ_WITH,
    AddValues,
    MakeField,
    MakePermission,
    MakeRule,
    MendRule,
    Plan,
    Step,
    permissionable,
)

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
ROOT = PurePosixPath("force-app/main/default")

Files = dict[PurePosixPath, str]


def source_tree(wanted: Wanted, plan: Plan, found: Found) -> Files:
    """
    The files of a project, by their paths.

    A deployed permission set replaces the one that is there. So both are written whole, with what they hold already.
    """
    files = {PurePosixPath("sfdx-project.json"): _project(wanted.api_version)}
    for step in plan.steps:
        files.update(_component(wanted, step))
    usable = {field.name.lower() for field in wanted.fields} | {name.lower() for _, name in wanted.given}
    for each in wanted.sets:
        path = ROOT / "permissionsets" / f"{each.name}.permissionset-meta.xml"
        files[path] = _xml("PermissionSet", _set_members(wanted, each, found, usable))
    return files


def write_tree(files: Files, folder: Path) -> None:
    """Write the files below a folder, over those of the same names."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _project(api_version: str) -> str:
    project = {
        "packageDirectories": [{"path": "force-app", "default": True}],
        "name": "salesforce-destination-setup",
        "sourceApiVersion": api_version,
    }
    return json.dumps(project, indent=2) + "\n"


def _component(wanted: Wanted, step: Step) -> Iterator[tuple[PurePosixPath, str]]:
    folder = ROOT / "objects" / wanted.sobject
    match step:
        case MakePermission(name):
            path = ROOT / "customPermissions" / f"{name}.customPermission-meta.xml"
            yield path, _xml("CustomPermission", permission_metadata())
        case MakeField(_, field):
            yield folder / "fields" / f"{field.name}.field-meta.xml", _field(field.name, field_metadata(field))
        case AddValues():
            yield folder / "fields" / f"{step.field}.field-meta.xml", _field(step.field, step.metadata)
        case MakeRule(_, rule):
            yield (
                folder / "validationRules" / f"{rule.name}.validationRule-meta.xml",
                _rule(rule.name, rule_metadata(rule)),
            )
        case MendRule(_, rule):
            yield (
                folder / "validationRules" / f"{step.name}.validationRule-meta.xml",
                _rule(step.name, rule_metadata(rule)),
            )


def _field(name: str, metadata: Mapping[str, Any]) -> str:
    return _xml("CustomField", {"fullName": name, **{k: v for k, v in metadata.items() if v is not None}})


def _rule(name: str, metadata: Mapping[str, Any]) -> str:
    return _xml("ValidationRule", {"fullName": name, **metadata})


def _set_members(wanted: Wanted, each: WantedSet, found: Found, usable: set[str]) -> dict[str, Any]:
    there = found.sets.get(each.name, NO_SET)
    edits = {name: may_edit for name, (_, may_edit) in there.fields.items()}
    for name in permissionable(each, found, usable):
        edits[name] = edits.get(name, False) or each.edit
    return {
        "description": each.description,
        "fieldPermissions": [
            {"editable": edit, "field": f"{wanted.sobject}.{name}", "readable": True}
            for name, edit in sorted(edits.items())
        ],
        "hasActivationRequired": False,
        "label": each.label,
        "objectPermissions": [
            {
                "allowCreate": "Create" in rights,
                "allowDelete": "Delete" in rights,
                "allowEdit": "Edit" in rights,
                "allowRead": "Read" in rights,
                "modifyAllRecords": False,
                "object": name,
                "viewAllRecords": False,
            }
            for name, rights in sorted(_object_rights(wanted.sobject, each, there).items())
        ],
    }


def _object_rights(sobject: str, each: WantedSet, there: FoundSet) -> dict[str, frozenset[str]]:
    rights = {name: given for name, (_, given) in there.rights.items()}
    if each.rights:
        rights[sobject] = rights.get(sobject, frozenset()) | each.rights
        if parent := READ_WITH.get(sobject):
            rights[parent] = rights.get(parent, frozenset()) | {"Read"}
    return rights


def _xml(kind: str, members: Mapping[str, Any]) -> str:
    root = ElementTree.Element(kind, {"xmlns": NAMESPACE})
    _add(root, members)
    ElementTree.indent(root, "    ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(parent: ElementTree.Element, members: Mapping[str, Any]) -> None:
    # Salesforce's own tools write the members in alphabetical order, with the name before all others.
    for name in sorted(members, key=lambda name: (name != "fullName", name)):
        value = members[name]
        if isinstance(value, Mapping):
            _add(ElementTree.SubElement(parent, name), value)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for item in value:
                _add(ElementTree.SubElement(parent, name), _picklist_value(item) if name == "value" else item)
        else:
            ElementTree.SubElement(parent, name).text = str(value).lower() if isinstance(value, bool) else str(value)


def _picklist_value(value: Mapping[str, Any]) -> dict[str, Any]:
    """The Tooling API says `valueName` where the Metadata API says `fullName`."""
    known = {name: content for name, content in value.items() if content is not None and name != "valueName"}
    return {**known, "fullName": value["valueName"]}
