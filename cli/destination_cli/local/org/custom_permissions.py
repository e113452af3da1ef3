"""Which custom permissions a user holds, by permission sets or by name."""

from __future__ import annotations

from destination_cli.local.org.people import User
from destination_cli.local.org.store import Store


class CustomPermissions:
    """Answers $Permission in formulas: SetupEntityAccess records link permission sets to custom permissions."""

    def __init__(self, data: Store, tooling: Store) -> None:
        self._data, self._tooling = data, tooling

    def held_by(self, user: User) -> set[str]:
        """The names of a user's custom permissions."""
        granted = self._data.table(self._data.schema.sobjects["SetupEntityAccess"])
        if not granted.records:
            return user.custom_permissions
        assigned = self._data.table(self._data.schema.sobjects["PermissionSetAssignment"])
        sets = {row.get("PermissionSetId") for row in assigned if row.get("AssigneeId") == user.id}
        known = self._tooling.table(self._tooling.schema.sobjects["CustomPermission"]).records
        ids = {str(row.get("SetupEntityId")) for row in granted if row.get("ParentId") in sets}
        return user.custom_permissions | {str(known[id_].get("FullName")) for id_ in ids if id_ in known}
