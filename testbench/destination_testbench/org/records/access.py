"""Who may see and write which field."""

from __future__ import annotations

from enum import IntEnum

from destination_testbench.org.login.people import User
from destination_testbench.org.records.person_account import of_contact, of_persons
from destination_testbench.org.records.store import RecordStore

RIGHTS = frozenset({"Read", "Create", "Edit", "Delete"})
FOR_ALL = {"User"}


class AccessLevel(IntEnum):
    """What a user may do with a field."""

    NONE = 0
    READ = 1
    EDIT = 2


class Access:
    """
    Field-level security.

    The fields an org starts with are open to everyone whose profile is not a minimal one. A field made through the API
    is open to no one, not even to the administrator, until a permission set opens it. `restrict` takes a right from
    everyone, as a changed profile would.
    """

    def __init__(self, store: RecordStore) -> None:
        self.version = 0
        self._store = store
        self._closed: set[tuple[str, str]] = set()
        self._restricted: dict[tuple[str, str], AccessLevel] = {}
        self._objects: dict[str, AccessLevel] = {}
        self._granted: dict[tuple[str, str, str], AccessLevel] = {}
        self._rights: dict[tuple[str, str], frozenset[str]] = {}

    def close(self, sobject: str, field: str) -> None:
        """Hide a new field from everyone until a permission set opens it."""
        self._closed.add((sobject, field))
        self.version += 1

    def restrict(self, sobject: str, field: str, level: AccessLevel | None) -> None:
        """Let no one do more than this with a field; None lifts the restriction."""
        self._restricted.pop((sobject, field), None)
        if level is not None:
            self._restricted[sobject, field] = level
        self.version += 1

    def restrict_object(self, sobject: str, level: AccessLevel | None) -> None:
        """Let no one do more than this with an sObject's records; None lifts the restriction."""
        self._objects.pop(sobject, None)
        if level is not None:
            self._objects[sobject] = level
        self.version += 1

    def rights(self, user: User, sobject: str) -> frozenset[str]:
        """What a user may do with an sObject's records: any of RIGHTS."""
        rights = self._minimal_rights(user, sobject) if user.minimal else RIGHTS
        return rights if self._objects.get(sobject, AccessLevel.EDIT) is AccessLevel.EDIT else rights & {"Read"}

    def _minimal_rights(self, user: User, sobject: str) -> frozenset[str]:
        granted = self._rights.get((user.id, sobject), frozenset())
        return granted | {"Read"} if sobject in FOR_ALL else granted

    def level(self, user: User, sobject: str, field: str) -> AccessLevel:
        """What a user may do with a field; with a person's on an Account, what it may with the Contact's."""
        level = AccessLevel.EDIT
        if sobject == "Account" and of_persons(field):
            level = self.level(user, "Contact", of_contact(field))
            return min(level, self._restricted.get((sobject, field), AccessLevel.EDIT))
        if (sobject, field) in self._closed:
            level = self._granted.get((user.id, sobject, field), AccessLevel.NONE)
        elif user.minimal:
            level = self._granted_to(user, sobject, field)
        return min(level, self._restricted.get((sobject, field), AccessLevel.EDIT))

    def forget(self, sobject: str, field: str) -> None:
        """A field was deleted: what was said of it is not said of a later one of its name."""
        self._closed.discard((sobject, field))
        self.restrict(sobject, field, None)

    def _granted_to(self, user: User, sobject: str, name: str) -> AccessLevel:
        known = self._store.schema.find(sobject)
        field = known.find(name) if known else None
        if known is None or field is None:
            return AccessLevel.EDIT
        whole = known.find(field.compound) if field.compound else None
        asked = whole if whole and whole.permissionable else field
        return (
            self._granted.get((user.id, sobject, asked.name), AccessLevel.NONE)
            if asked.permissionable
            else AccessLevel.EDIT
        )

    def refresh(self) -> None:
        """Read the permission sets again, after one of their records changed."""
        tables = self._store.schema.sobjects
        holders: dict[object, list[object]] = {}
        for row in self._store.table(tables["PermissionSetAssignment"]):
            holders.setdefault(row.get("PermissionSetId"), []).append(row.get("AssigneeId"))
        self._granted = {}
        for row in self._store.table(tables["FieldPermissions"]):
            sobject, _, field = str(row.get("Field")).partition(".")
            level = AccessLevel.EDIT if row.get("PermissionsEdit") else AccessLevel(bool(row.get("PermissionsRead")))
            for user in holders.get(row.get("ParentId"), []):
                key = (str(user), sobject, field)
                self._granted[key] = max(level, self._granted.get(key, AccessLevel.NONE))
        self._rights = {}
        for row in self._store.table(tables["ObjectPermissions"]):
            given = frozenset(right for right in RIGHTS if row.get(f"Permissions{right}"))
            for user in holders.get(row.get("ParentId"), []):
                pair = (str(user), str(row.get("SobjectType")))
                self._rights[pair] = self._rights.get(pair, frozenset()) | given
        self.version += 1
