"""Custom permissions: what there is, and who holds which."""

from __future__ import annotations

from destination_testbench.org.login.people import User
from destination_testbench.org.records.store import Store
from destination_testbench.org.records.table import Record


class CustomPermissions:
    """
    Answers $Permission in formulas: SetupEntityAccess records link permission sets to custom permissions.

    `names` are those that there are; formulas may speak of no others.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.names: set[str] = set()

    def add(self, name: str, label: str, description: str | None = None) -> Record:
        """Make a custom permission."""
        sobject = self._store.schema.sobjects["CustomPermission"]
        values: dict[str, object] = {"DeveloperName": name, "MasterLabel": label, "IsProtected": False}
        record = Record(
            self._store.new_id(sobject.prefix), values | ({"Description": description} if description else {})
        )
        self._store.table(sobject).records[record.id] = record
        self.names.add(name)
        return record

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
