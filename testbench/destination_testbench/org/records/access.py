"""Who may see and write which field."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from destination_testbench.org.facts import Facts
from destination_testbench.org.login.people import User
from destination_testbench.org.records.person_account import of_contact, of_persons
from destination_testbench.org.records.store import RecordStore, StoredRecord

RIGHTS = frozenset({"Read", "Create", "Edit", "Delete"})
GIVEN = RIGHTS | {"ViewAllRecords"}
FOR_ALL = {"User"}
# What a permission set, or a profile, may say beside the rights on objects.
SYSTEM = {
    "ViewAllData": "views_all_data",
    "ViewSetup": "views_setup",
    "AllowViewEditConvertedLeads": "edits_converted_leads",
}


class AccessLevel(IntEnum):
    """What a user may do with a field."""

    NONE = 0
    READ = 1
    EDIT = 2


class Access:
    """Field-level security, and sharing: records that are hidden from who may not view all of their sObject.

    The fields an org starts with are open to everyone whose profile is not a minimal one. A field made through the API
    is open to no one, not even to the administrator, until a permission set opens it. `restrict` takes a right from
    everyone, as a changed profile would.
    """

    def __init__(self, store: RecordStore, facts: Facts) -> None:
        self.version = 0
        self._store, self._facts = store, facts
        self._closed: set[tuple[str, str]] = set()
        self._restricted: dict[tuple[str, str], AccessLevel] = {}
        self._objects: dict[str, AccessLevel] = {}
        self._granted: dict[tuple[str, str, str], AccessLevel] = {}
        self._rights: dict[tuple[str, str], frozenset[str]] = {}
        self._system: set[tuple[str, str]] = set()
        self._hidden: set[str] = set()
        self._withheld: set[str] = set()
        self.kept = {"ContactHistory", "LeadHistory"}  # without Delete From Field History

    def close(self, sobject: str, field: str = "") -> None:
        """Hide a new field from everyone until a permission set opens it; without a field, an sObject from who is no
        administrator.
        """
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

    def share(self, ids: Iterable[str], shared: bool) -> None:
        """Hide records from everyone who may not view all, or show them again."""
        self._hidden = self._hidden - {*ids} if shared else self._hidden | {*ids}

    def sees(self, user: User, sobject: str, record: StoredRecord) -> bool:
        """Whether sharing lets a user see a record."""
        return (
            record.id not in self._hidden
            or self.may(user, "ViewAllData")
            or ("ViewAllRecords" in self._rights.get((user.id, sobject), ()))
        )

    def may(self, user: User, permission: str) -> bool:
        """Whether a user has one of SYSTEM, by the profile or by a permission set."""
        profile = not user.minimal and bool(getattr(user, SYSTEM[permission]))
        return profile or (user.id, permission) in self._system

    def own_permissions(self, user: User) -> StoredRecord:
        """The one row of UserPermissionAccess, which each user sees with the own permissions."""
        return StoredRecord(user.id, {f"Permissions{name}": self.may(user, name) for name in SYSTEM})

    def withhold(self, record_type: str) -> None:
        """Let nobody give this record type to a record, as before a profile or a permission set assigns it."""
        self._withheld.add(record_type)

    def may_give(self, record_type: StoredRecord) -> bool:
        """Whether a record type can be given to a record."""
        return record_type.get("IsActive") is True and record_type.id not in self._withheld

    def rights(self, user: User, sobject: str) -> frozenset[str]:
        """What a user may do with an sObject's records: any of RIGHTS."""
        if sobject.startswith("CampaignMember"):
            rights = self._member_rights(user, sobject)
        else:
            closed = user.minimal or (not user.admin and (sobject, "") in self._closed)
            rights = self._minimal_rights(user, sobject) if closed else RIGHTS
        rights -= {"Delete"} if sobject in self.kept else frozenset()
        return rights if self._objects.get(sobject, AccessLevel.EDIT) is AccessLevel.EDIT else rights & {"Read"}

    def _minimal_rights(self, user: User, sobject: str) -> frozenset[str]:
        granted = self._rights.get((user.id, sobject), frozenset())
        return granted | {"Read"} if sobject in FOR_ALL else granted

    def _member_rights(self, user: User, sobject: str) -> frozenset[str]:
        """The rights on members and their statuses, of which no permission set speaks: a marketing user's who reads
        campaigns.
        """
        campaigns, users = self.rights(user, "Campaign"), self._store.table(self._store.schema.sobjects["User"]).records
        record = users.get(user.id)
        if record and record.get("UserPermissionsMarketingUser") is False:
            return campaigns & ({"Read"} if sobject == "CampaignMember" else frozenset())
        if "Read" not in campaigns or (sobject != "CampaignMember" and not self._facts.member_statuses_writable):
            return campaigns & {"Read"}
        return RIGHTS if self._facts.deleting_members_takes in campaigns else RIGHTS - {"Delete"}

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
        self._system = {
            (str(user), name)
            for row in self._store.table(tables["PermissionSet"])
            for name in SYSTEM
            if row.get(f"Permissions{name}")
            for user in holders.get(row.id, [])
        }
        self._rights = {}
        for row in self._store.table(tables["ObjectPermissions"]):
            given = frozenset(right for right in GIVEN if row.get(f"Permissions{right}"))
            for user in holders.get(row.get("ParentId"), []):
                pair = (str(user), str(row.get("SobjectType")))
                self._rights[pair] = self._rights.get(pair, frozenset()) | given
        self.version += 1
