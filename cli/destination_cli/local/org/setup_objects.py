"""Permission sets and what belongs to them: only an administrator makes them, and each only once."""

from __future__ import annotations

from destination_cli.local.org.failure import RecordError
from destination_cli.local.org.schema import SObject
from destination_cli.local.org.store import Store
from destination_cli.local.org.table import Record
from destination_cli.local.org.transaction import Transaction

# What identifies a record of each object.
KEYS: dict[str, tuple[str, ...]] = {
    "PermissionSet": ("Name",),
    "PermissionSetAssignment": ("AssigneeId", "PermissionSetId"),
    "FieldPermissions": ("ParentId", "SobjectType", "Field"),
    "ObjectPermissions": ("ParentId", "SobjectType"),
    "SetupEntityAccess": ("ParentId", "SetupEntityId"),
}


class SetupObjects:
    """The guard of the setup objects."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def errors(
        self, call: Transaction, sobject: SObject, record: Record | None, values: dict[str, object]
    ) -> list[RecordError]:
        """Refuse who is no administrator, a second record of the same key, and rights on fields that are not there."""
        if not sobject.setup:
            return []
        if not call.user.admin:
            text = f"insufficient access rights on entity: {sobject.name}"
            return [RecordError("INSUFFICIENT_ACCESS_OR_READONLY", text)]
        if record is not None:
            return []
        if sobject.name == "FieldPermissions" and (error := self._unknown_field(values)):
            return [error]
        wanted = [values.get(name) for name in KEYS[sobject.name]]
        others = self._store.table(sobject)
        if any([other.get(name) for name in KEYS[sobject.name]] == wanted for other in others):
            return [twice(sobject, values)]
        return []

    def _unknown_field(self, values: dict[str, object]) -> RecordError | None:
        owner, _, name = str(values.get("Field")).partition(".")
        sobject = self._store.schema.find(owner)
        if sobject and sobject.name == values.get("SobjectType") and sobject.find(name):
            return None
        text = f"Field Name: bad value for restricted picklist field: {values.get('Field')}"
        return RecordError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, ("Field",))


def twice(sobject: SObject, values: dict[str, object]) -> RecordError:
    """The refusal of a second record of the same key."""
    if sobject.name == "PermissionSet":
        text = f"The name '{values['Name']}' is already in use."
        return RecordError("DUPLICATE_DEVELOPER_NAME", text, ("Name",))
    if sobject.name == "PermissionSetAssignment":
        assignee, permission_set = str(values["AssigneeId"])[:15], str(values["PermissionSetId"])[:15]
        text = f"Duplicate PermissionSetAssignment.  Assignee: {assignee}; Permission Set: {permission_set}"
        return RecordError("DUPLICATE_VALUE", text, ("AssigneeId", "PermissionSetId"))
    return RecordError("DUPLICATE_VALUE", f"Duplicate {sobject.name}", KEYS[sobject.name])
