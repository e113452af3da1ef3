"""Permission sets and what belongs to them: only an administrator makes them, and each only once."""

from __future__ import annotations

from collections import ChainMap

from destination_testbench.org.faults.failure import SaveError
from destination_testbench.org.login.people import User
from destination_testbench.org.records.person_account import has_persons, of_persons
from destination_testbench.org.records.record_id import to_long
from destination_testbench.org.records.store import RecordStore, StoredRecord, Transaction
from destination_testbench.org.schema.schema import Field, SObject

NOBODY = to_long("0CP000000000000")
# What identifies a record of each object.
KEYS: dict[str, tuple[str, ...]] = {
    "PermissionSet": ("Name",),
    "PermissionSetAssignment": ("AssigneeId", "PermissionSetId"),
    "FieldPermissions": ("ParentId", "SobjectType", "Field"),
    "ObjectPermissions": ("ParentId", "SobjectType"),
    "SetupEntityAccess": ("ParentId", "SetupEntityId"),
}
# The rights on records, each with those that it rests on.
DEPENDS: dict[str, tuple[str, ...]] = {
    "Read": (),
    "Create": ("Read",),
    "Edit": ("Read",),
    "Delete": ("Read", "Edit"),
    "ViewAllRecords": ("Read",),
    "ModifyAllRecords": ("Read", "Edit", "Delete", "ViewAllRecords"),
}
# Who reads contacts reads accounts.
PARENTS = {"Contact": "Account"}


class SetupObjects:
    """The guard of the setup objects."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def errors(
        self, call: Transaction, sobject: SObject, record: StoredRecord | None, values: dict[str, object]
    ) -> list[SaveError]:
        """Refuse who is no administrator, a second record of the same key, and rights on fields that are not there."""
        if not sobject.setup:
            return []
        if not call.user.admin:
            text = f"insufficient access rights on entity: {sobject.name}"
            return [SaveError("INSUFFICIENT_ACCESS_OR_READONLY", text)]
        if sobject.name not in KEYS:
            return [
                SaveError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {sobject.label}")
            ]
        if error := self._lacking(sobject, record, values):
            return [error]
        if record is not None:
            return []
        if sobject.name == "FieldPermissions" and (error := self._unknown_field(values)):
            return [error]
        wanted = [values.get(name) for name in KEYS[sobject.name]]
        others = self._store.table(sobject)
        if any([other.get(name) for name in KEYS[sobject.name]] == wanted for other in others):
            return [twice(sobject, values)]
        return []

    def _lacking(self, sobject: SObject, record: StoredRecord | None, values: dict[str, object]) -> SaveError | None:
        """Refuse a right without another that it rests on."""
        after = ChainMap(values, record.values) if record else values
        given = {right for right in DEPENDS if after.get(f"Permissions{right}")}
        if sobject.name == "FieldPermissions" and given == {"Edit"}:
            return depends("Edit", "Read", str(after.get("Field")))
        if sobject.name != "ObjectPermissions":
            return None
        owner = str(after.get("SobjectType"))
        for right in DEPENDS:
            if right in given and (missing := [need for need in DEPENDS[right] if need not in given]):
                return depends(right, missing[0], owner)
        if "Read" in given and (parent := PARENTS.get(owner)) and not self._may_read(after.get("ParentId"), parent):
            return depends("Read", "Read", owner, parent)
        return None

    def _may_read(self, permission_set: object, owner: str) -> bool:
        rows = self._store.table(self._store.schema.sobjects["ObjectPermissions"])
        return any(
            row.get("ParentId") == permission_set and row.get("SobjectType") == owner and row.get("PermissionsRead")
            for row in rows
        )

    def _unknown_field(self, values: dict[str, object]) -> SaveError | None:
        owner, _, name = str(values.get("Field")).partition(".")
        sobject = self._store.schema.asked(owner)
        field = sobject.find(name) if sobject else None
        if sobject and sobject.name == values.get("SobjectType") and field and settable(sobject, field):
            return None
        text = f"Field Name: bad value for restricted picklist field: {values.get('Field')}"
        return SaveError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, ("Field",))


def settable(sobject: SObject, field: Field) -> bool:
    """Whether rights on a field can be given: on an address as a whole and not on its parts, whatever describe says.

    Those on a person's fields of Account are the Contact's.
    """
    whole = sobject.find(field.compound) if field.compound else None
    of_a_person = has_persons(sobject) and of_persons(field.name)
    return field.permissionable and not of_a_person and not (whole and whole.type == "address")


def depends(right: str, need: str, owner: str, other: str | None = None) -> SaveError:
    """The refusal of a right without the one that it rests on."""
    text = f"Permission {right} {owner} depends on permission(s): {need} {other or owner}"
    return SaveError("FIELD_INTEGRITY_EXCEPTION", text)


def twice(sobject: SObject, values: dict[str, object]) -> SaveError:
    """The refusal of a second record of the same key."""
    if sobject.name == "PermissionSet":
        text = f"The name '{values['Name']}' is already in use."
        return SaveError("DUPLICATE_DEVELOPER_NAME", text, ("Name",))
    if sobject.name == "PermissionSetAssignment":
        assignee, permission_set = str(values["AssigneeId"])[:15], str(values["PermissionSetId"])[:15]
        text = f"Duplicate PermissionSetAssignment.  Assignee: {assignee}; Permission Set: {permission_set}"
        return SaveError("DUPLICATE_VALUE", text, ("AssigneeId", "PermissionSetId"))
    return SaveError("DUPLICATE_VALUE", f"Duplicate {sobject.name}", KEYS[sobject.name])


class CustomPermissions:
    """Answers $Permission in formulas: SetupEntityAccess records link permission sets to custom permissions.

    `names` are those that there are; formulas may speak of no others.
    """

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self.names: set[str] = set()

    def add(self, name: str, label: str, description: str | None = None) -> StoredRecord:
        """Make a custom permission."""
        sobject = self._store.schema.sobjects["CustomPermission"]
        values: dict[str, object] = {"DeveloperName": name, "MasterLabel": label, "IsProtected": False}
        record = StoredRecord(
            self._store.new_id(sobject.prefix), values | ({"Description": description} if description else {})
        )
        self._store.table(sobject).records[record.id] = record
        self.names.add(name)
        return record

    def id_of(self, name: object) -> str:
        """The id of a custom permission; of one that is not there, an id that nothing has."""
        table = self._store.table(self._store.schema.sobjects["CustomPermission"])
        return next((record.id for record in table if record.get("DeveloperName") == name), NOBODY)

    def remove(self, name: str) -> None:
        """Delete a custom permission."""
        table = self._store.table(self._store.schema.sobjects["CustomPermission"])
        for record in [record for record in table if record.get("DeveloperName") == name]:
            del table.records[record.id]
        self.names.discard(name)

    def held_by(self, user: User) -> set[str]:
        """The names of a user's custom permissions."""
        tables, store = self._store.schema.sobjects, self._store
        granted = store.table(tables["SetupEntityAccess"])
        if not granted.records:
            return user.custom_permissions
        assigned = store.table(tables["PermissionSetAssignment"])
        sets = {row.get("PermissionSetId") for row in assigned if row.get("AssigneeId") == user.id}
        known = store.table(tables["CustomPermission"]).records
        ids = {str(row.get("SetupEntityId")) for row in granted if row.get("ParentId") in sets}
        return user.custom_permissions | {str(known[id_].get("DeveloperName")) for id_ in ids if id_ in known}
