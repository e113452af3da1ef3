"""What createMetadata() makes: objects with their fields, rules, tabs, permissions and sets of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

from destination_testbench.org.api.metadata import API_NAME, NAME_LENGTH, field_from, refused
from destination_testbench.org.api.setup_objects import PARENTS, CustomPermissions
from destination_testbench.org.api.tooling import Tooling
from destination_testbench.org.faults.failure import Refused, RequestFailure, not_simulated
from destination_testbench.org.login.people import User
from destination_testbench.org.records.save import Saving
from destination_testbench.org.records.store import StoredRecord, Transaction

PERMISSION_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*\Z")
PERMISSION_NAME_LENGTH = 80
SHARING = {"Private", "Read", "ReadWrite", "ControlledByParent"}
# What an object may say that makes no difference here.
WITHOUT_EFFECT = {
    *("description", "enableReports", "enableActivities", "enableHistory", "enableFeeds", "enableSearch"),
    *("enableBulkApi", "enableSharing", "enableStreamingApi", "startsWith", "gender"),
}
REPEATED = {"fields", "fieldPermissions", "objectPermissions", "customPermissions", "tabSettings", "value"}
NUMBERS = {"length", "precision", "scale", "visibleLines"}


def tree(element: Element) -> Any:
    """A component's members, in the words in which the Tooling API has them as JSON."""
    if not len(element):
        text, name = element.text or "", element.tag.rpartition("}")[2]
        return int(text) if name in NUMBERS and text.isdecimal() else {"true": True, "false": False}.get(text, text)
    found: dict[str, Any] = {}
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name in REPEATED:
            found.setdefault(name, []).append(tree(child))
        else:
            found[name] = tree(child)
    return found | {"valueName": found["fullName"]} if element.tag.endswith("}value") else found


class Components:
    """Makes components for an administrator; a RequestFailure refuses one of them."""

    def __init__(self, saving: Saving, permissions: CustomPermissions, tooling: Tooling) -> None:
        self._saving, self._permissions, self._tooling = saving, permissions, tooling
        self._schema, self.tabs = saving.store.schema, set[str]()

    def make(self, kind: str, name: str, element: Element, user: User, now: float) -> None:
        """Make one component."""
        makers = {
            "CustomPermission": self._permission,
            "CustomObject": self._object,
            "CustomTab": self._tab,
        }
        if kind not in {*makers, "CustomField", "ValidationRule", "PermissionSet"}:
            raise not_simulated(f"createMetadata of the type {kind or '(none)'}")
        if not user.admin:
            raise refused("INSUFFICIENT_ACCESS", f"insufficient access rights on entity: {kind}")
        given = {key: value for key, value in tree(element).items() if key != "fullName"}
        if kind in makers:
            makers[kind](name, given)
        elif kind == "PermissionSet":
            self._permission_set(Transaction(user, now), name, given)
        else:
            self._tooling.put(kind, name, given)

    def _permission(self, name: str, given: dict[str, Any]) -> None:
        named(name)
        if not given.get("label") or not isinstance(given.get("isLicensed"), bool):
            raise refused("REQUIRED_FIELD_MISSING", "Required field is missing: label or isLicensed")
        if name in self._permissions.names:
            raise in_use(name)
        self._permissions.add(name, given["label"], given.get("description"))

    def _object(self, name: str, given: dict[str, Any]) -> None:
        self._check_object(name, given)
        fields = {str(field.pop("fullName", "")): field for field in given.get("fields", ())}
        for own, field in fields.items():
            field_from(own, field)
        self._schema.hidden.discard(name)
        made = self._schema.add_custom(name, given["label"], given["pluralLabel"])
        if given["nameField"]["type"] == "AutoNumber":
            made.put(replace(made.fields["Name"], createable=False, updateable=False))
        self._saving.access.close(name)
        try:
            for own, field in fields.items():
                self._tooling.put("CustomField", f"{name}.{own}", field)
        except RequestFailure:
            self._tooling.forget(name)
            raise

    def _check_object(self, name: str, given: dict[str, Any]) -> None:
        needed = ("label", "pluralLabel", "nameField", "deploymentStatus", "sharingModel")
        if missing := [key for key in needed if not given.get(key)]:
            raise refused("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]")
        if more := given.keys() - {*needed, "fields"} - WITHOUT_EFFECT:
            raise not_simulated(f"the member {min(more)} of a CustomObject")
        if not API_NAME.match(name) or len(name) > NAME_LENGTH:
            raise refused("INVALID_FULLNAME", f"The object name {name} can only contain underscores and alphanumerics")
        if self._schema.find(name):
            raise in_use(name)
        if given["sharingModel"] not in SHARING or given["nameField"].get("type") not in ("Text", "AutoNumber"):
            raise refused("FIELD_INTEGRITY_EXCEPTION", "sharingModel or nameField: not a valid value")

    def _tab(self, name: str, given: dict[str, Any]) -> None:
        if given.get("customObject") is not True or not given.get("motif"):
            raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [customObject, motif]")
        if (found := self._schema.find(name)) is None or not found.custom:
            raise refused("INVALID_CROSS_REFERENCE_KEY", f"no CustomObject named {name} found")
        if name in self.tabs:
            raise in_use(name)
        self.tabs.add(name)

    def _permission_set(self, call: Transaction, name: str, given: dict[str, Any]) -> None:
        named(name)
        if more := given.keys() - {"label", "description", "hasActivationRequired", "license", *REPEATED}:
            raise not_simulated(f"the member {min(more)} of a PermissionSet")
        if lost := [tab["tab"] for tab in given.get("tabSettings", ()) if tab.get("tab") not in self.tabs]:
            raise refused("INVALID_CROSS_REFERENCE_KEY", f"no CustomTab named {lost[0]} found")
        about = {"Name": name, "Label": given.get("label"), "Description": given.get("description")}
        try:
            parent = self._insert(call, "PermissionSet", about).id
            for sobject, values in self._rights(given):
                self._insert(call, sobject, {"ParentId": parent, **values})
        except Refused as error:
            call.roll_back()
            raise refused(error.errors[0].code, error.errors[0].message) from None
        except RequestFailure:
            call.roll_back()
            raise

    def _rights(self, given: dict[str, Any]) -> Iterator[tuple[str, dict[str, object]]]:
        """The records that a set is made of, in an order in which each right finds those that it rests on."""
        for right in sorted(given.get("objectPermissions", ()), key=lambda right: right.get("object") in PARENTS):
            if self._schema.find(owner := right.pop("object", None)) is None:
                raise refused("INVALID_CROSS_REFERENCE_KEY", f"no CustomObject named {owner} found")
            names = {key: "Permissions" + f"{key[0].upper()}{key[1:]}".removeprefix("Allow") for key in right}
            yield "ObjectPermissions", {"SobjectType": owner, **{names[key]: value for key, value in right.items()}}
        for right in given.get("fieldPermissions", ()):
            owner = str(right.get("field")).partition(".")[0]
            rights = {"PermissionsRead": right.get("readable"), "PermissionsEdit": right.get("editable")}
            yield "FieldPermissions", {"SobjectType": owner, "Field": right.get("field"), **rights}
        for custom in given.get("customPermissions", ()):
            yield "SetupEntityAccess", {"SetupEntityId": self._permissions.id_of(custom.get("name"))}

    def _insert(self, call: Transaction, sobject: str, values: dict[str, object]) -> StoredRecord:
        found = self._schema.sobjects[sobject]
        given = {key: value for key, value in values.items() if value is not None}
        return self._saving.insert(call, found, self._saving.reader(found, call.user).read(given))


def named(name: str) -> None:
    """Refuse a name that no permission, or set of them, can have."""
    if not PERMISSION_NAME.match(name) or len(name) > PERMISSION_NAME_LENGTH:
        raise refused("INVALID_FULLNAME", "The name can only contain underscores and alphanumerics")


def in_use(name: str) -> RequestFailure:
    """The refusal of a second component of a name."""
    return refused("DUPLICATE_DEVELOPER_NAME", f"The name {name} is already in use.")
