"""The same as an SFDX source tree, for those who review a change before it is deployed (`sf project deploy start`)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from destination_cli.create_fields.found import Found
from destination_cli.create_fields.metadata import LEAD_CONVERSION, NAMESPACE, Element, add_members
from destination_cli.create_fields.needs import RIGHTS, Wanted, WantedSet
from destination_cli.create_fields.plan import Component, Needs, Plan, parents_keys, permissionable, rights_of

ROOT = PurePosixPath("force-app/main/default")

Files = dict[PurePosixPath, str]


def source_tree(needs: Needs, plan: Plan, there: Mapping[str, Element]) -> Files:
    """The files of a project, by their paths.

    A deployed permission set replaces that of its name: each has all that it has in the org (`there`), and what is new.
    """
    folders, version = [{"path": "force-app", "default": True}], needs[0][0].api_version
    project = {"packageDirectories": folders, "name": "salesforce-destination-setup", "sourceApiVersion": version}
    files = {PurePosixPath("sfdx-project.json"): json.dumps(project, indent=2) + "\n"}
    if plan.by_hand:
        files[PurePosixPath("BY_HAND.txt")] = "\n".join([*plan.by_hand, ""])
    for step in plan.steps:
        if isinstance(step, Component):
            root, name = ElementTree.Element(step.kind), {"fullName": step.name} if step.sobject else {}
            known = {key: value for key, value in step.metadata.items() if value is not None and key != "fullName"}
            add_members(root, {**known, **name})
            files[_path(step)] = _xml(root)
    for wanted, found in needs:
        for each in wanted.sets:
            path = ROOT / "permissionsets" / f"{each.name}.permissionset-meta.xml"
            files[path] = _xml(_permission_set(wanted, each, found, there.get(each.name)))
    return files


def write_tree(files: Files, folder: Path) -> None:
    """Write the files below a folder, over those of the same names."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


_SUFFIXES = {"CustomField": "field", "CustomPermission": "customPermission", "ValidationRule": "validationRule"}
_SUFFIXES |= {"CustomTab": "tab"}


def _path(component: Component) -> PurePosixPath:
    if component.kind == LEAD_CONVERSION:
        return ROOT / LEAD_CONVERSION / f"{LEAD_CONVERSION}.LeadConvertSetting-meta.xml"
    if component.kind == "CustomObject":
        return ROOT / "objects" / component.name / f"{component.name}.object-meta.xml"
    suffix = _SUFFIXES[component.kind]
    folder = ROOT / "objects" / component.sobject if component.sobject else ROOT
    return folder / f"{suffix}s" / f"{component.name}.{suffix}-meta.xml"


def _permission_set(wanted: Wanted, each: WantedSet, found: Found, there: Element | None) -> Element:
    root = ElementTree.Element("PermissionSet")
    if there is None:
        add_members(root, {"description": each.description, "hasActivationRequired": False, "label": each.label})
    else:
        root.extend(child for child in there if child.tag != "fullName")
    for sobject, rights in rights_of(wanted, each, found).items():
        _allow(root, "object", sobject, _NO_RIGHTS, [_FLAGS[right] for right in rights])
    for name in permissionable(wanted, each, found):
        _allow(root, "field", name, ("editable", "readable"), ["readable", "editable"][: 1 + each.edit])
    for name in parents_keys(each, found):
        _allow(root, "field", name, ("editable", "readable"), ["readable"])
    root[:] = sorted(root, key=lambda child: (child.tag, child.findtext("field") or child.findtext("object") or ""))
    return root


_FLAGS = {right: "viewAllRecords" if right == "ViewAllRecords" else f"allow{right}" for right in RIGHTS}
_NO_RIGHTS = (*_FLAGS.values(), "modifyAllRecords")


def _allow(root: Element, key: str, name: str, flags: Sequence[str], allowed: Sequence[str]) -> None:
    there = (one for one in root.iterfind(f"{key}Permissions") if (one.findtext(key) or "").lower() == name.lower())
    if (entry := next(there, None)) is None:
        entry = ElementTree.SubElement(root, f"{key}Permissions")
        add_members(entry, {key: name, **dict.fromkeys(flags, False)})
    for each in allowed:
        flag = entry.find(each)
        (ElementTree.SubElement(entry, each) if flag is None else flag).text = "true"


def _xml(root: Element) -> str:
    root.set("xmlns", NAMESPACE)
    ElementTree.indent(root, "    ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
